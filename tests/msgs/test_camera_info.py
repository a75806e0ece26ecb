# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibrations in `sensor_msgs/CameraInfo`, with region of interest and binning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import Camera
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.camera_info import calibration_of, make_camera_info
from jasmine_ros.msgs.messages import make_header

no_deadline = settings(derandomize=True, deadline=None, max_examples=200)

MESSAGES = RosbagsMessages()
NOETIC = RosbagsMessages(get_typestore(Stores.ROS1_NOETIC))
K = np.array([[500.0, 0, 321.5], [0, 510, 239.25], [0, 0, 1]])


def round_trip(messages, message, type_name):
    """Serialize and deserialize a message."""
    data = messages.typestore.serialize_cdr(message, type_name)
    return messages.typestore.deserialize_cdr(data, type_name)


def camera_info(width=640, height=480, binning=(0, 0), roi=(0, 0, 0, 0), **fields):
    names = ("x_offset", "y_offset", "width", "height")
    given_fields = {
        "distortion_model": "plumb_bob",
        "d": [0.1, -0.2, 0.01, 0.02, 0.0],
        "k": K,
        "r": np.eye(3),
        "p": np.column_stack([K + np.diag([3, 5, 0]), (-55.0, 2.0, 0)]),
    }
    return MESSAGES.make(
        "sensor_msgs/msg/CameraInfo",
        width=width,
        height=height,
        binning_x=binning[0],
        binning_y=binning[1],
        roi=MESSAGES.make("sensor_msgs/msg/RegionOfInterest", **dict(zip(names, roi, strict=True))),
        **(given_fields | fields),
    )


@pytest.mark.parametrize("binning", [(0, 0), (1, 1)])
@pytest.mark.parametrize("roi", [(0, 0, 0, 0), (0, 0, 640, 480)])
def test_a_camera_info_of_the_whole_sensor_is_not_changed(binning, roi):
    info = camera_info(binning=binning, roi=roi)
    calibration = calibration_of(info)
    assert (calibration.width, calibration.height) == (640, 480)
    np.testing.assert_array_equal(calibration.K.ravel(), info.k)
    np.testing.assert_array_equal(calibration.P.ravel(), info.p)
    np.testing.assert_array_equal(calibration.R.ravel(), info.r)
    np.testing.assert_array_equal(calibration.D, info.d)
    assert calibration.distortion_model == "plumb_bob"


@no_deadline
@given(
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(8, 340), st.integers(8, 280)),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(1, 50)),
)
def test_a_point_is_projected_to_the_binned_pixel_of_its_sensor_pixel(binning, roi, point):
    whole = calibration_of(camera_info())
    seen = calibration_of(camera_info(binning=binning, roi=roi))
    bins, offset = np.maximum(binning, 1), np.array(roi[:2])
    assert (seen.width, seen.height) == tuple(np.array(roi[2:]) // bins)
    X = np.array([*point, 1.0])
    for before, after, Z in (
        (whole.K @ X[:3], seen.K @ X[:3], X[2]),
        (whole.P @ X, seen.P @ X, X[2]),  # binning scales the baseline term P[0,3]
    ):
        sensor, pixels = before[:2] / Z, after[:2] / Z
        np.testing.assert_allclose(pixels + 0.5, (sensor + 0.5 - offset) / bins, atol=1e-9)


def test_the_fourth_column_of_P_depends_on_the_binning_and_not_on_the_roi():
    P = calibration_of(camera_info(binning=(2, 4), roi=(100, 50, 200, 100))).P
    assert (P[0, 3], P[1, 3], P[2, 3]) == (-27.5, 0.5, 0)


def test_columns_that_do_not_fill_a_bin_are_not_counted():
    calibration = calibration_of(camera_info(width=641, binning=(2, 2)))
    assert (calibration.width, calibration.height) == (320, 240)
    assert calibration.K[0, 0] == K[0, 0] / 2  # not 320 / 641


def test_a_ros_1_camera_info_has_capital_field_names():
    info = NOETIC.make(
        "sensor_msgs/msg/CameraInfo", width=640, height=480, K=K, D=[0.0] * 5, R=np.eye(3)
    )
    np.testing.assert_array_equal(calibration_of(info).rectified_camera.K, K)


@pytest.mark.parametrize("zeros", [0, 1, 5, 7])
def test_any_number_of_zeros_is_no_distortion(zeros):
    calibration = calibration_of(camera_info(d=np.zeros(zeros), distortion_model=""))
    assert not calibration.distorted
    assert calibration.D.size == 5


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"k": np.zeros(9), "p": np.zeros(12)}, "not calibrated"),
        ({"k": K.T}, "K is transposed"),
        ({"k": K / [[640], [480], [1]]}, "K has fx = 0.78125 px.*normalised"),
        ({"k": K * [[1], [1], [0]]}, r"K\[2,2\] is 0, not 1"),
        ({"k": K + np.outer([1, 0, 0], [0, 0, 900])}, "principal point .* outside the image"),
        ({"p": np.diag([1.2, 1.2, 1, 1])[:3]}, "P has fx = 1.2 px"),
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
def test_an_impossible_calibration_is_refused_with_topic_and_value(fields, words):
    with pytest.raises(CameraError, match=rf"^/front/camera_info: .*{words}"):
        calibration_of(camera_info(**fields), "/front/camera_info")


