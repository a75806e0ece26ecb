# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Clouds as `sensor_msgs/PointCloud2`."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.point_clouds import make_cloud

MESSAGES = RosbagsMessages()
HEADER = make_header(MESSAGES, 1_500_000_001, "camera_optical_frame")


def scene(height, width, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(height, width, 3)).astype(np.float32)
    points[rng.random((height, width)) < 0.2] = np.nan
    return points, rng.integers(0, 256, (height, width, 3), np.uint8)


def read_point(cloud, row, column):
    """Read one point by the offsets of its fields, without the code under test."""
    where = row * cloud.row_step + column * cloud.point_step
    data = bytes(cloud.data)
    x, y, z, rgb = (data[where + f.offset : where + f.offset + 4] for f in cloud.fields)
    return [struct.unpack("<f", value)[0] for value in (x, y, z)], struct.unpack("<I", rgb)[0]


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_points_and_colours_lie_at_the_offsets_of_their_fields(height, width, seed):
    points, colours = scene(height, width, seed)
    cloud = make_cloud(MESSAGES, HEADER, points, colours)
    for row in range(height):
        for column in range(width):
            xyz, rgb = read_point(cloud, row, column)
            np.testing.assert_array_equal(np.float32(xyz), points[row, column])
            r, g, b = (int(value) for value in colours[row, column])
            assert rgb == r << 16 | g << 8 | b


def test_a_serialized_cloud_keeps_the_shape_of_its_image():
    points, colours = scene(4, 7)
    cloud = make_cloud(MESSAGES, HEADER, points, colours)
    data = MESSAGES.typestore.serialize_cdr(cloud, "sensor_msgs/msg/PointCloud2")
    back = MESSAGES.typestore.deserialize_cdr(data, "sensor_msgs/msg/PointCloud2")
    assert (back.height, back.width, back.point_step, back.row_step) == (4, 7, 16, 112)
    assert (back.is_dense, back.is_bigendian) == (False, False)
    assert [(f.name, f.offset, f.datatype, f.count) for f in back.fields] == [
        ("x", 0, 7, 1),
        ("y", 4, 7, 1),
        ("z", 8, 7, 1),
        ("rgb", 12, 7, 1),
    ]
    assert back.header == HEADER
    assert back.data.tobytes() == cloud.data.tobytes()


def test_a_colour_that_is_read_as_float_is_not_nan():
    colours = np.full((1, 1, 3), 255, np.uint8)
    cloud = make_cloud(MESSAGES, HEADER, np.zeros((1, 1, 3), np.float32), colours)
    assert np.isfinite(cloud.data.view("<f4")).all()
