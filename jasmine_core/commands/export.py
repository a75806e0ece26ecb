# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine export`: ONNX graphs and TensorRT engines of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from jasmine_core.commands.options import ImageSize, option
from jasmine_core.errors import ConfigError
from jasmine_core.locks import exclusive

if TYPE_CHECKING:
    from jasmine_core.artifacts.checkpoint import Checkpoint


@dataclass(frozen=True)
class ExportRequest:
    """Export a checkpoint to ONNX graphs that run without torch, or to TensorRT engines.

    All constant parts are folded into the weights. A graph accepts images of one size.
    """

    #: Folder of the checkpoint, the name of a bundled one, or random:PRESET.
    checkpoint: Annotated[Positional[str], arg(metavar="CHECKPOINT")]
    #: Folder of the ONNX exports, which gets a subfolder for this size and precision; by
    #: default CHECKPOINT/onnx, where the backends onnxruntime and openvino look for it.
    output: Annotated[Path | None, option("OUT", "-o")] = None
    #: Whether ONNX graphs are written.
    onnx: bool = False
    #: Whether TensorRT engines are built for the GPU of this machine, validated, and
    #: activated if they pass.
    tensorrt: bool = False
    #: Width and height of the input images [px]; by default those of the training.
    size: ImageSize = None
    #: Number format: fp16 keeps the input, the output and layers that would overflow in
    #: fp32; auto is fp32 for graphs, and fp16 for engines if its accuracy suffices.
    precision: Literal["auto", "fp32", "fp16"] = "auto"
    #: Whether three graphs are written (encoder, unet, decoder) instead of one.
    split: bool = False
    #: Whether the graph upsamples by transposed convolutions, which need fewer operations
    #: but not always less time.
    transposed: bool = False
    #: Whether the graph has plain operators only, which OpenCV's DNN module reads as well.
    plain: bool = False
    #: Image file for the search for layers that overflow in fp16; by default noise is used.
    image: Annotated[Path | None, option("FILE")] = None
    #: Whether engines are only built; they are validated when the node starts on the robot.
    build_only: bool = False
    #: Compute capability of the robot's GPU, such as 8.9, for engines that are built ahead
    #: of time by TensorRT for RTX without that GPU; needs --build-only.
    compute_capability: Annotated[str | None, option("X.Y")] = None


def export(request: ExportRequest) -> int:
    """Export as requested, and print what was written."""
    from jasmine_core.artifacts.checkpoint import Checkpoint

    checkpoint = Checkpoint.resolve(request.checkpoint)
    if not (request.onnx or request.tensorrt):
        raise ConfigError("there is nothing to export to; add --onnx or --tensorrt")
    if request.compute_capability and not request.build_only:
        raise ConfigError("engines for another GPU cannot be validated here; add --build-only")
    if request.tensorrt:
        _export_engines(request, checkpoint)
    if request.onnx:
        _export_onnx(request, checkpoint)
    return 0


def _export_engines(request: ExportRequest, checkpoint: Checkpoint) -> None:
    from jasmine_core.engines.build import build_engines, require_gpu, validate_engines

    size, precision = request.size, request.precision
    if request.build_only:
        for folder in build_engines(checkpoint, size, precision, request.compute_capability):
            print(folder)
        print(
            "the engines are not validated yet; --backend tensorrt or `jasmine doctor --gpu` "
            "validates them on the robot"
        )
        return
    found = validate_engines(checkpoint, require_gpu(), size, precision)
    levels = ", ".join(f"{stage} {level}" for stage, level in found.accuracy.precision.items())
    print(f"{levels}: {found.accuracy.summary()}; these engines are used from now on")


def _export_onnx(request: ExportRequest, checkpoint: Checkpoint) -> None:
    from jasmine_core.artifacts.onnx_exports import EXPORTS
    from jasmine_core.export.checkpoint import export_checkpoint

    if request.output is None and checkpoint.kind == "random":
        raise ConfigError(f"{request.checkpoint} has no folder of its own; add --output OUT")
    output = request.output or checkpoint.jasmine_folder() / EXPORTS
    with exclusive(output):
        folder = export_checkpoint(
            checkpoint,
            output,
            size=request.size,
            precision="fp32" if request.precision == "auto" else request.precision,
            split=request.split,
            transposed=request.transposed,
            plain=request.plain,
            image=request.image,
        )
    for file in sorted(folder.iterdir()):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
