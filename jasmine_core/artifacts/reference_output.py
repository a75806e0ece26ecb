# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reference output of an export, to which a runtime is compared when it loads the graphs.

`reference.json` in the folder of an export holds the output of torch for a fixed image, at 8 x 8
pixels. It serves runtimes whose versions differ in what they compute, such as OpenCV.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import ExportError
from jasmine_core.files import atomic_file, read_json
from jasmine_core.geometry.camera import Size

FILE = "reference.json"
TOLERANCE = 1e-3  # of the largest value
SIDE = 8  # rows and columns of the compared pixels
MAX_BYTES = 1 << 16


def reference_image(size: Size) -> NDArray[np.float32]:
    """Return the fixed image [3,H,W] in [0,1]: waves of several lengths and directions."""
    width, height = size
    y, x = np.mgrid[:height, :width] / np.float32(height)
    waves = [np.sin(6 * x + 3 * y), np.sin(23 * y - 11 * x), np.sin(41 * x) * np.cos(5 * y)]
    return np.asarray(0.5 + 0.45 * np.stack(waves), np.float32)


def write_reference(folder: Path, ssi: NDArray[Any], depth: NDArray[Any]) -> None:
    """Write the output for `reference_image`: D_SSI [H,W] and the final depth [H,W] in units."""
    values = {"ssi": _sampled(ssi).tolist(), "depth": _sampled(depth).tolist()}
    with atomic_file(folder / FILE) as temporary:
        temporary.write_text(json.dumps(values) + "\n")


def expect_reference(
    folder: Path, ssi: NDArray[np.float32], depth: NDArray[np.float32], runtime: str
) -> None:
    """Raise ExportError if a runtime's output for `reference_image` is not that of torch.

    Args:
        folder: folder of the export.
        ssi: D_SSI [H,W] of the runtime.
        depth: final depth [H,W] of the runtime in units.
        runtime: name and version of the runtime, for the error.
    """
    try:
        values = read_json(folder / FILE, MAX_BYTES)
        expected = {name: np.array(values[name], np.float32) for name in ("ssi", "depth")}
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ExportError(
            f"{folder / FILE} cannot be read ({err}); export the checkpoint again with --plain"
        ) from err
    for name, values in (("ssi", ssi), ("depth", depth)):
        got, wanted = _sampled(values), expected[name]
        apart = np.abs(got - wanted).max() if got.shape == wanted.shape else np.inf
        if not apart <= TOLERANCE * np.abs(wanted).max():
            raise ExportError(
                f"{runtime} computes another {name} than torch from the graphs in {folder} "
                f"(difference {apart:.2g}); use another version of it, or another backend"
            )


def _sampled(values: NDArray[Any]) -> NDArray[np.float32]:
    rows, columns = (np.linspace(0, side - 1, SIDE).round().astype(int) for side in values.shape)
    return np.asarray(values[np.ix_(rows, columns)], np.float32)