@pytest.mark.parametrize("name", ["k", "r", "p"])
def test_a_matrix_of_another_length_is_refused(name):
    info = camera_info()
    setattr(info, name, np.ones(8))
    with pytest.raises(CameraError, match=rf"^camera_info: {name} holds 8 numbers"):
        calibration_of(info)


def test_a_camera_info_describes_the_camera_that_it_was_made_from():
    header = make_header(MESSAGES, 5, "camera_optical_frame")
    info = make_camera_info(MESSAGES, header, Camera(640, 480, K), tx=-60.0)
    back = round_trip(MESSAGES, info, "sensor_msgs/msg/CameraInfo")
    calibration = calibration_of(back)
    assert calibration.rectified_camera.size == (640, 480)
    np.testing.assert_array_equal(calibration.rectified_camera.K, K)
    np.testing.assert_array_equal(calibration.K, K)
    assert not calibration.needs_rectification()
    assert calibration.P[0, 3] == -60
    assert (back.distortion_model, back.d.tolist()) == ("plumb_bob", [0.0] * 5)
    assert back.header == header


def test_p_replaces_a_k_of_zeros():
    P = np.column_stack([K, (-30.0, 0, 0)])
    calibration = calibration_of(camera_info(k=np.zeros(9), r=np.zeros(9), p=P, d=[]))
    np.testing.assert_array_equal(calibration.K, K)
    assert not calibration.needs_rectification() and calibration.P[0, 3] == -30


def test_the_principal_point_may_lie_outside_a_region_of_interest():
    calibration = calibration_of(camera_info(roi=(0, 300, 640, 180)))
    assert calibration.K[1, 2] == K[1, 2] - 300


@pytest.mark.parametrize("model", ["plumb_bob", "rational_polynomial"])
@pytest.mark.parametrize("count", [4, 5, 8, 12, 14])
def test_a_polynomial_has_the_coefficients_of_opencv(model, count):
    d = np.arange(1, count + 1) * 1e-3
    np.testing.assert_array_equal(calibration_of(camera_info(d=d, distortion_model=model)).D, d)


@pytest.mark.parametrize(
    ("model", "used", "count", "kept"),
    [("plumb_bob", 5, 8, 8), ("plumb_bob", 5, 13, 5), ("plumb_bob", 4, 6, 4), ("fisheye", 4, 8, 4)],
)
def test_zeros_after_the_coefficients_change_nothing(model, used, count, kept):
    d = np.r_[np.full(used, 0.01), np.zeros(count - used)]
    calibration = calibration_of(camera_info(d=d, distortion_model=model))
    np.testing.assert_array_equal(calibration.D, d[:kept])
