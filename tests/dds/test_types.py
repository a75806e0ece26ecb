# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""DDS types from the definitions of rosbags have the serialization of rosbags."""

from __future__ import annotations

import numpy as np
import pytest
from cyclonedds.idl import types as idl

from jasmine_ros.dds.graph import type_hash
from jasmine_ros.dds.types import DdsTypes, dds_type_name

USED = [
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/CameraInfo",
    "sensor_msgs/msg/PointCloud2",
    "sensor_msgs/msg/Imu",
    "diagnostic_msgs/msg/DiagnosticArray",
    "rmw_dds_common/msg/ParticipantEntitiesInfo",
    "tf2_msgs/msg/TFMessage",
    "nav_msgs/msg/Odometry",
]


def test_type_names_are_mangled_as_by_ros():
    assert dds_type_name("sensor_msgs/msg/Image") == "sensor_msgs::msg::dds_::Image_"


def test_every_known_type_can_be_made(messages):
    types = DdsTypes(messages.typestore)
    names = [n for n in messages.typestore.fielddefs if "/msg/" in n]
    assert len(names) > 150
    for name in names:
        assert types[name].__idl__.idl_transformed_typename == dds_type_name(name)


def test_byte_and_char_are_uint8(messages):
    types = DdsTypes(messages.typestore)
    level = types["diagnostic_msgs/msg/DiagnosticStatus"].__annotations__["level"]
    gid = types["rmw_dds_common/msg/Gid"].__annotations__["data"]
    assert level is idl.uint8
    assert gid == idl.array[idl.uint8, 16]


@pytest.mark.parametrize("name", USED)
def test_cyclone_serializes_to_the_same_bytes_as_rosbags(messages, name):
    store = messages.typestore
    empty = messages.make(name)
    if name.endswith("CameraInfo"):
        empty = messages.make(name, d=np.arange(5.0), k=np.arange(9), distortion_model="plumb_bob")
    elif name.endswith("/Image"):
        empty = messages.make(name, height=2, data=np.arange(7, dtype=np.uint8), encoding="mono8")
    own = bytes(store.serialize_cdr(empty, name))
    kind = DdsTypes(store)[name]
    cyclone = kind.deserialize(own).serialize(use_version_2=False)
    padding = -len(own) % 4
    assert cyclone[4:] == (own + bytes(padding))[4 : len(cyclone)]
    assert len(cyclone) - len(own) in (0, padding)


def test_the_type_hash_equals_that_of_ros(messages):
    known = "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47"
    assert type_hash(messages.typestore, "sensor_msgs/msg/Image") == f"typehash={known};".encode()
