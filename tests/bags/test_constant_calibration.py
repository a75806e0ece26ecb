# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One calibration for a recording: single messages that differ, and real changes."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.camera_bags import INFO_TOPIC, WIDTH, pixels, stamp, write_bag

from jasmine_core.errors import BagError
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.constant_calibration import constant_camera_info
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.reader import Bag
from jasmine_ros.msgs.camera_info import calibration_of


def matrix(focal):
    return np.array([[focal, 0, WIDTH / 2], [0, focal, 32], [0, 0, 1]])


def read(tmp_path, values, kind="mcap"):
    """Return K of a recording whose CameraInfo messages have some fields, and the damage."""

    def fill(bag):
        bag.string(0, "recorded before the clock was set")
        for index, fields in enumerate(values):
            if isinstance(fields, float):
                K = matrix(fields)
                fields = {"k": K, "p": np.column_stack([K, np.zeros(3)])}
            bag.info(stamp(index), **fields)
            bag.image(stamp(index), pixels(index))

    damaged = DamagedMessages()
    with Bag(write_bag(tmp_path / "bag", fill, kind)) as bag:
        info = constant_camera_info(bag, choose_camera(bag), None, damaged)
    return calibration_of(info).K, damaged.summary()


@pytest.mark.parametrize("kind", ["mcap", "ros1"])
@pytest.mark.parametrize("odd", [0, 2])
def test_a_single_message_that_differs_is_skipped_and_counted(tmp_path, odd, kind):
    focals = [80.0] * 5
    focals[odd] = 160.0
    K, damage = read(tmp_path, focals, kind)
    np.testing.assert_allclose(K, matrix(80.0))
    assert damage[INFO_TOPIC]["count"] == 1
    assert "differs from the 4 others" in damage[INFO_TOPIC]["example"]


def test_some_of_many_messages_may_differ_each_in_its_own_way(tmp_path):
    focals = [80.0] * 400
    focals[3], focals[9], focals[200] = 70.0, 90.0, 100.0
    K, damage = read(tmp_path, focals)
    np.testing.assert_allclose(K, matrix(80.0))
    assert damage[INFO_TOPIC]["count"] == 3


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ([80.0, 80.0, 80.0, 80.0, 160.0], "0.4 s"),  # it holds till the end
        ([80.0, 160.0], "0.1 s"),
        ([80.0, 80.0, 160.0, 160.0, 80.0, 80.0], "0.2 s"),
        ([80.0, 90.0, 100.0, 110.0, 120.0], "0.1 s"),
        ([{}, {}, {"d": np.array([0.1, 0, 0, 0, 0])}], "0.2 s"),
    ],
)
def test_a_calibration_that_changes_is_refused(tmp_path, values, at):
    with pytest.raises(BagError, match=f"{INFO_TOPIC} in .* changes {at} after the first image"):
        read(tmp_path, values)


def test_jitter_and_zeros_at_the_end_of_d_are_no_change(tmp_path):
    values = [80.0, 80.001, {"d": np.zeros(8)}, {"d": np.zeros(0)}, 80.0]
    K, damage = read(tmp_path, values)
    np.testing.assert_allclose(K, matrix(80.0))
    assert damage == {}
