# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Transforms between frames at different times, from /tf and /tf_static."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tf_messages import MESSAGES, tf
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.geometry.rigid import inverse, rigid, rotation_of
from jasmine_ros.msgs.transforms import (
    HISTORY,
    TOLERANCE,
    TransformBuffer,
    numbers_of,
    transforms_message,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
MOUNT = rigid(rotation_of([0.1, 0.2, -0.3, 0.9]), [1.0, -2.0, 0.5])
LIDAR_MOUNT = rigid(rotation_of([0.4, 0.0, 0.1, 0.8]), [0.3, 0.1, 0.2])


def moved(metres):
    return rigid(np.eye(3), [metres, 0, 0])


@pytest.fixture
def robot():
    """A robot that moves at 10 m/s in odom, with a camera and a LiDAR."""
    buffer = TransformBuffer()
    buffer.on_static(tf(("base", "camera", MOUNT, 0), ("base", "lidar", LIDAR_MOUNT, 0)))
    for index in range(11):
        at = START + index * SECOND // 10
        buffer.on_moving(tf(("odom", "base", moved(index), at)))
    return buffer


def test_the_transform_between_two_sensors_of_one_robot_is_fixed(robot):
    T = robot.between("camera", START, "lidar", START)
    np.testing.assert_allclose(T, inverse(MOUNT) @ LIDAR_MOUNT, atol=1e-9)
    back = robot.between("lidar", START, "camera", START)
    np.testing.assert_allclose(T @ back, np.eye(4), atol=1e-9)


@given(a=st.integers(0, SECOND), b=st.integers(0, SECOND))
def test_the_motion_between_the_two_times_is_included(a, b):
    buffer = TransformBuffer()
    buffer.on_static(tf(("base", "lidar", LIDAR_MOUNT, 0), ("base", "camera", MOUNT, 0)))
    for index in range(11):
        at = START + index * SECOND // 10
        buffer.on_moving(tf(("odom", "base", moved(index), at)))
    T = buffer.between("camera", START + a, "lidar", START + b)
    between = inverse(moved(a / SECOND * 10)) @ moved(b / SECOND * 10)
    np.testing.assert_allclose(T, inverse(MOUNT) @ between @ LIDAR_MOUNT, atol=1e-6)


def test_without_odometry_the_robot_is_assumed_to_stand():
    buffer = TransformBuffer()
    buffer.on_static(tf(("base", "camera", MOUNT, 0), ("base", "lidar", LIDAR_MOUNT, 0)))
    T = buffer.between("camera", START, "lidar", START + SECOND)
    np.testing.assert_allclose(T, inverse(MOUNT) @ LIDAR_MOUNT, atol=1e-9)


def test_fixed_transforms_are_used_after_the_odometry_has_ended(robot):
    late = START + 5 * SECOND
    T = robot.between("camera", late, "lidar", late)
    np.testing.assert_allclose(T, inverse(MOUNT) @ LIDAR_MOUNT, atol=1e-9)
    assert robot.between("odom", late, "camera", late) is None
    assert robot.between("odom", START + SECOND + TOLERANCE, "camera", START) is not None


def test_frames_without_a_common_ancestor_have_no_transform(robot):
    assert robot.between("camera", START, "moon", START) is None
    assert TransformBuffer().between("a", 0, "b", 0) is None
    np.testing.assert_allclose(TransformBuffer().between("a", 0, "/a", 5), np.eye(4))


def test_cycles_and_invalid_transforms_are_ignored():
    buffer = TransformBuffer()
    invalid = MOUNT.copy()
    invalid[0, 3] = np.nan
    buffer.on_static(tf(("a", "b", MOUNT, 0), ("b", "a", LIDAR_MOUNT, 0), ("c", "c", MOUNT, 0)))
    buffer.on_static(tf(("a", "d", invalid, 0), ("", "e", MOUNT, 0)))
    assert buffer.between("a", 0, "d", 0) is None
    assert buffer.between("a", 0, "b", 0) is not None


def test_history_is_bounded_and_the_clock_may_be_set_back():
    buffer = TransformBuffer()
    for lap in range(3):
        for index in range(3000):
            at = START + index * SECOND // 100
            buffer.on_moving(tf(("odom", "base", moved(lap), at)))
            if index % 1000 == 0:
                T = buffer.between("odom", at, "base", at)
                np.testing.assert_allclose(T, moved(lap), atol=1e-9)
    assert len(buffer._moving["base"].stamps) <= HISTORY / SECOND * 100 + 1


def test_a_transform_that_is_fixed_and_repeated_on_tf_is_known_at_any_time():
    buffer = TransformBuffer()
    fixed = {("base", "camera"): MOUNT, ("base", "lidar"): LIDAR_MOUNT}
    buffer.on_static(transforms_message(MESSAGES, fixed))
    buffer.on_moving(tf(("base", "camera", MOUNT, START), ("base", "lidar", LIDAR_MOUNT, START)))
    for at in (START, START - HISTORY, START + 5 * SECOND):
        T = buffer.between("camera", at, "lidar", at)
        np.testing.assert_allclose(T, inverse(MOUNT) @ LIDAR_MOUNT, atol=1e-9)


@pytest.mark.parametrize(
    ("position", "rotation", "usable"),
    [
        ((1.0, -2.0, 6.4e6), (0.0, 0.0, 0.0, 1.0), True),
        ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5, -0.51), True),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), False),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 1e300, 1.0), False),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0, 0.0), False),
        ((0.0, 0.0, 0.0), (0.0, float("nan"), 0.0, 1.0), False),
        ((0.0, 1e300, 0.0), (0.0, 0.0, 0.0, 1.0), False),
        ((float("inf"), 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), False),
    ],
)
def test_only_rigid_transforms_of_finite_distances_are_used(position, rotation, usable):
    t = MESSAGES.make("geometry_msgs/msg/Vector3", **dict(zip("xyz", position, strict=True)))
    q = MESSAGES.make("geometry_msgs/msg/Quaternion", **dict(zip("xyzw", rotation, strict=True)))
    assert numbers_of(t, q) == ((*position, *rotation) if usable else None)
