# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rectification of images by their CameraInfo."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.errors import CameraError, FrameError
from jasmine_core.geometry.camera import Camera
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.rectification import LatestView, view_from

MESSAGES = RosbagsMessages()
WIDTH, HEIGHT = 64, 48
K = np.array([[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]])
RAW, RECTIFIED, INFO = "/cam/image_raw", "/cam/image_rect/compressed", "/cam/camera_info"


def camera_info(d=(0.0,) * 5, tx=0.0, stamp=0):
    header = make_header(MESSAGES, stamp, "camera")
    info = make_camera_info(MESSAGES, header, Camera(WIDTH, HEIGHT, K), tx)
    info.d = np.array(d)
    return info


def image(width=WIDTH, height=HEIGHT):
    return np.full((height, width, 3), 100, np.uint8)


@pytest.mark.parametrize(
    ("topic", "mode", "rectified"),
    [
        (RAW, "auto", True),
        (RECTIFIED, "auto", False),
        (RECTIFIED, "always", True),
        (RAW, "never", False),
        ("/rect/image_raw", "auto", True),
        ("/cam/image_rect_color", "auto", False),
        ("/cam/left_rect", "auto", False),
        ("/cam/image_rectified", "auto", False),
        ("/cam/image_unrect", "auto", True),
        ("/cam/image_not_rectified", "auto", True),
        ("/cam/image_corrected", "auto", True),
        ("/cam/image_rectangle", "auto", True),
    ],
)
def test_distorted_images_are_rectified_by_mode_and_topic(topic, mode, rectified):
    view = view_from(camera_info(d=(-0.3, 0.1, 0, 0, 0)), topic, INFO, mode)
    assert (view.raw is not None) == rectified
    assert (view.rectifier is not None) == rectified
    assert view(image()).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("topic", "mode", "d", "words"),
    [
        (RAW, "auto", -0.3, f"the images are rectified with {INFO}"),
        (RAW, "auto", 0.0, "need no rectification"),
        (RECTIFIED, "auto", -0.3, "because the topic has the word rect"),
        (RAW, "never", -0.3, "rectify is never"),
    ],
)
def test_the_view_states_what_was_decided(topic, mode, d, words):
    assert words in view_from(camera_info(d=(d, 0, 0, 0, 0)), topic, INFO, mode).decision


def test_the_view_states_that_p_replaces_k():
    info = camera_info()
    info.k = np.zeros(9)
    assert "P is used in its place" in view_from(info, RAW, INFO).decision


def test_images_without_distortion_are_returned_unchanged():
    view = view_from(camera_info(tx=-6.0), RAW, INFO)
    original = image()
    assert view(original) is original
    assert view.seen is None and view.tx == -6.0
    np.testing.assert_array_equal(view.camera.K, K)


def test_pixels_without_a_source_in_the_raw_image_are_marked():
    view = view_from(camera_info(d=(0.5, 0, 0, 0, 0)), RAW, INFO)
    assert view.seen.shape == (HEIGHT, WIDTH)
    assert view.seen[0, 0] == 0 and view.seen[HEIGHT // 2, WIDTH // 2] == 1


def test_an_image_of_another_size_is_refused_with_both_sizes_and_topics():
    view = view_from(camera_info(), RAW, INFO)
    words = rf"^{RAW}: image is 32x24 px but its CameraInfo on {INFO} says 64x48 px"
    with pytest.raises(FrameError, match=words):
        view(image(32, 24))


def test_the_view_is_built_again_only_if_the_calibration_changes():
    latest = LatestView()
    latest.update(camera_info(stamp=1), RAW, INFO, "auto")
    first = latest.view(RAW, INFO)
    latest.update(camera_info(stamp=2), RAW, INFO, "auto")
    assert latest.view(RAW, INFO) is first
    latest.update(camera_info(d=(0.1, 0, 0, 0, 0)), RAW, INFO, "auto")
    assert latest.view(RAW, INFO).raw is not None


def test_without_a_valid_camera_info_there_is_no_view():
    latest = LatestView()
    with pytest.raises(FrameError, match=rf"^{RAW}: .* no calibration: no message on {INFO}"):
        latest.view(RAW, INFO)
    latest.update(camera_info(), RAW, INFO, "auto")
    invalid = camera_info()
    invalid.k, invalid.p = np.zeros(9), np.zeros(12)
    with pytest.raises(CameraError, match="not calibrated"):
        latest.update(invalid, RAW, INFO, "auto")
    with pytest.raises(FrameError, match=r"no calibration: .*not calibrated"):
        latest.view(RAW, INFO)
    latest.update(camera_info(), RAW, INFO, "auto")
    assert latest.view(RAW, INFO).camera.size == (WIDTH, HEIGHT)
