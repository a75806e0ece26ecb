# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Construction of ROS messages, with and without a ROS installation; stamps and headers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from jasmine_ros.msgs.types import Header, Time


class Messages(Protocol):
    """Factory of ROS messages."""

    def make(self, type_name: str, **fields: Any) -> Any:
        """Build a message of a type such as "sensor_msgs/msg/Image".

        Args:
            type_name: package, "msg" and name, separated by slashes.
            fields: values of the fields; a field that is left out has the default of its `.msg`
                file. An array of numbers may be a numpy array of any shape, a list, an
                `array.array` or bytes.

        Raises:
            TypeError: the type has no field of that name.
            ValueError: an array of fixed length gets another number of values.
        """


class RclpyMessages:
    """Factory of the message classes of a ROS 2 installation."""

    def make(self, type_name: str, **fields: Any) -> Any:
        """Build a message; see `Messages.make`."""
        package, kind, name = type_name.split("/")
        message = getattr(import_module(f"{package}.{kind}"), name)()
        known = message.get_fields_and_field_types()
        if unknown := fields.keys() - known.keys():
            raise TypeError(unknown_fields(type_name, unknown, known))
        for field, value in fields.items():
            setattr(message, field, convert_for_rclpy(value, getattr(message, field)))
        return message


def convert_for_rclpy(value: Any, default: Any) -> Any:
    """Convert a value to the type that rclpy requires of a field with this default."""
    match default:
        case array():  # rclpy accepts other sequences too, but then checks every number in them
            result = array(default.typecode)
            result.frombytes(flat_array(value, default.typecode).view(np.uint8).data)
            return result
        case np.ndarray():
            return flat_array(value, default.dtype, default.size)
        case bytes():  # the type `byte` of ROS
            return value if isinstance(value, bytes) else bytes([value])
        case bool() | int() | float():  # rclpy refuses numpy scalars, and an int for a float
            return type(default)(value)
    return value


def stamp_ns(stamp: Time) -> int:
    """Convert a `builtin_interfaces/Time` to nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def make_header(messages: Messages, stamp_ns: int, frame_id: str) -> Header:
    """Build a `std_msgs/Header` from a stamp [ns] and the name of a frame."""
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    return _header(messages, sec, nanosec, frame_id)


def copy_header(messages: Messages, header: Header) -> Header:
    """Build a `std_msgs/Header` with the stamp and frame of another.

    Seconds and nanoseconds are copied as they are, because a damaged stamp may have 1e9 ns or more.
    """
    return _header(messages, header.stamp.sec, header.stamp.nanosec, header.frame_id)


def _header(messages: Messages, sec: int, nanosec: int, frame_id: str) -> Header:
    stamp = messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    header: Header = messages.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)
    return header


def flat_array(value: Any, dtype: DTypeLike, length: int | None = None) -> NDArray[Any]:
    """Convert numbers to a flat array, without a copy if their type fits.

    Raises:
        ValueError: there are not `length` numbers.
    """
    if isinstance(value, bytes):
        value = memoryview(value)  # numpy would interpret bytes as text
    numbers = np.ascontiguousarray(value, dtype).reshape(-1)
    if length is not None and numbers.size != length:
        raise ValueError(f"got {numbers.size} numbers for an array of {length}")
    return numbers


def unknown_fields(type_name: str, unknown: set[str], known: Iterable[str]) -> str:
    """Return the error text for fields that a message type lacks."""
    return f"{type_name} has no field {', '.join(sorted(unknown))}; it has {', '.join(known)}"
