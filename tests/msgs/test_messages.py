# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import Camera
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import (
    RclpyMessages,
    as_kind_of,
    calibration_of,
    make_camera_info,
    make_header,
    stamp_ns,
)

unhurried = settings(derandomize=True, deadline=None, max_examples=200)

JAZZY = RosbagsMessages()
NOETIC = RosbagsMessages(get_typestore(Stores.ROS1_NOETIC))
K = np.array([[500.0, 0, 321.5], [0, 510, 239.25], [0, 0, 1]])


def round_trip(messages, message, type_name):
    wire = messages.typestore.serialize_cdr(message, type_name)
    return messages.typestore.deserialize_cdr(wire, type_name)


@pytest.mark.parametrize("store", [Stores.ROS2_HUMBLE, Stores.ROS2_JAZZY])
def test_every_type_has_defaults_that_survive_the_wire(store):
    messages = RosbagsMessages(get_typestore(store))
    store = messages.typestore
    for type_name in store.types:
        wire = store.serialize_cdr(messages.make(type_name), type_name)
        again = store.deserialize_cdr(wire, type_name)
        assert bytes(store.serialize_cdr(again, type_name)) == bytes(wire), type_name


def test_defaults_are_those_of_ros():
    info = JAZZY.make("sensor_msgs/msg/CameraInfo")
    assert (info.binning_x, info.binning_y, info.roi.width, info.distortion_model) == (0, 0, 0, "")
    assert (info.d.size, info.k.tolist(), info.p.size) == (0, [0.0] * 9, 12)
    assert {info.d.dtype, info.k.dtype, info.p.dtype} == {np.dtype(np.float64)}
    assert (info.header.frame_id, info.header.stamp.sec) == ("", 0)
    imu = JAZZY.make("sensor_msgs/msg/Imu")
    assert (imu.orientation.x, imu.orientation.w) == (
        0.0,
        1.0,
    )  # no rotation, as the .msg file says
    assert JAZZY.make("diagnostic_msgs/msg/DiagnosticArray").status == []
    # A bounded sequence starts empty and not full.
    assert JAZZY.make("shape_msgs/msg/SolidPrimitive").dimensions.size == 0
    assert JAZZY.make("rcl_interfaces/msg/ParameterDescriptor").integer_range == []
    assert JAZZY.make("std_msgs/msg/Bool").data is False


def test_two_messages_share_nothing():
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
def test_numbers_in_any_container_become_a_flat_array_of_the_right_type(data):
    image = JAZZY.make("sensor_msgs/msg/Image", data=data)
    assert image.data.dtype == np.uint8
    assert image.data.shape == (3,)
    assert round_trip(JAZZY, image, "sensor_msgs/msg/Image").data.tolist() == [1, 2, 255]


def test_an_array_of_other_numbers_is_converted_and_not_reinterpreted():
    info = JAZZY.make("sensor_msgs/msg/CameraInfo", d=array("f", [0.5, -2]), k=np.eye(3, dtype=int))
    assert info.d.tolist() == [0.5, -2]
    assert info.k.tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_an_array_of_the_right_type_is_not_copied():
    pixels = np.zeros((4, 6, 3), np.uint8)
    image = JAZZY.make("sensor_msgs/msg/Image", data=pixels)
    assert np.shares_memory(image.data, pixels)


def test_rows_taken_out_of_a_larger_image_are_serialised_as_they_are_seen():
    window = np.arange(24, dtype=np.uint8).reshape(4, 6)[1:3, 2:5]
    image = JAZZY.make("sensor_msgs/msg/Image", data=window)
    back = round_trip(JAZZY, image, "sensor_msgs/msg/Image")
    assert back.data.tolist() == window.ravel().tolist()


def test_a_field_that_does_not_exist_is_named():
    with pytest.raises(
        TypeError, match=r"sensor_msgs/msg/Image has no field heigth; it has .*height"
    ):
        JAZZY.make("sensor_msgs/msg/Image", heigth=3)


def test_a_fixed_array_of_another_length_is_refused_at_once():
    with pytest.raises(ValueError, match="8 numbers for an array of 9"):
        JAZZY.make("sensor_msgs/msg/CameraInfo", k=np.zeros(8))


