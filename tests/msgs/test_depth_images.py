# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth images and clouds of other sensors, decoded to depth in metres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.errors import FrameError
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import back_project, depth_to_millimetres, project_points
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.images import decode_depth, encode_image
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.point_clouds import make_cloud, read_points

MESSAGES = RosbagsMessages()
HEADER = make_header(MESSAGES, 5, "camera")


def depth_map(height, width, seed):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 60, (height, width)).astype(np.float32)
    depth[rng.random((height, width)) < 0.2] = np.nan
    return depth


sides, seeds = st.integers(1, 9), st.integers(0, 2**32 - 1)


@given(sides, sides, seeds)
def test_published_depth_is_decoded_to_the_same_depth(height, width, seed):
    depth = depth_map(height, width, seed)
    metres = decode_depth(encode_image(MESSAGES, HEADER, depth, "32FC1"))
    np.testing.assert_array_equal(metres, depth)
    millimetres = encode_image(MESSAGES, HEADER, depth_to_millimetres(depth), "16UC1")
    np.testing.assert_allclose(decode_depth(millimetres), depth, atol=6e-4)


@pytest.mark.parametrize(("encoding", "dtype"), [("32FC1", ">f4"), ("16UC1", ">u2")])
def test_padded_rows_in_big_endian_are_decoded(encoding, dtype):
    values = np.arange(1, 7).reshape(2, 3).astype(dtype)
    padded = np.zeros((2, values[0].nbytes + 5), np.uint8)
    padded[:, :-5] = values.view(np.uint8)
    message = MESSAGES.make(
        "sensor_msgs/msg/Image",
        height=2,
        width=3,
        encoding=encoding,
        is_bigendian=1,
        step=padded.shape[1],
        data=padded,
    )
    unit = 1 if encoding == "32FC1" else 1e-3
    np.testing.assert_allclose(decode_depth(message), unit * values.astype(float), rtol=1e-6)


def test_a_colour_image_is_refused():
    image = encode_image(MESSAGES, HEADER, np.zeros((2, 2, 3), np.uint8), "rgb8")
    with pytest.raises(FrameError, match=r"/lidar: encoding 'rgb8' is not depth"):
        decode_depth(image, "/lidar")


@given(sides, sides, seeds)
def test_a_published_cloud_is_decoded_and_projects_to_its_depth(height, width, seed):
    depth = depth_map(height, width, seed)
    camera = Camera(
        width, height, np.array([[50.0, 0, width / 3], [0, 40.0, height / 2], [0, 0, 1]])
    )
    points = back_project(depth, camera.K)
    cloud = make_cloud(MESSAGES, HEADER, points, np.zeros((height, width, 3), np.uint8))
    read = read_points(cloud)
    np.testing.assert_array_equal(read, points.reshape(-1, 3))
    np.testing.assert_allclose(project_points(read, camera), depth, rtol=1e-6)


def test_a_pixel_gets_the_nearest_point_in_front_of_the_camera():
    camera = Camera(3, 3, np.array([[10.0, 0, 1], [0, 10.0, 1], [0, 0, 1]]))
    points = np.array(
        [[0, 0, 5], [0, 0, 3], [0, 0, 7], [0, 0, -2], [9, 0, 3], [np.nan, 0, 3]], np.float32
    )
    depth = project_points(points, camera)
    assert depth[1, 1] == 3 and np.isnan(depth).sum() == 8


def test_fields_may_have_any_offset_and_be_float64():
    layout = np.dtype(
        {"names": ["z", "i", "x", "y"], "formats": ["<f8", "<u2", "<f8", "<f8"], "itemsize": 40}
    )
    packed = np.zeros(4, layout)
    for offset, name in enumerate("xyz"):
        packed[name] = np.arange(4) + 10 * offset
    fields = [
        MESSAGES.make(
            "sensor_msgs/msg/PointField", name=n, offset=layout.fields[n][1], datatype=8, count=1
        )
        for n in "zxy"
    ]
    cloud = MESSAGES.make(
        "sensor_msgs/msg/PointCloud2",
        height=2,
        width=2,
        fields=fields,
        point_step=40,
        row_step=80,
        data=packed.view(np.uint8),
    )
    expected = np.arange(4)[:, None] + [0, 10, 20]
    np.testing.assert_array_equal(read_points(cloud), expected)
    cloud.row_step = 90
    with pytest.raises(FrameError, match="too few for 2 x 2 points"):
        read_points(cloud)
    cloud.fields = fields[:2]
    with pytest.raises(FrameError, match="no floating-point x, y, z"):
        read_points(cloud)
