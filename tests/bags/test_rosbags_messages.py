# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages that are built with the type definitions of rosbags."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from jasmine_ros.bags.rosbags_messages import RosbagsMessages

JAZZY = RosbagsMessages()


def round_trip(messages, message, type_name):
    """Serialize and deserialize a message."""
    data = messages.typestore.serialize_cdr(message, type_name)
    return messages.typestore.deserialize_cdr(data, type_name)


@pytest.mark.parametrize("store", [Stores.ROS2_HUMBLE, Stores.ROS2_JAZZY])
def test_the_defaults_of_every_type_can_be_serialized(store):
    messages = RosbagsMessages(get_typestore(store))
    store = messages.typestore
    for type_name in store.types:
        data = store.serialize_cdr(messages.make(type_name), type_name)
        again = store.deserialize_cdr(data, type_name)
        assert bytes(store.serialize_cdr(again, type_name)) == bytes(data), type_name


def test_defaults_are_those_of_the_msg_files():
    info = JAZZY.make("sensor_msgs/msg/CameraInfo")
    assert (info.binning_x, info.binning_y, info.roi.width, info.distortion_model) == (0, 0, 0, "")
    assert (info.d.size, info.k.tolist(), info.p.size) == (0, [0.0] * 9, 12)
    assert {info.d.dtype, info.k.dtype, info.p.dtype} == {np.dtype(np.float64)}
    assert (info.header.frame_id, info.header.stamp.sec) == ("", 0)
    imu = JAZZY.make("sensor_msgs/msg/Imu")
    assert (imu.orientation.x, imu.orientation.w) == (
        0.0,
        1.0,
    ), "no rotation"
    assert JAZZY.make("diagnostic_msgs/msg/DiagnosticArray").status == []
    # A bounded sequence is empty by default; its bound is not its length.
    assert JAZZY.make("shape_msgs/msg/SolidPrimitive").dimensions.size == 0
    assert JAZZY.make("rcl_interfaces/msg/ParameterDescriptor").integer_range == []
    assert JAZZY.make("std_msgs/msg/Bool").data is False


def test_two_messages_do_not_share_memory():
    first, second = (JAZZY.make("sensor_msgs/msg/CameraInfo") for _ in range(2))
    first.k[0], first.header.frame_id = 7, "changed"
    assert second.k[0] == 0
    assert second.header.frame_id == ""


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x02\xff",
        bytearray(b"\x01\x02\xff"),
        memoryview(b"\x01\x02\xff"),
        [1, 2, 255],
        (1, 2, 255),
        array("B", [1, 2, 255]),
        np.array([1, 2, 255]),
        np.array([[1, 2, 255]], np.uint8),
    ],
    ids=lambda data: type(data).__name__,
)
def test_numbers_in_any_container_become_a_flat_array_of_the_field_type(data):
    image = JAZZY.make("sensor_msgs/msg/Image", data=data)
    assert image.data.dtype == np.uint8
    assert image.data.shape == (3,)
    assert round_trip(JAZZY, image, "sensor_msgs/msg/Image").data.tolist() == [1, 2, 255]


def test_an_array_of_another_type_is_converted_and_not_reinterpreted():
    info = JAZZY.make("sensor_msgs/msg/CameraInfo", d=array("f", [0.5, -2]), k=np.eye(3, dtype=int))
    assert info.d.tolist() == [0.5, -2]
    assert info.k.tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_an_array_of_the_field_type_is_not_copied():
    pixels = np.zeros((4, 6, 3), np.uint8)
    image = JAZZY.make("sensor_msgs/msg/Image", data=pixels)
    assert np.shares_memory(image.data, pixels)


def test_a_window_of_a_larger_image_is_serialized_without_the_rest():
    window = np.arange(24, dtype=np.uint8).reshape(4, 6)[1:3, 2:5]
    image = JAZZY.make("sensor_msgs/msg/Image", data=window)
    back = round_trip(JAZZY, image, "sensor_msgs/msg/Image")
    assert back.data.tolist() == window.ravel().tolist()


def test_an_unknown_field_is_named_in_the_error():
    with pytest.raises(
        TypeError, match=r"sensor_msgs/msg/Image has no field heigth; it has .*height"
    ):
        JAZZY.make("sensor_msgs/msg/Image", heigth=3)


def test_a_fixed_array_of_another_length_is_refused():
    with pytest.raises(ValueError, match="8 numbers for an array of 9"):
        JAZZY.make("sensor_msgs/msg/CameraInfo", k=np.zeros(8))


def test_fields_of_a_registered_type_may_be_named_like_python_keywords():
    messages = RosbagsMessages()
    messages.typestore.register(
        get_types_from_msg("uint16[2] class\nstring from", "test_msgs/msg/Keywords")
    )
    message = messages.make("test_msgs/msg/Keywords", from_="here")
    assert (message.class_.tolist(), message.from_) == ([0, 0], "here")
    assert round_trip(messages, message, "test_msgs/msg/Keywords").from_ == "here"


def test_a_sequence_may_hold_messages():
    value = JAZZY.make("diagnostic_msgs/msg/KeyValue", key="rate", value="30 Hz")
    status = JAZZY.make("diagnostic_msgs/msg/DiagnosticStatus", level=1, values=(value,))
    back = round_trip(JAZZY, status, "diagnostic_msgs/msg/DiagnosticStatus")
    assert (back.level, back.values) == (1, [value])
