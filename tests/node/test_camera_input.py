# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera topics that are silent, compressed or distorted, and invalid CameraInfo messages."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.camera_bags import HEIGHT, WIDTH, pixels
from helpers.component_rig import MemoryHost, Rig

from jasmine_ros.node.host import Publisher
from jasmine_ros.node.topics import DEPTH_INFO


def warnings(rig, words):
    return [text for severity, text in rig.host.logged if severity == "warn" and words in text]


def tick(rig, seconds):
    for _ in range(seconds):
        for timer in rig.host.timers:
            timer()


def test_silent_inputs_are_warned_about_once_with_their_publishers(checkpoint):
    rig = Rig(checkpoint)
    rig.host.publishers = [Publisher("/cam", "sensor_msgs/msg/Image", "reliable, volatile")]
    tick(rig, 4)
    assert not warnings(rig, "no image")
    tick(rig, 10)
    (image_warning,) = warnings(rig, "no image on /camera/image_raw for 5 s")
    assert "/cam (sensor_msgs/msg/Image, reliable, volatile)" in image_warning
    (info_warning,) = warnings(rig, "no CameraInfo on /camera/camera_info for 5 s")
    assert "expects sensor_msgs/msg/CameraInfo" in info_warning
    rig.info()
    rig.image()
    infos = [text for severity, text in rig.host.logged if severity == "info"]
    assert "image received on /camera/image_raw" in infos
    tick(rig, 20)
    assert len(warnings(rig, "no image")) == 2, "the camera stopped: images are needed all the time"
    assert len(warnings(rig, "no CameraInfo")) == 1, "one CameraInfo is enough"


def test_a_topic_without_publisher_is_reported_as_such(checkpoint):
    rig = Rig(checkpoint)
    tick(rig, 5)
    assert "the topic has no publisher" in warnings(rig, "no image")[0]


@pytest.mark.parametrize(
    ("topic", "transport", "expected", "kind"),
    [
        ("/cam/image_raw", "raw", "/cam/image_raw", "Image"),
        ("/cam/image_raw", "compressed", "/cam/image_raw/compressed", "CompressedImage"),
        ("/cam/image_raw/compressed", "raw", "/cam/image_raw/compressed", "CompressedImage"),
        ("/cam/image_raw/compressed", "compressed", "/cam/image_raw/compressed", "CompressedImage"),
    ],
)
def test_compressed_images_have_their_own_topic(checkpoint, topic, transport, expected, kind):
    rig = Rig(checkpoint, MemoryHost(topic), image_transport=transport)
    assert rig.host.callbacks[expected] == f"sensor_msgs/msg/{kind}"
    assert rig.component.image_topic == expected
    rig.host.publishers = [Publisher("", "sensor_msgs/msg/PointCloud2", "reliable, volatile")]
    tick(rig, 5)
    assert "image_transport" not in warnings(rig, "no image")[0]
    rig = Rig(checkpoint, MemoryHost(topic), image_transport=transport)
    other = {"Image": "CompressedImage", "CompressedImage": "Image"}[kind]
    rig.host.publishers = [Publisher("", f"sensor_msgs/msg/{other}", "reliable, volatile")]
    tick(rig, 5)
    assert "image_transport" in warnings(rig, "no image")[0]


# ---------------------------------------------------------------------- CameraInfo

DISTORTED = {"d": np.array([-0.3, 0.1, 0, 0, 0])}


