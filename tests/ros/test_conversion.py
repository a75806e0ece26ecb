# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS's own conversions and ours make the same of the same; ours steps in for a missing one."""

from __future__ import annotations

from array import array
from importlib.util import find_spec

import numpy as np
import pytest
from sample_pictures import samples

from jasmine_core.errors import FrameError
from jasmine_ros.conversion import Conversion, RosConversion
from jasmine_ros.messages import RclpyMessages, RosbagsMessages, make_header

CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1} | {
    f"bayer_{pattern}8": 1 for pattern in ("rggb", "bggr", "gbrg", "grbg")
}
HEIGHT, WIDTH = 20, 30


def image(messages, encoding, padding=0, **fields):
    pixels = samples(HEIGHT, WIDTH, CHANNELS.get(encoding, 3), 8, 1).reshape(HEIGHT, -1)
    rows = np.pad(pixels, ((0, 0), (0, padding)))
    values = {
        "header": make_header(messages, 5, "camera"),
        "height": HEIGHT,
        "width": WIDTH,
        "encoding": encoding,
        "step": rows.shape[1],
        "data": rows,
    }
    return messages.make("sensor_msgs/msg/Image", **(values | fields))


def scene():
    """Return points [H,W,3] with holes, and their colours."""
    points = np.float32(samples(HEIGHT, WIDTH, 3, 8, 2)) / 7
    points[::3] = np.nan
    return points, samples(HEIGHT, WIDTH, 3, 8, 3)


def maps():
    """Return what the node publishes as pictures, by encoding."""
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
def test_where_ros_s_libraries_are_missing_it_is_said_once_and_ours_do_it():
    messages, said = RclpyMessages() if find_spec("rclpy") else RosbagsMessages(), []
    conversion, ours = RosConversion(messages, said.append), Conversion(messages)
    picture = image(messages, "bgr8")
    for _ in range(3):
        np.testing.assert_array_equal(
            conversion.picture(picture, "t", "bgr"), ours.picture(picture, "t", "bgr")
        )
    header = make_header(messages, 5, "camera")
    assert conversion.image(header, scene()[1], "rgb8").encoding == "rgb8"
    assert conversion.cloud(header, *scene()).width == WIDTH
    missing = [name for name in ("cv_bridge", "sensor_msgs_py") if not find_spec(name)]
    assert [line.split()[0] for line in said] == missing


def ros_conversion(library):
    pytest.importorskip("rclpy", reason="rclpy cannot be imported here")
    pytest.importorskip(library, reason=f"{library} cannot be imported here")
    messages, said = RclpyMessages(), []
    conversion = RosConversion(messages, said.append)
    assert not [line for line in said if line.startswith(library)], said
    return conversion, Conversion(messages)


@pytest.mark.ros
@pytest.mark.parametrize("padding", [0, 2, 12])
@pytest.mark.parametrize("encoding", CHANNELS)
def test_cv_bridge_and_we_read_the_same_picture(encoding, padding):
    theirs, ours = ros_conversion("cv_bridge")
    message = image(theirs.messages, encoding, padding)
    np.testing.assert_array_equal(
        theirs.picture(message, "t", "bgr"), ours.picture(message, "t", "bgr")
    )


@pytest.mark.ros
@pytest.mark.parametrize("fields", [{"height": 0}, {"width": 999}, {"encoding": "rgb24"}])
def test_what_cv_bridge_cannot_take_is_a_frame_error(fields):
    theirs, _ = ros_conversion("cv_bridge")
    with pytest.raises(FrameError, match="/topic"):
        theirs.picture(image(theirs.messages, "rgb8", **fields), "/topic", "bgr")


@pytest.mark.ros
@pytest.mark.parametrize("encoding", ["32FC1", "16UC1", "rgb8"])
def test_cv_bridge_and_we_write_the_same_message(encoding):
    theirs, ours = ros_conversion("cv_bridge")
    header = make_header(theirs.messages, 5, "camera")
    made = [each.image(header, maps()[encoding], encoding) for each in (theirs, ours)]
    assert content(made[0]) == content(made[1])


@pytest.mark.ros
def test_sensor_msgs_py_and_we_write_the_same_cloud():
    theirs, ours = ros_conversion("sensor_msgs_py")
    header = make_header(theirs.messages, 5, "camera")
    made = [each.cloud(header, *scene()) for each in (theirs, ours)]
    assert content(made[0]) == content(made[1])
    assert (made[0].height, made[0].width) == (HEIGHT, WIDTH)