def test_a_type_registered_later_may_name_its_fields_like_python_keywords():
    messages = RosbagsMessages()
    messages.typestore.register(get_types_from_msg("uint16[2] class\nstring from", "us/msg/Odd"))
    odd = messages.make("us/msg/Odd", from_="here")
    assert (odd.class_.tolist(), odd.from_) == ([0, 0], "here")
    assert round_trip(messages, odd, "us/msg/Odd").from_ == "here"


def test_a_sequence_may_hold_messages():
    value = JAZZY.make("diagnostic_msgs/msg/KeyValue", key="rate", value="30 Hz")
    status = JAZZY.make("diagnostic_msgs/msg/DiagnosticStatus", level=1, values=(value,))
    back = round_trip(JAZZY, status, "diagnostic_msgs/msg/DiagnosticStatus")
    assert (back.level, back.values) == (1, [value])


@unhurried
@given(
    st.integers(0, (2**31 - 1) * 10**9 + 999_999_999),
    st.sampled_from(["", "camera_optical_frame", "kamera_vorn_für_straße"]),
)
def test_a_header_keeps_every_nanosecond_on_the_wire(nanoseconds, frame_id):
    header = make_header(JAZZY, nanoseconds, frame_id)
    back = round_trip(JAZZY, header, "std_msgs/msg/Header")
    assert (stamp_ns(back.stamp), back.frame_id) == (nanoseconds, frame_id)
    assert isinstance(stamp_ns(back.stamp), int)


def test_a_ros_1_header_has_the_same_stamp():
    store = NOETIC.typestore
    wire = store.serialize_ros1(make_header(NOETIC, 12_000_000_034, "cam"), "std_msgs/msg/Header")
    assert stamp_ns(store.deserialize_ros1(wire, "std_msgs/msg/Header").stamp) == 12_000_000_034


# ---- cameras


def camera_info(width=640, height=480, binning=(0, 0), roi=(0, 0, 0, 0), **fields):
    names = ("x_offset", "y_offset", "width", "height")
    given_fields = {
        "distortion_model": "plumb_bob",
        "d": [0.1, -0.2, 0.01, 0.02, 0.0],
        "k": K,
        "r": np.eye(3),
        "p": np.column_stack([K + np.diag([3, 5, 0]), (-55.0, 2.0, 0)]),
    }
    return JAZZY.make(
        "sensor_msgs/msg/CameraInfo",
        width=width,
        height=height,
        binning_x=binning[0],
        binning_y=binning[1],
        roi=JAZZY.make("sensor_msgs/msg/RegionOfInterest", **dict(zip(names, roi, strict=True))),
        **(given_fields | fields),
    )


@pytest.mark.parametrize("binning", [(0, 0), (1, 1)])
@pytest.mark.parametrize("roi", [(0, 0, 0, 0), (0, 0, 640, 480)])
def test_a_whole_sensor_keeps_its_numbers_to_the_last_bit(binning, roi):
    info = camera_info(binning=binning, roi=roi)
    calibration = calibration_of(info)
    assert (calibration.width, calibration.height) == (640, 480)
    np.testing.assert_array_equal(calibration.K.ravel(), info.k)
    np.testing.assert_array_equal(calibration.P.ravel(), info.p)
    np.testing.assert_array_equal(calibration.R.ravel(), info.r)
    np.testing.assert_array_equal(calibration.D, info.d)
    assert calibration.distortion_model == "plumb_bob"


