# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration files of `camera_calibration`."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.calibration_files import write_calibration
from helpers.camera_bags import HEIGHT, WIDTH

from jasmine_core.errors import CameraError
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.calibration_file import read_camera_info
from jasmine_ros.msgs.camera_info import calibration_of

MESSAGES = RosbagsMessages()


def test_a_file_has_the_values_of_a_camera_info(tmp_path):
    d = {"rows": 1, "cols": 5, "data": [0.1, -0.2, 0.0, 0.0, 0.0]}
    file = write_calibration(tmp_path / "camera.yaml", fx=90.0, distortion_coefficients=d)
    calibration = calibration_of(read_camera_info(file, MESSAGES))
    assert (calibration.width, calibration.height) == (WIDTH, HEIGHT)
    assert calibration.distortion_model == "plumb_bob" and calibration.D.tolist() == d["data"]
    assert calibration.K[0].tolist() == [90.0, 0.0, WIDTH / 2]


def test_missing_rectification_and_projection_are_those_of_one_camera(tmp_path):
    info = read_camera_info(write_calibration(tmp_path / "camera.yaml"), MESSAGES)
    np.testing.assert_array_equal(np.reshape(info.r, (3, 3)), np.eye(3))
    np.testing.assert_array_equal(info.p, np.zeros(12))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_width": "wide"}, "image_width is 'wide'; it must be a number of pixels"),
        ({"image_height": 0}, "image_height is 0; it must be a number of pixels"),
        ({"image_height": True}, "image_height is True; it must be a number of pixels"),
        ({"image_height": 10**9}, "image_height is 1000000000; it must be .* at most 131072"),
        ({"camera_matrix": {"data": [10**400] * 9}}, "camera_matrix has a number above 1e308"),
        ({"camera_matrix": {"data": [1.0]}}, "camera_matrix has 1 numbers, not 9"),
        ({"camera_matrix": [1.0] * 9}, "camera_matrix has no list of numbers named `data`"),
        ({"projection_matrix": {"data": ["a"] * 12}}, "projection_matrix has no list of numbers"),
        ({"distortion_coefficients": None}, "distortion_coefficients has no list of numbers"),
    ],
)
def test_an_invalid_entry_is_refused_with_file_and_name(tmp_path, changes, words):
    file = write_calibration(tmp_path / "camera.yaml", **changes)
    with pytest.raises(CameraError, match=rf"^calibration {file}: {words}"):
        read_camera_info(file, MESSAGES)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"a: [", "is not valid YAML"),
        (b"\xff\xfe\x00\xd8", "is not valid YAML"),
        (b"- 1\n- 2\n", "none of the formats that are read: camera_calibration .*Kalibr.*ORB-SLAM"),
        (b"", "none of the formats that are read"),
        (b"<opencv_storage><a>1</a></opencv_storage>", "none of the formats that are read"),
    ],
)
def test_a_file_that_is_not_a_calibration_is_refused(tmp_path, content, words):
    file = tmp_path / "camera.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CameraError, match=words):
        read_camera_info(file, MESSAGES)
