# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Interpolation and limits of the latest poses of a moving frame."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.geometry.pose_track import HISTORY, LATE, LATEST, MOST, PoseTrack

STEP = 50_000_000  # [ns]


def at(x):
    T = np.eye(4)
    T[0, 3] = x
    return T


def track(count=5, step=STEP, first=0):
    found = PoseTrack()
    for index in range(count):
        found.add(first + index * step, at(float(index)))
    return found


@pytest.mark.parametrize(("share", "x"), [(0, 0.0), (0.5, 0.5), (3.2, 3.2), (4, 4.0)])
def test_poses_are_interpolated(share, x):
    assert track().at(round(share * STEP))[0, 3] == pytest.approx(x)


def test_the_motion_continues_for_a_short_time():
    assert track().at(5 * STEP)[0, 3] == pytest.approx(5)
    assert track().at(4 * STEP + LATE) is not None
    assert track().at(4 * STEP + LATE + 1) is None


@pytest.mark.parametrize("step", [103_500_000, 150_000_000, 200_000_000])
def test_an_image_may_come_before_the_pose_of_its_timestamp_at_a_low_rate(step):
    """As in KITTI, whose odometry has 9.66 Hz and follows the image of the same timestamp."""
    slow = track(3, step)
    assert slow.at(3 * step)[0, 3] == pytest.approx(3)
    assert slow.at(2 * step + min(3 * step // 2, LATEST)) is not None
    assert slow.at(2 * step + min(3 * step // 2, LATEST) + 1) is None, "a pose is missing"


def test_poses_before_the_track_and_in_gaps_are_unknown():
    assert track(first=STEP).at(0) is None
    assert PoseTrack().at(0) is None and track(1).at(1) is None
    slow = track(3, step=600_000_000)
    assert slow.at(300_000_000) is None
    assert slow.at(600_000_000)[0, 3] == 1


def test_the_order_of_arrival_does_not_matter():
    found = PoseTrack()
    for index in (0, 2, 1, 2):
        found.add(index * STEP, at(float(index)))
    assert found.at(STEP // 2)[0, 3] == pytest.approx(0.5)
    assert found.at(3 * STEP // 2)[0, 3] == pytest.approx(1.5)


def test_a_timestamp_before_the_track_begins_a_new_one():
    found = track(first=10**12)
    found.add(0, at(7.0))
    assert found.at(10**12) is None
    found.add(STEP, at(8.0))
    assert found.at(STEP // 2)[0, 3] == pytest.approx(7.5)


def test_memory_is_bounded():
    found = track(3 * MOST, step=1000)
    assert len(found._stamps) == len(found._poses) == MOST
    found = track(100)
    assert found._stamps[-1] - found._stamps[0] <= HISTORY
