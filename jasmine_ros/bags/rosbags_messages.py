# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Factory of ROS messages with the type definitions of rosbags, without a ROS installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from jasmine_ros.msgs.messages import flat_array, unknown_fields

# Defaults of the .msg files that are not zero; a typestore of rosbags does not contain them.
_NOT_ZERO = {
    ("geometry_msgs/msg/Quaternion", "w"): 1.0,
    ("sensor_msgs/msg/NavSatStatus", "status"): -2,
}


class _Field(NamedTuple):
    """Default and conversion of one field of a message."""

    default: Callable[[], Any]
    convert: Callable[[Any], Any]


class RosbagsMessages:
    """Factory of messages that rosbags can serialize.

    Numpy arrays of the dtype of a field are not copied: the message shares their memory.
    """

    def __init__(self, typestore: Typestore | None = None) -> None:
        self.typestore = typestore or get_typestore(Stores.ROS2_JAZZY)
        self._known: dict[str, dict[str, _Field]] = {}

    def make(self, type_name: str, **fields: Any) -> Any:
        """Build a message; see `Messages.make`."""
        known = self._known.get(type_name) or self._fields_of(type_name)
        if unknown := fields.keys() - known.keys():
            raise TypeError(unknown_fields(type_name, unknown, known))
        values = {
            name: field.convert(fields[name]) if name in fields else field.default()
            for name, field in known.items()
        }
        return self.typestore.types[type_name](**values)

    def _fields_of(self, type_name: str) -> dict[str, _Field]:
        _, definitions = self.typestore.fielddefs[type_name]
        # The class appends an underscore to Python keywords. Its last field is `__msgtype__`.
        message_class: Any = self.typestore.types[type_name]
        names = [field.name for field in dataclass_fields(message_class)][: len(definitions)]
        self._known[type_name] = {
            name: self._field(description, _NOT_ZERO.get((type_name, name)))
            for name, (_, description) in zip(names, definitions, strict=True)
        }
        return self._known[type_name]

    def _field(self, description: Any, default: Any = None) -> _Field:
        kind, content = description
        if kind == Nodetype.NAME:
            return _Field(partial(self.make, content), _unchanged)
        if kind == Nodetype.BASE:
            value = _zero(content[0]) if default is None else default
            return _Field(lambda: value, _unchanged)
        element, length = content
        if kind == Nodetype.SEQUENCE:
            length = 0  # the definition has the upper bound here
        if element[0] == Nodetype.BASE and element[1][0] != "string":
            dtype = _dtype(element[1][0])
            convert = partial(flat_array, dtype=dtype, length=length or None)
            return _Field(partial(np.zeros, length, dtype), convert)
        one = self._field(element)
        return _Field(lambda: [one.default() for _ in range(length)], list)


def _zero(base: str) -> Any:
    return "" if base == "string" else np.zeros((), _dtype(base)).item()


def _dtype(base: str) -> np.dtype[Any]:
    return np.dtype("uint8" if base == "char" else base)


def _unchanged(value: Any) -> Any:
    return value
