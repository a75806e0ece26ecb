# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cameras whose image size, encoding, frame or stamps change while the node runs."""

from __future__ import annotations

import numpy as np
import pytest
from faults.rig import SimulatedBackend
from helpers.camera_bags import pixels, stamp

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.node.topics import DEPTH, DEPTH_INFO

CHANGES = 1_000


def test_size_encoding_and_frame_change_with_every_image(make_rig, record_property):
    """Only images whose size differs from the latest CameraInfo are skipped."""
    rig, rng, messages = make_rig(SimulatedBackend()), np.random.default_rng(5), RosbagsMessages()
    known_size, expected, stale = (0, 0), 0, 0
    for index in range(CHANGES):
        width, height = (int(side) for side in rng.integers(8, 40, size=2))
        if rng.random() < 0.8:
            known_size = width, height
            rig.send(lambda bag, w=width, h=height: bag.info(0, width=w, height=h))
        rgb, frame_id = pixels(index, width, height), f"camera {rng.integers(9)}"
        encoding, data, step = "rgb8", rgb, 3 * width
        if rng.random() < 0.5:
            encoding, data = "bgr8", rgb[..., ::-1]
        header = make_header(messages, stamp(index), frame_id)
        rig.host.clear()
        rig.send(
            lambda bag, rgb=rgb, header=header, encoding=encoding, step=step, data=data: bag.image(
                0, rgb, header=header, encoding=encoding, step=step, data=data.reshape(-1)
            )
        )
        if known_size != (width, height):
            stale += 1
            assert not rig.host.frames
            continue
        expected += 1
        (frame,), (depth,) = rig.host.frames, rig.host.published[DEPTH]
        (camera,) = rig.host.published[DEPTH_INFO]
        np.testing.assert_array_equal(frame.image, rgb)
        assert (depth.width, depth.height) == (camera.width, camera.height) == (width, height)
        assert depth.header.frame_id == frame_id and camera.k[2] == width / 2
    assert (rig.counts.processed, rig.counts.skipped) == (expected, stale)
    assert expected > 0.7 * CHANGES and stale > 0.1 * CHANGES
    record_property("images of changing size and encoding", CHANGES)
    record_property("images skipped without a matching CameraInfo", stale)


def test_stamps_jump_back_while_a_bag_is_played_in_a_loop(make_rig, record_property):
    rig, loops, length = make_rig(SimulatedBackend()), 100, 10
    rig.send(lambda bag: bag.info(0))
    for _ in range(loops):
        for index in range(length):
            rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
    assert rig.counts.processed == loops * length and rig.counts.skipped == 0
    assert rig.counts.backwards == loops - 1
    record_property("stamps that jump back", loops - 1)
    record_property("images", loops * length)


@pytest.mark.parametrize(
    ("sec", "nanosec"),
    [(0, 0), (2**31 - 1, 999_999_999), (-1, 5), (7, 10**9), (2**31 - 1, 2**32 - 1), (-(2**31), 0)],
)
def test_invalid_stamps_are_copied_to_the_output(make_rig, sec, nanosec):
    """Subscribers match depth and image by the stamp, whether it is a valid time or not."""
    rig, messages = make_rig(SimulatedBackend()), RosbagsMessages()
    header = make_header(messages, 0, "f")
    header.stamp = messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(0, pixels(), header=header))
    (depth,) = rig.host.published[DEPTH]
    assert (depth.header.stamp.sec, depth.header.stamp.nanosec) == (sec, nanosec)
