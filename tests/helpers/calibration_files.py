# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration files as `camera_calibration` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from helpers.camera_bags import HEIGHT, WIDTH


def write_calibration(path: Path, fx: float = 70.0, **changes: Any) -> Path:
    """Write the calibration of the camera in `camera_bags`, with other entries where given."""
    matrix = [fx, 0.0, WIDTH / 2, 0.0, fx, HEIGHT / 2, 0.0, 0.0, 1.0]
    values = {
        "image_width": WIDTH,
        "image_height": HEIGHT,
        "distortion_model": "plumb_bob",
        "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.0] * 5},
        "camera_matrix": {"rows": 3, "cols": 3, "data": matrix},
    }
    path.write_text(yaml.safe_dump(values | changes))
    return path
