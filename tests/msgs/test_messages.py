# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Headers and stamps, and messages that are built with rclpy."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from jasmine_core.geometry.camera import Camera
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.camera_info import calibration_of, make_camera_info
from jasmine_ros.msgs.messages import (
    RclpyMessages,
    convert_for_rclpy,
    copy_header,
    make_header,
    stamp_ns,
)

no_deadline = settings(derandomize=True, deadline=None, max_examples=200)

JAZZY = RosbagsMessages()
NOETIC = RosbagsMessages(get_typestore(Stores.ROS1_NOETIC))
K = np.array([[500.0, 0, 321.5], [0, 510, 239.25], [0, 0, 1]])


def round_trip(messages, message, type_name):
    """Serialize and deserialize a message."""
    data = messages.typestore.serialize_cdr(message, type_name)
    return messages.typestore.deserialize_cdr(data, type_name)


@no_deadline
@given(
    st.integers(0, (2**31 - 1) * 10**9 + 999_999_999),
    st.sampled_from(["", "camera_optical_frame", "kamera_vorn_für_straße"]),
)
def test_a_serialized_header_keeps_every_nanosecond(nanoseconds, frame_id):
    header = make_header(JAZZY, nanoseconds, frame_id)
    back = round_trip(JAZZY, header, "std_msgs/msg/Header")
    assert (stamp_ns(back.stamp), back.frame_id) == (nanoseconds, frame_id)
    assert isinstance(stamp_ns(back.stamp), int)


def test_a_ros_1_header_has_the_same_stamp():
    store = NOETIC.typestore
    data = store.serialize_ros1(make_header(NOETIC, 12_000_000_034, "cam"), "std_msgs/msg/Header")
    assert stamp_ns(store.deserialize_ros1(data, "std_msgs/msg/Header").stamp) == 12_000_000_034


def test_a_copied_header_keeps_an_invalid_stamp():
    header = make_header(JAZZY, 0, "camera")
    header.stamp.sec, header.stamp.nanosec = -1, 4_000_000_000
    assert copy_header(JAZZY, header) == header


# ---- rclpy


@pytest.mark.parametrize(
    ("default", "value", "expected"),
    [
        (array("B"), np.array([[1, 2], [3, 4]], np.uint8), array("B", [1, 2, 3, 4])),
        (array("B"), b"\x01\xff", array("B", [1, 255])),
        (array("d"), [1, 2.5], array("d", [1.0, 2.5])),
        (array("f"), np.array([0.5]), array("f", [0.5])),
        (array("q"), np.array([-1], np.int32), array("q", [-1])),
        (b"\x00", 2, b"\x02"),
        (b"\x00", b"\x02", b"\x02"),
        (0, np.uint32(7), 7),
        (0.0, 3, 3.0),
        (False, np.bool_(True), True),
        ("", "rgb8", "rgb8"),
    ],
)
def test_values_are_converted_to_the_types_that_rclpy_accepts(default, value, expected):
    converted = convert_for_rclpy(value, default)
    assert type(converted) is type(expected)
    assert converted == expected


def test_fixed_arrays_are_flattened_for_rclpy():
    converted = convert_for_rclpy([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.zeros(9))
    assert converted.dtype == np.float64
    assert converted.tolist() == list(range(1, 10))
    with pytest.raises(ValueError, match="4 numbers for an array of 9"):
        convert_for_rclpy(np.eye(2), np.zeros(9))


@pytest.mark.ros
def test_messages_of_an_installed_ros_2_are_built_by_the_same_calls():
    pytest.importorskip("sensor_msgs.msg", reason="no ROS 2 installation to import from")
    messages = RclpyMessages()
    header = make_header(messages, 1_000_000_002, "cam")
    info = make_camera_info(messages, header, Camera(640, 480, K), tx=-60.0)
    np.testing.assert_array_equal(calibration_of(info).K, K)
    assert stamp_ns(info.header.stamp) == 1_000_000_002
    image = messages.make("sensor_msgs/msg/Image", data=np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert image.data == array("B", range(6))
    assert messages.make("diagnostic_msgs/msg/DiagnosticStatus", level=1).level == b"\x01"
    with pytest.raises(TypeError, match="no field heigth"):
        messages.make("sensor_msgs/msg/Image", heigth=3)
