# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The DDS types of ROS messages, from the definitions that rosbags carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclonedds.idl import IdlStruct, make_idl_struct
from cyclonedds.idl import types as idl_types
from cyclonedds.idl.annotations import final
from rosbags.interfaces import Nodetype

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

idl: Any = idl_types  # subscripted at run time only, which type checkers do not follow

# ROS maps byte and char to uint8 on the wire; DDS's own byte and char are other types to a peer.
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
_EMPTY = {"structure_needs_at_least_one_member": idl.uint8}  # as ROS fills an empty message


def dds_type_name(type_name: str) -> str:
    """Return "sensor_msgs::msg::dds_::Image_" for "sensor_msgs/msg/Image"."""
    package, kind, name = type_name.split("/")
    return f"{package}::{kind}::dds_::{name}_"


def ros_type_name(dds_name: str) -> str:
    """Return "sensor_msgs/msg/Image" for "sensor_msgs::msg::dds_::Image_"."""
    return dds_name.replace("::dds_::", "::").removesuffix("_").replace("::", "/")


class DdsTypes:
    """Make the DDS type of a ROS type once."""

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
