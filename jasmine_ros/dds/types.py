# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""DDS types of ROS messages, from the type definitions of rosbags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclonedds.idl import IdlStruct, make_idl_struct
from cyclonedds.idl import types as idl_types
from cyclonedds.idl.annotations import final
from rosbags.interfaces import Nodetype

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

idl: Any = idl_types  # type checkers do not follow subscripts at run time

# ROS serializes byte and char as uint8; byte and char of DDS are other types for a peer.
_BASE: dict[str, Any] = {
    "bool": bool,
    **dict.fromkeys(("byte", "octet", "char"), idl.uint8),
    **{
        f"{sign}int{bits}": getattr(idl, f"{sign}int{bits}")
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
    "float32": idl.float32,
    "float64": idl.float64,
}
_EMPTY = {
    "structure_needs_at_least_one_member": idl.uint8
}  # as ROS names the member of an empty message


def dds_type_name(type_name: str) -> str:
    """Return "sensor_msgs::msg::dds_::Image_" for "sensor_msgs/msg/Image"."""
    package, kind, name = type_name.split("/")
    return f"{package}::{kind}::dds_::{name}_"


def ros_type_name(dds_name: str) -> str:
    """Return "sensor_msgs/msg/Image" for "sensor_msgs::msg::dds_::Image_"."""
    return dds_name.replace("::dds_::", "::").removesuffix("_").replace("::", "/")


class DdsTypes:
    """DDS types by the names of ROS types, each made once."""

    def __init__(self, typestore: Typestore) -> None:
        self.typestore = typestore
        self._made: dict[str, type[IdlStruct]] = {}

    def __getitem__(self, type_name: str) -> type[IdlStruct]:
        if type_name not in self._made:
            _, definitions = self.typestore.fielddefs[type_name]
            fields = {name: self._field(description) for name, description in definitions}
            name = type_name.split("/")[-1] + "_"
            made = make_idl_struct(name, dds_type_name(type_name), fields or _EMPTY)
            self._made[type_name] = final(made)
        return self._made[type_name]

    def _field(self, description: Any) -> Any:
        kind, content = description
        if kind == Nodetype.NAME:
            return self[content]
        if kind == Nodetype.BASE:
            base, limit = content
            if base == "string":
                return idl.bounded_str[limit] if limit else str
            return _BASE[base]
        element, length = self._field(content[0]), content[1]
        if kind == Nodetype.ARRAY:
            return idl.array[element, length]
        return idl.sequence[element, length] if length else idl.sequence[element]