@unhurried
@given(
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(8, 340), st.integers(8, 280)),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(1, 50)),
)
def test_a_point_falls_on_the_super_pixel_that_its_sensor_pixel_was_summed_into(
    binning, roi, point
):
    whole = calibration_of(camera_info())
    seen = calibration_of(camera_info(binning=binning, roi=roi))
    bins, offset = np.maximum(binning, 1), np.array(roi[:2])
    assert (seen.width, seen.height) == tuple(np.array(roi[2:]) // bins)
    X = np.array([*point, 1.0])
    for before, after, Z in (
        (whole.K @ X[:3], seen.K @ X[:3], X[2]),
        (whole.P @ X, seen.P @ X, X[2]),  # a stereo baseline shrinks with the pixels' number
    ):
        sensor, pixels = before[:2] / Z, after[:2] / Z
        np.testing.assert_allclose(pixels + 0.5, (sensor + 0.5 - offset) / bins, atol=1e-9)


def test_the_fourth_column_of_P_scales_with_the_binning_alone():
    P = calibration_of(camera_info(binning=(2, 4), roi=(100, 50, 200, 100))).P
    assert (P[0, 3], P[1, 3], P[2, 3]) == (-27.5, 0.5, 0)


def test_columns_that_fill_no_bin_are_left_out():
    calibration = calibration_of(camera_info(width=641, binning=(2, 2)))
    assert (calibration.width, calibration.height) == (320, 240)
    assert calibration.K[0, 0] == K[0, 0] / 2  # not 320 / 641


def test_ros_1_writes_the_matrices_in_capitals():
    info = NOETIC.make(
        "sensor_msgs/msg/CameraInfo", width=640, height=480, K=K, D=[0.0] * 5, R=np.eye(3)
    )
    np.testing.assert_array_equal(calibration_of(info).rectified_camera.K, K)


@pytest.mark.parametrize("zeros", [0, 1, 5, 7])
def test_any_number_of_zeros_means_no_distortion(zeros):
    calibration = calibration_of(camera_info(d=np.zeros(zeros), distortion_model=""))
    assert not calibration.distorted
    assert calibration.D.size == 5


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"k": np.zeros(9)}, "not calibrated"),
        ({"k": np.full(9, np.nan)}, "k holds .*finite"),
        ({"p": np.full(12, np.inf)}, "p holds .*finite"),
        ({"d": [0.1, 0.2, 0.3]}, "d holds 3 numbers"),
        ({"distortion_model": "fancy"}, "fancy"),
        ({"width": 0}, "0x480"),
        ({"roi": (600, 0, 100, 100)}, r"100x100\+600\+0"),
        ({"roi": (5, 0, 0, 0)}, r"640x480\+5\+0"),
        ({"binning": (1000, 1)}, "1000x1"),
    ],
)
def test_a_calibration_that_cannot_be_names_the_topic_and_the_value(fields, complaint):
    with pytest.raises(CameraError, match=rf"^/front/camera_info: .*{complaint}"):
        calibration_of(camera_info(**fields), "/front/camera_info")


@pytest.mark.parametrize("name", ["k", "r", "p"])
def test_a_matrix_of_another_length_is_named(name):
    info = camera_info()
    setattr(info, name, np.ones(8))
    with pytest.raises(CameraError, match=rf"^camera_info: {name} holds 8 numbers"):
        calibration_of(info)


def test_a_camera_info_of_ours_describes_the_camera_it_was_made_of():
    header = make_header(JAZZY, 5, "camera_optical_frame")
    info = make_camera_info(JAZZY, header, Camera(640, 480, K), tx=-60.0)
    back = round_trip(JAZZY, info, "sensor_msgs/msg/CameraInfo")
    calibration = calibration_of(back)
    assert calibration.rectified_camera.size == (640, 480)
    np.testing.assert_array_equal(calibration.rectified_camera.K, K)
    np.testing.assert_array_equal(calibration.K, K)
    assert not calibration.needs_rectification()
    assert calibration.P[0, 3] == -60
    assert (back.distortion_model, back.d.tolist()) == ("plumb_bob", [0.0] * 5)
    assert back.header == header


# ---- the messages of an installed ROS 2


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
def test_rclpy_gets_the_types_that_it_accepts(default, value, expected):
    converted = as_kind_of(default, value)
    assert type(converted) is type(expected)
    assert converted == expected


def test_rclpy_gets_fixed_arrays_flat():
    converted = as_kind_of(np.zeros(9), [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert converted.dtype == np.float64
    assert converted.tolist() == list(range(1, 10))
    with pytest.raises(ValueError, match="4 numbers for an array of 9"):
        as_kind_of(np.zeros(9), np.eye(2))


@pytest.mark.ros
def test_an_installed_ros_2_takes_the_same_calls():
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
