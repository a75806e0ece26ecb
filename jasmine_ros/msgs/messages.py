# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS messages, made alike with and without a ROS installation; stamps, headers and cameras."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import Calibration, Camera, ImageTransform, Window


class Messages(Protocol):
    """Something that builds messages."""

    def make(self, type_name: str, **fields: Any) -> Any:
        """Build a message such as "sensor_msgs/msg/Image"; what is not given has ROS's default.

        Numbers may be given as a numpy array of any shape, a list, an `array.array` or bytes. A
        field that the type lacks is a TypeError.
        """


class RclpyMessages:
    """Build the messages of a ROS 2 installation."""

    def make(self, type_name: str, **fields: Any) -> Any:
        """Build a message; see `Messages.make`."""
        package, kind, name = type_name.split("/")
        message = getattr(import_module(f"{package}.{kind}"), name)()
        known = message.get_fields_and_field_types()
        if unknown := fields.keys() - known.keys():
            raise TypeError(unknown_fields(type_name, unknown, known))
        for field, value in fields.items():
            setattr(message, field, as_kind_of(getattr(message, field), value))
        return message


def as_kind_of(default: Any, value: Any) -> Any:
    """Convert a value to what rclpy demands of a field that has this default."""
    match default:
        case array():  # rclpy takes other sequences too, but looks at every number in them
            result = array(default.typecode)
            result.frombytes(flat_array(value, default.typecode).view(np.uint8).data)
            return result
        case np.ndarray():
            return flat_array(value, default.dtype, default.size)
        case bytes():  # ROS's `byte`
            return value if isinstance(value, bytes) else bytes([value])
        case bool() | int() | float():  # numpy's scalars, and an int for a float, are refused
            return type(default)(value)
    return value


def stamp_ns(stamp: Any) -> int:
    """Return a `builtin_interfaces/Time` in nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def make_header(messages: Messages, stamp_ns: int, frame_id: str) -> Any:
    """Build a `std_msgs/Header`."""
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    stamp = messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    return messages.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def copy_header(messages: Messages, header: Any) -> Any:
    """Build a `std_msgs/Header` with another's stamp and frame, even if the stamp is no time."""
    sec, nanosec = header.stamp.sec, header.stamp.nanosec
    stamp = messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    return messages.make("std_msgs/msg/Header", stamp=stamp, frame_id=header.frame_id)


def make_camera_info(messages: Messages, header: Any, camera: Camera, tx: float = 0.0) -> Any:
    """Build the `sensor_msgs/CameraInfo` of a rectified image.

    `tx` is P[0,3] [px m]: minus f_x times the baseline for the right camera of a stereo pair.
    """
    P = np.column_stack([camera.K, (tx, 0.0, 0.0)])  # [3,4]
    return messages.make(
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


def calibration_of(camera_info: Any, topic: str = "camera_info") -> Calibration:
    """Return the calibration of the image as published, after region of interest and binning.

    A `CameraInfo` describes the whole sensor, and beside it which window of the sensor was read out
    and how many of its pixels make one of the image.
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
            D=d if d.any() else np.zeros(5),  # no distortion comes as any count of zeros
            distortion_model=camera_info.distortion_model,
            R=_numbers(camera_info, "r", 9).reshape(3, 3),
            P=M @ _numbers(camera_info, "p", 12).reshape(3, 4),
        )
    except CameraError as error:
        raise CameraError(f"{topic}: {error}") from error


def _readout(camera_info: Any) -> tuple[Window, tuple[int, int]]:
    """Return the window of the sensor that is seen and the size of the image made of it."""
    width, height, roi = int(camera_info.width), int(camera_info.height), camera_info.roi
    bin_x, bin_y = max(1, int(camera_info.binning_x)), max(1, int(camera_info.binning_y))
    x, y, w, h = (int(v) for v in (roi.x_offset, roi.y_offset, roi.width, roi.height))
    w, h = w or width, h or height  # all zero means the whole sensor
    if x + w > width or y + h > height:
        raise CameraError(
            f"roi {w}x{h}+{x}+{y} px leaves the sensor of {width}x{height} px; "
            "correct the CameraInfo"
        )
    published = w // bin_x, h // bin_y
    if 0 in published:
        raise CameraError(
            f"{w}x{h} px binned by {bin_x}x{bin_y} leave no image; "
            "set width and height of the CameraInfo"
        )
    # Rows or columns that do not fill a bin are not read.
    return Window(x, y, published[0] * bin_x, published[1] * bin_y), published


def _numbers(camera_info: Any, name: str, count: int | None = None) -> NDArray[np.float64]:
    """Read d, k, r or p, which ROS 1 writes in capitals."""
    value = getattr(camera_info, name, None)
    if value is None:
        value = getattr(camera_info, name.upper())
    numbers = np.array(value, np.float64).reshape(-1)
    if count is not None and numbers.size != count:
        raise CameraError(f"{name} holds {numbers.size} numbers, not {count}; calibrate again")
    if not np.isfinite(numbers).all():
        raise CameraError(f"{name} holds {numbers.tolist()}, not all finite; calibrate again")
    return numbers


def flat_array(value: Any, dtype: DTypeLike, length: int | None = None) -> NDArray[Any]:
    """Return numbers as a flat array, in place where their type fits."""
    if isinstance(value, bytes):
        value = memoryview(value)  # numpy would take bytes for text
    numbers = np.ascontiguousarray(value, dtype).reshape(-1)
    if length is not None and numbers.size != length:
        raise ValueError(f"got {numbers.size} numbers for an array of {length}")
    return numbers


def unknown_fields(type_name: str, unknown: set[str], known: Iterable[str]) -> str:
    """Return the error text for fields that a message type lacks."""
    return f"{type_name} has no field {', '.join(sorted(unknown))}; it has {', '.join(known)}"
