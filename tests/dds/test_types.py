# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""DDS types made from rosbags' definitions carry exactly the bytes that rosbags writes."""

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


def test_names_are_mangled_as_ros_does():
    assert dds_type_name("sensor_msgs/msg/Image") == "sensor_msgs::msg::dds_::Image_"


def test_every_known_type_can_be_made(messages):
    types = DdsTypes(messages.typestore)
    names = [n for n in messages.typestore.fielddefs if "/msg/" in n]
    assert len(names) > 150
    for name in names:
        assert types[name].__idl__.idl_transformed_typename == dds_type_name(name)


def test_bytes_and_chars_are_uint8(messages):
    types = DdsTypes(messages.typestore)
    level = types["diagnostic_msgs/msg/DiagnosticStatus"].__annotations__["level"]
    gid = types["rmw_dds_common/msg/Gid"].__annotations__["data"]
    assert level is idl.uint8
    assert gid == idl.array[idl.uint8, 16]


@pytest.mark.parametrize("name", USED)
def test_cyclone_s_own_serialiser_agrees_with_rosbags(messages, name):
    store = messages.typestore
    empty = messages.make(name)
    if name.endswith("CameraInfo"):
        empty = messages.make(name, d=np.arange(5.0), k=np.arange(9), distortion_model="plumb_bob")
    elif name.endswith("/Image"):
        empty = messages.make(name, height=2, data=np.arange(7, dtype=np.uint8), encoding="mono8")
    ours = bytes(store.serialize_cdr(empty, name))
    kind = DdsTypes(store)[name]
    theirs = kind.deserialize(ours).serialize(use_version_2=False)
    padding = -len(ours) % 4
    assert theirs[4:] == (ours + bytes(padding))[4 : len(theirs)]
    assert len(theirs) - len(ours) in (0, padding)


def test_the_hash_is_the_one_ros_publishes(messages):
    known = "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47"
    assert type_hash(messages.typestore, "sensor_msgs/msg/Image") == f"typehash={known};".encode()
