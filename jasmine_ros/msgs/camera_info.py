# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion between `sensor_msgs/CameraInfo` and calibrations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import (
    DISTORTION_MODELS,
    Calibration,
    Camera,
    ImageTransform,
    Window,
)
from jasmine_core.geometry.intrinsics import require_intrinsics
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.types import CameraInfo, Header

# Other names of the distortion models of ROS.
_MODEL_NAMES = {
    "fisheye": "equidistant",
    "radtan": "plumb_bob",
    "radial-tangential": "plumb_bob",
}


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
    Drivers of rectified cameras may leave K at zero; P is then used in its place.

    Raises:
        CameraError: a value of the CameraInfo is impossible; the text begins with `topic`.
    """
    try:
        window, published = _readout(camera_info)
        sensor = int(camera_info.width), int(camera_info.height)
        M = ImageTransform(sensor, published, window, Window(0, 0, *published)).matrix()
        K = _numbers(camera_info, "k", 9).reshape(3, 3)
        R = _numbers(camera_info, "r", 9).reshape(3, 3)
        P = _numbers(camera_info, "p", 12).reshape(3, 4)
        if without_K(camera_info):
            K, R = P[:, :3], np.eye(3)
        for name, matrix in (("K", K), ("P", P[:, :3])):
            # A focal length of zero means that the camera is not calibrated, or P not set.
            if matrix[0, 0] or matrix[1, 1]:
                require_intrinsics(matrix, sensor, name)
        model = _MODEL_NAMES.get(camera_info.distortion_model, camera_info.distortion_model)
        d = _coefficients(_numbers(camera_info, "d"), model)
        return Calibration(
            *published,
            K=M @ K,
            D=d,
            distortion_model=model,
            R=R,
            P=M @ P,
        )
    except CameraError as error:
        raise CameraError(f"{topic}: {error}") from error


def _coefficients(d: NDArray[np.float64], model: str) -> NDArray[np.float64]:
    """Return the coefficients in a number that OpenCV takes; zeros at the end change nothing."""
    used = int(np.flatnonzero(d)[-1]) + 1 if d.any() else 0
    if used == 0:  # no distortion, whatever its model
        return np.zeros(5)
    counts = DISTORTION_MODELS.get(model, ())
    fitting = [n for n in counts if used <= n <= d.size]
    count = fitting[0] if fitting and d.size not in counts else d.size
    if counts and count not in counts:
        raise CameraError(
            f"d holds {d.size} numbers instead of {' or '.join(map(str, counts))} for {model}; "
            "calibrate again"
        )
    return d[:count]


def without_K(camera_info: CameraInfo) -> bool:
    """Return whether K is not set although P is."""
    k, p = _numbers(camera_info, "k", 9), _numbers(camera_info, "p", 12)
    return bool(not k[0] and not k[4] and p[0] > 0)


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
