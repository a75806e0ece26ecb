# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion by cv_bridge and sensor_msgs_py equals that by numpy, which replaces missing ones."""

from __future__ import annotations

from array import array
from importlib.util import find_spec

import numpy as np
import pytest
from helpers.sample_images import samples

from jasmine_core.errors import FrameError
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs import conversion as conversion_module
from jasmine_ros.msgs.conversion import Conversion, RosConversion
from jasmine_ros.msgs.messages import RclpyMessages, make_header

CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1} | {
    f"bayer_{pattern}8": 1 for pattern in ("rggb", "bggr", "gbrg", "grbg")
}
HEIGHT, WIDTH = 20, 30


def image(messages, encoding, padding=0):
    pixels = samples(HEIGHT, WIDTH, CHANNELS[encoding], 8, 1).reshape(HEIGHT, -1)
    rows = np.pad(pixels, ((0, 0), (0, padding)))
    return messages.make(
        "sensor_msgs/msg/Image",
        header=make_header(messages, 5, "camera"),
        height=HEIGHT,
        width=WIDTH,
        encoding=encoding,
        step=rows.shape[1],
        data=rows,
    )


def scene():
    """Return points [H,W,3] with holes, and their colours."""
    points = np.float32(samples(HEIGHT, WIDTH, 3, 8, 2)) / 7
    points[::3] = np.nan
    return points, samples(HEIGHT, WIDTH, 3, 8, 3)


def maps():
    """Return arrays of the encodings that the node publishes."""
    depth = scene()[0][..., 2]
    return {
        "32FC1": depth,
        "16UC1": np.uint16(1000 * np.nan_to_num(depth)),
        "rgb8": scene()[1],
    }


def content(message):
    """Return all fields of a message, arrays as bytes."""
    if hasattr(message, "get_fields_and_field_types"):
        names = message.get_fields_and_field_types()
        return {name: content(getattr(message, name)) for name in names}
    if isinstance(message, (array, np.ndarray)):
        return message.tobytes()
    if isinstance(message, list):
        return [content(each) for each in message]
    return message


@pytest.mark.skipif(bool(find_spec("cv_bridge")), reason="this machine has a cv_bridge")
def test_missing_ros_libraries_are_replaced_with_one_warning_each():
    messages, warnings = RclpyMessages() if find_spec("rclpy") else RosbagsMessages(), []
    conversion, own = RosConversion(messages, warnings.append), Conversion(messages)
    pixels = image(messages, "bgr8")
    for _ in range(3):
        np.testing.assert_array_equal(
            conversion.decode(pixels, "t", "bgr"), own.decode(pixels, "t", "bgr")
        )
    header = make_header(messages, 5, "camera")
    assert conversion.encode(header, scene()[1], "rgb8").encoding == "rgb8"
    assert conversion.cloud(header, *scene()).width == WIDTH
    missing = [name for name in ("cv_bridge", "sensor_msgs_py") if not find_spec(name)]
    assert [line.split()[0] for line in warnings] == missing


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it crashes with NumPy"),
        ("raise RuntimeError('no image today')", "RuntimeError: no image today"),
    ],
)
def test_a_cv_bridge_that_fails_with_its_first_image_is_not_used(
    body, words, tmp_path, monkeypatch
):
    """One that was built for another NumPy can be imported and crashes later."""
    package = f"class CvBridge:\n    def cv2_to_imgmsg(self, *_):\n        {body}\n"
    (tmp_path / "cv_bridge.py").write_text(package)
    monkeypatch.syspath_prepend(tmp_path)
    conversion_module._cv_bridge_failure.cache_clear()
    messages, warnings = RosbagsMessages(), []
    conversion = RosConversion(messages, warnings.append)
    conversion_module._cv_bridge_failure.cache_clear()
    (line,) = [line for line in warnings if line.startswith("cv_bridge")]
    assert words in line
    assert conversion.decode(image(messages, "bgr8"), "t", "bgr").shape == (HEIGHT, WIDTH, 3)


def ros_conversion(library):
    pytest.importorskip("rclpy", reason="rclpy cannot be imported here")
    pytest.importorskip(library, reason=f"{library} cannot be imported here")
    messages, warnings = RclpyMessages(), []
    conversion = RosConversion(messages, warnings.append)
    assert not [line for line in warnings if line.startswith(library)], warnings
    return conversion, Conversion(messages)


@pytest.mark.ros
@pytest.mark.parametrize("padding", [0, 2, 12])
@pytest.mark.parametrize("encoding", CHANNELS)
def test_cv_bridge_decodes_the_same_pixels(encoding, padding):
    ros, own = ros_conversion("cv_bridge")
    message = image(ros.messages, encoding, padding)
    expected = own.decode(message, "t", "bgr")
    np.testing.assert_array_equal(ros.decode(message, "t", "bgr"), expected)
    if not padding:  # padded rows do not go through cv_bridge
        from cv_bridge import CvBridge

        np.testing.assert_array_equal(CvBridge().imgmsg_to_cv2(message, "rgb8"), expected)


@pytest.mark.ros
@pytest.mark.parametrize("fields", [{"height": 0}, {"width": 999}, {"encoding": "rgb24"}])
def test_an_image_that_cv_bridge_refuses_is_a_frame_error(fields):
    ros, _ = ros_conversion("cv_bridge")
    message = image(ros.messages, "rgb8")
    for name, value in fields.items():
        setattr(message, name, value)
    with pytest.raises(FrameError, match="/topic"):
        ros.decode(message, "/topic", "bgr")


@pytest.mark.ros
@pytest.mark.parametrize("encoding", ["32FC1", "16UC1", "rgb8"])
def test_cv_bridge_encodes_the_same_message(encoding):
    ros, own = ros_conversion("cv_bridge")
    header = make_header(ros.messages, 5, "camera")
    made = [each.encode(header, maps()[encoding], encoding) for each in (ros, own)]
    assert content(made[0]) == content(made[1])


@pytest.mark.ros
def test_sensor_msgs_py_builds_the_same_cloud():
    ros, own = ros_conversion("sensor_msgs_py")
    header = make_header(ros.messages, 5, "camera")
    made = [each.cloud(header, *scene()) for each in (ros, own)]
    assert content(made[0]) == content(made[1])
    assert (made[0].height, made[0].width) == (HEIGHT, WIDTH)
