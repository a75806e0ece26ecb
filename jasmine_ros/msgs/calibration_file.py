# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration files, for bags without CameraInfo; `calibration_formats` lists their formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jasmine_core.artifacts.limits import MAX_NUMBER
from jasmine_core.errors import CameraError
from jasmine_core.files import read_small
from jasmine_core.yaml_text import parse_yaml
from jasmine_ros.msgs.calibration_formats import FORMATS, entries, yaml_of_opencv
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.types import CameraInfo


def read_camera_info(path: Path, messages: Messages) -> CameraInfo:
    """Read a calibration YAML file into a CameraInfo message.

    Raises:
        CameraError: the file cannot be read, or an entry is missing or of the wrong type.
    """
    try:
        values = parse_yaml(yaml_of_opencv(read_small(path)))
    except OSError as err:
        raise CameraError(f"calibration {path} cannot be read: {err.strerror}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise CameraError(
            f"calibration {path} is not valid YAML: {err}; these formats are read: {FORMATS}"
        ) from err
    try:
        file = _File(path, entries(values if isinstance(values, dict) else {}))
    except ValueError as err:
        raise CameraError(f"calibration {path} cannot be used: {err}") from err
    info: CameraInfo = messages.make(
        "sensor_msgs/msg/CameraInfo",
        width=file.number("image_width"),
        height=file.number("image_height"),
        distortion_model=str(file.values.get("distortion_model", "plumb_bob")),
        d=file.matrix("distortion_coefficients"),
        k=file.matrix("camera_matrix", 9),
        r=file.matrix("rectification_matrix", 9, [1.0, 0, 0, 0, 1, 0, 0, 0, 1]),
        p=file.matrix("projection_matrix", 12, [0.0] * 12),
    )
    return info


@dataclass(frozen=True)
class _File:
    path: Path
    values: dict[str, Any]

    def number(self, key: str) -> int:
        value = self.values.get(key)
        if type(value) is not int or not 0 < value <= MAX_NUMBER:
            raise CameraError(
                f"calibration {self.path}: {key} is {repr(value)[:40]}; it must be a number of "
                f"pixels, at most {MAX_NUMBER}"
            )
        return value

    def matrix(
        self, key: str, count: int | None = None, default: list[float] | None = None
    ) -> list[float]:
        entry = self.values.get(key)
        if entry is None and default is not None:
            return default
        data = entry.get("data") if isinstance(entry, dict) else None
        if not isinstance(data, list) or not all(isinstance(v, (int, float)) for v in data):
            raise CameraError(f"calibration {self.path}: {key} has no list of numbers named `data`")
        if count is not None and len(data) != count:
            raise CameraError(
                f"calibration {self.path}: {key} has {len(data)} numbers, not {count}"
            )
        try:
            return [float(v) for v in data]
        except OverflowError as err:
            raise CameraError(f"calibration {self.path}: {key} has a number above 1e308") from err
