# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Export of a checkpoint to ONNX; also run as a program by processes that do not import torch.

python -m jasmine_core.export.checkpoint '{"checkpoint": "random:tiny", "output": "exports"}'
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from jasmine_core.artifacts.calibration_file import find_calibration
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.errors import ExportError, JasmineError
from jasmine_core.files import atomic_folder
from jasmine_core.geometry.camera import Size, stretch
from jasmine_core.image_files import read_pixels
from jasmine_core.locks import exclusive
from jasmine_core.outputs import expect_own, record


def export_checkpoint(
    checkpoint: Checkpoint,
    output: Path,
    *,
    size: Size | None = None,
    precision: str = "fp32",
    split: bool = False,
    transposed: bool = False,
    plain: bool = False,
    image: Path | None = None,
    replace: bool = False,
) -> Path:
    """Write an export into a new folder in `output`, and return that folder.

    A calibration of the confidence is copied into it, if it belongs to the weights.

    Args:
        checkpoint: Weights to export.
        output: Folder in which WIDTHxHEIGHT-PRECISION is created, with "-split" for `split` and
            "-plain" for `plain`.
        size: (width, height) [px] of the graph's input; by default the image size of the training.
        precision: fp32 or fp16.
        split: Write three graphs (encoder, unet, decoder) instead of one.
        transposed: Replace each upsampling and its convolution by a transposed convolution.
        plain: Write operators that OpenCV reads as well; the graph is one file in fp32.
        image: Image file on which modules that overflow in fp16 are searched; they become fp32
            fallback layers. By default noise is used.
        replace: Replace an export of the same name even if its files were changed since.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401

        from jasmine_core.export.half_precision import find_fp32_layers
        from jasmine_core.export.onnx import export_onnx
        from jasmine_core.export.specialise import specialise
        from jasmine_core.model.jasmine import JasmineModel
    except ImportError as err:
        raise ExportError(
            f"exporting needs torch, onnx and onnxscript ({err}); "
            "pip install 'jasmine_ros[torch,onnx]'"
        ) from err

    calibration = find_calibration(checkpoint)
    model = JasmineModel.from_pretrained(checkpoint)
    width, height = size or (model.config.width, model.config.height)
    fp32_layers: frozenset[str] = frozenset()
    if precision == "fp16":
        fp32_layers = find_fp32_layers(specialise(model), _read(image, (width, height)))
    name = f"{width}x{height}-{precision}" + ("-split" if split else "")
    name += "-plain" if plain else ""
    if not replace:
        expect_own(output / name)
    with atomic_folder(output / name) as folder:
        export_onnx(
            model,
            folder,
            size=(width, height),
            precision=precision,  # type: ignore[arg-type]
            fp32_layers=fp32_layers,
            split=split,
            transposed=transposed,
            plain=plain,
            source=checkpoint.fingerprint,
        )
        if calibration is not None:
            shutil.copyfile(calibration[0], folder / CALIBRATION_FILE)
        record(folder)
    return output / name


def _read(file: Path | None, size: Size) -> Any:
    """Return the image on which overflows are searched, [1,3,H,W] in [0,1]; noise by default."""
    import cv2
    import numpy as np
    import torch

    width, height = size
    if file is None:
        return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    read = read_pixels(file, cv2.IMREAD_COLOR) if file.is_file() else None
    if read is None:
        raise ExportError(f"{file} cannot be decoded as an image; give a complete PNG or JPEG")
    image = np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)
    pixels = stretch((image.shape[1], image.shape[0]), size).image(image)
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None] / 255


def main(arguments: list[str]) -> int:
    """Export as requested by one JSON argument; print the folder, or one line of error."""
    request = json.loads(arguments[0])
    try:
        checkpoint, output = Checkpoint.resolve(request["checkpoint"]), Path(request["output"])
        size = tuple(request["size"]) if request.get("size") else None
        precision = request.get("precision", "fp32")
        plain = request.get("plain", False)
        with exclusive(output, "exports the same checkpoint"):
            # The process that had the lock may have made it.
            folder = Exports(checkpoint, plain).find(size, precision)
            if folder is None:
                folder = export_checkpoint(
                    checkpoint, output, size=size, precision=precision, plain=plain, replace=True
                )
        print(folder)
    except (JasmineError, OSError) as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
