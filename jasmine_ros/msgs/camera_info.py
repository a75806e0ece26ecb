# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion between `sensor_msgs/CameraInfo` and calibrations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import Calibration, Camera, ImageTransform, Window
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.types import CameraInfo, Header


def make_camera_info(
    messages: Messages, header: Header, camera: Camera, tx: float = 0.0
) -> CameraInfo:
    """Build the `sensor_msgs/CameraInfo` of a rectified image.

    `tx` is P[0,3] [px m]: minus f_x times the baseline for the right camera of a stereo pair.
    """
    P = np.column_stack([camera.K, (tx, 0.0, 0.0)])  # [3,4]
    info: CameraInfo = messages.make(
        "sensor_msgs/msg/CameraInfo",
        header=header,
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=camera.K,
        r=np.eye(3),
        p=P,
    )
    return info


def calibration_of(camera_info: CameraInfo, topic: str = "camera_info") -> Calibration:
    """Return the calibration of the published image, after region of interest and binning.

    The matrices of a `CameraInfo` belong to the whole sensor; `roi` is the window of the sensor
    that is read out, and `binning_x` by `binning_y` of its pixels make one pixel of the image.

    Raises:
        CameraError: a value of the CameraInfo is impossible; the text begins with `topic`.
    """
    try:
        window, published = _readout(camera_info)
        sensor = int(camera_info.width), int(camera_info.height)
        M = ImageTransform(sensor, published, window, Window(0, 0, *published)).matrix()
        d = _numbers(camera_info, "d")
        if d.any() and d.size not in (4, 5, 8, 12, 14):
            raise CameraError(
                f"d holds {d.size} numbers instead of 4, 5, 8, 12 or 14; calibrate again"
            )
        return Calibration(
            *published,
            K=M @ _numbers(camera_info, "k", 9).reshape(3, 3),
            D=d
            if d.any()
            else np.zeros(5),  # any number of zeros means that there is no distortion
            distortion_model=camera_info.distortion_model,
            R=_numbers(camera_info, "r", 9).reshape(3, 3),
            P=M @ _numbers(camera_info, "p", 12).reshape(3, 4),
        )
    except CameraError as error:
        raise CameraError(f"{topic}: {error}") from error


def _readout(camera_info: CameraInfo) -> tuple[Window, tuple[int, int]]:
    """Return the window of the sensor that is used, and the (width, height) [px] of the image."""
    width, height, roi = int(camera_info.width), int(camera_info.height), camera_info.roi
    bin_x, bin_y = max(1, int(camera_info.binning_x)), max(1, int(camera_info.binning_y))
    x, y, w, h = (int(v) for v in (roi.x_offset, roi.y_offset, roi.width, roi.height))
    w, h = w or width, h or height  # a size of zero means the whole sensor
    if x + w > width or y + h > height:
        raise CameraError(
            f"roi {w}x{h}+{x}+{y} px does not lie inside the sensor of {width}x{height} px; "
            "correct the CameraInfo"
        )
    published = w // bin_x, h // bin_y
    if 0 in published:
        raise CameraError(
            f"{w}x{h} px with binning {bin_x}x{bin_y} give an image without pixels; "
            "set width and height of the CameraInfo"
        )
    # Rows or columns that do not fill a bin are not read out.
    return Window(x, y, published[0] * bin_x, published[1] * bin_y), published


def _numbers(camera_info: CameraInfo, name: str, count: int | None = None) -> NDArray[np.float64]:
    """Return d, k, r or p, whose names ROS 1 writes in capitals, as a flat array."""
    value = getattr(camera_info, name, None)
    if value is None:
        value = getattr(camera_info, name.upper())
    numbers = np.array(value, np.float64).reshape(-1)
    if count is not None and numbers.size != count:
        raise CameraError(f"{name} holds {numbers.size} numbers, not {count}; calibrate again")
    if not np.isfinite(numbers).all():
        raise CameraError(f"{name} holds {numbers.tolist()}, not all finite; calibrate again")
    return numbers