def test_distorted_images_are_rectified(checkpoint):
    rig = Rig(checkpoint)
    rig.info(**DISTORTED, p=np.array([[60.0, 0, 48, 0], [0, 60, 32, 0], [0, 0, 1, 0]]))
    rig.image()
    assert not np.array_equal(rig.host.frames[0].image, pixels())
    np.testing.assert_allclose(np.reshape(rig.last(DEPTH_INFO).k, (3, 3))[0, 0], 60)
    assert not np.any(rig.last(DEPTH_INFO).d)
    assert np.isnan(rig.depth()[0, 0]), "zoomed out: the camera did not see the corner"
    assert np.isfinite(rig.depth()[HEIGHT // 2, WIDTH // 2])


@pytest.mark.parametrize(
    ("topic", "mode", "rectified"),
    [
        ("/camera/image_rect", "auto", False),
        ("/camera/image_rect_color/compressed", "auto", False),
        ("/rectangle/image_raw", "auto", True),
        ("/camera/image_raw", "never", False),
        ("/camera/image_rect", "always", True),
    ],
)
def test_rectified_topics_are_not_rectified_again(checkpoint, topic, mode, rectified):
    """The topic image_rect of image_proc has the CameraInfo of the raw images, including D."""
    rig = Rig(checkpoint, MemoryHost(topic), rectify=mode)
    rig.info(**DISTORTED)
    rig.image()
    assert np.array_equal(rig.host.frames[0].image, pixels()) is not rectified


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"k": np.zeros((3, 3)), "p": np.zeros((3, 4))}, "not calibrated"),
        ({"k": np.eye(3) * [0.8, 1.2, 1] + np.eye(3, k=2) / 2}, "normalised"),
        ({"width": 2 * WIDTH, "height": 2 * HEIGHT}, f"{WIDTH}x{HEIGHT} px but its CameraInfo"),
        ({"distortion_model": "magic", "d": np.ones(5)}, "'magic'"),
        ({"d": np.ones(3)}, "calibrate"),
    ],
)
def test_images_with_an_invalid_camera_info_are_skipped(checkpoint, fields, words):
    rig = Rig(checkpoint)
    rig.info(**fields)
    rig.image(0)
    assert (rig.counts.processed, rig.counts.skipped) == (0, 1)
    (reason,) = rig.counts.reasons["unusable"]
    assert words in reason and "/camera/camera_info" in reason
    rig.info()
    rig.image(1)
    assert (rig.counts.processed, rig.counts.skipped) == (1, 1)


def test_images_before_the_first_camera_info_are_skipped(checkpoint):
    rig = Rig(checkpoint)
    rig.image(0)
    assert "no message on /camera/camera_info yet" in rig.counts.reasons["unusable"][0]
    rig.info()
    rig.image(1)
    assert rig.counts.processed == 1


# ---------------------------------------------------------------------- image values


@pytest.mark.parametrize(
    ("deep", "added"), [("mono16", ""), ("16UC1", "; 16UC1 taken as grey values, not depth")]
)
def test_the_range_of_16_bit_images_is_found_logged_and_reported(checkpoint, deep, added):
    grey = pixels()[..., 0]
    depths = []
    for encoding, data in (("mono8", grey), (deep, grey.astype(np.uint16) << 4)):
        rig = Rig(checkpoint)
        rig.info()
        step = data.nbytes // HEIGHT
        for index in range(3):
            rig.image(index, encoding=encoding, step=step, data=data.reshape(-1).view(np.uint8))
        depths.append(rig.depth())
    np.testing.assert_array_equal(*depths)
    expected = f"12 of 16 bits (found){added}"
    assert rig.host.report().values["input_values"] == expected
    assert len([text for _, text in rig.host.logged if expected in text]) == 1


def test_bits_can_be_set(checkpoint):
    rig = Rig(checkpoint, bits=14)
    rig.info()
    data = (pixels()[..., 0].astype(np.uint16) << 6).reshape(-1).view(np.uint8)
    rig.image(encoding="16UC1", step=2 * WIDTH, data=data)
    np.testing.assert_array_equal(rig.host.frames[0].image[..., 0], pixels()[..., 0])
    assert rig.component.input_facts["input_values"] == "14 of 16 bits (set)"


@pytest.mark.parametrize(("value", "kind"), [(0, "black"), (255, "saturated")])
def test_an_image_that_shows_nothing_is_named(checkpoint, value, kind):
    rig = Rig(checkpoint)
    rig.info()
    for index in range(3):
        rig.image(index, np.full((HEIGHT, WIDTH, 3), value, np.uint8))
    assert len(warnings(rig, f"image is {kind}")) == 1
    report = rig.host.report()
    assert report.values[f"{kind}_images"] == "3" and f"the image is {kind}" in report.message
    rig.image(3)
    assert f"the image is {kind}" not in rig.host.report().message


@pytest.mark.parametrize(
    ("width", "height", "words"), [(1, 4096, "aspect ratio"), (128, 129, "max_image_pixels 16384")]
)
def test_thin_and_large_images_are_skipped(checkpoint, width, height, words):
    rig = Rig(checkpoint, max_image_pixels=128 * 128)
    rig.info(width=width, height=height)
    rig.image(0, np.zeros((height, width, 3), np.uint8))
    assert rig.counts.skipped == 1 and words in rig.counts.last_reason
    rig.info()
    rig.image(1)
    assert rig.counts.processed == 1
