# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a camera can do to the node behind it: change, stop, and tell odd times."""

from __future__ import annotations

import numpy as np
import pytest
from faults.rig import Answers
from helpers.camera_bags import pixels, stamp

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.node.topics import DEPTH, DEPTH_INFO

CHANGES = 1_000


def test_size_encoding_and_frame_change_with_every_image(make_rig, record_property):
    """An image whose CameraInfo has not come yet is skipped; no other one is."""
    rig, rng, messages = make_rig(Answers()), np.random.default_rng(5), RosbagsMessages()
    told, expected, stale = (0, 0), 0, 0
    for index in range(CHANGES):
        width, height = (int(side) for side in rng.integers(8, 40, size=2))
        if rng.random() < 0.8:
            told = width, height
            rig.send(lambda bag, w=width, h=height: bag.info(0, width=w, height=h))
        rgb, frame = pixels(index, width, height), f"camera {rng.integers(9)}"
        encoding, data, step = "rgb8", rgb, 3 * width
        if rng.random() < 0.5:
            encoding, data = "bgr8", rgb[..., ::-1]
        header = make_header(messages, stamp(index), frame)
        rig.host.forget()
        rig.send(
            lambda bag, rgb=rgb, header=header, encoding=encoding, step=step, data=data: bag.image(
                0, rgb, header=header, encoding=encoding, step=step, data=data.reshape(-1)
            )
        )
        if told != (width, height):
            stale += 1
            assert not rig.host.frames
            continue
        expected += 1
        (shown,), (depth,) = rig.host.frames, rig.host.published[DEPTH]
        (camera,) = rig.host.published[DEPTH_INFO]
        np.testing.assert_array_equal(shown.image, rgb)
        assert (depth.width, depth.height) == (camera.width, camera.height) == (width, height)
        assert depth.header.frame_id == frame and camera.k[2] == width / 2
    assert (rig.counts.processed, rig.counts.skipped) == (expected, stale)
    assert expected > 0.7 * CHANGES and stale > 0.1 * CHANGES
    record_property("images, each another", CHANGES)
    record_property("skipped, their CameraInfo being that of another", stale)


def test_a_bag_that_plays_in_a_loop(make_rig, record_property):
    rig, loops, length = make_rig(Answers()), 100, 10
    rig.send(lambda bag: bag.info(0))
    for _ in range(loops):
        for index in range(length):
            rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
    assert rig.counts.processed == loops * length and rig.counts.skipped == 0
    assert rig.counts.backwards == loops - 1
    record_property("jumps back", loops - 1)
    record_property("images", loops * length)


@pytest.mark.parametrize(
    ("sec", "nanosec"),
    [(0, 0), (2**31 - 1, 999_999_999), (-1, 5), (7, 10**9), (2**31 - 1, 2**32 - 1), (-(2**31), 0)],
)
def test_odd_stamps_come_back_as_they_were(make_rig, sec, nanosec):
    """Also those that are no time: a stamp is what the output is matched with the image by."""
    rig, messages = make_rig(Answers()), RosbagsMessages()
    header = make_header(messages, 0, "f")
    header.stamp = messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(0, pixels(), header=header))
    (depth,) = rig.host.published[DEPTH]
    assert (depth.header.stamp.sec, depth.header.stamp.nanosec) == (sec, nanosec)
