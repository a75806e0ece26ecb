# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image files, opened by Python: OpenCV's own functions refuse names that are not UTF-8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.files import atomic_file, expect_regular


def read_pixels(path: Path, mode: int) -> NDArray[Any] | None:
    """Return the decoded pixels of a file as OpenCV orders them, None if it is not an image.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    expect_regular(path)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    return cv2.imdecode(data, mode) if data.size else None


def write_png(path: Path, pixels: NDArray[Any]) -> None:
    """Write pixels [H,W] or [H,W,3] in BGR order as a PNG file; the file appears when complete."""
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise OSError(f"{path} cannot be encoded as PNG")
    with atomic_file(path) as temporary:
        temporary.write_bytes(data.tobytes())
