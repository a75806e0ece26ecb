# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from helpers.corridor import CAMERA, look, pose, turned

from jasmine_core.geometry.rigid import inverse, rigid, to_numbers
from jasmine_core.prepare.odometry import (
    Agreement,
    Odometry,
    agreement,
    chain,
    contradiction,
    probe,
    relative_baseline,
)
from jasmine_core.prepare.optical_flow import match, view_of

STEP = 100_000_000  # [ns]


def drive(poses, start=0):
    return [(start + i * STEP, tuple(to_numbers(T))) for i, T in enumerate(poses)]


def views(T_a, T_b):
    a, b = (view_of(look(T)[0], CAMERA) for T in (T_a, T_b))
    return a, b, match(a, b)


def test_poses_are_interpolated_between_samples_only():
    odometry = Odometry(drive([pose(0), pose(1.0, yaw=0.2), pose(2.0)]), np.eye(4))
    np.testing.assert_allclose(odometry.pose(0), pose(0), atol=1e-12)
    np.testing.assert_allclose(odometry.pose(STEP // 2), pose(0.5, yaw=0.1), atol=1e-9)
    np.testing.assert_allclose(odometry.pose(2 * STEP), pose(2.0), atol=1e-12)
    assert odometry.pose(-1) is None and odometry.pose(2 * STEP + 1) is None


def test_poses_are_not_interpolated_across_a_gap():
    samples = [(0, tuple(to_numbers(pose(0)))), (10 * STEP, tuple(to_numbers(pose(1))))]
    assert Odometry(samples, np.eye(4)).pose(5 * STEP) is None


def test_camera_motion_includes_the_lever_arm_of_the_extrinsics():
    # The camera is mounted 1 m to the side, so it moves when the robot rotates.
    T_base_camera = rigid(np.eye(3), [1.0, 0, 0])
    odometry = Odometry(drive([pose(0), pose(0, yaw=0.1), pose(0, yaw=0.2)]), T_base_camera)
    T = odometry.between(0, STEP)
    assert T is not None
    expected = inverse(pose() @ T_base_camera) @ pose(yaw=0.1) @ T_base_camera
    np.testing.assert_allclose(T, expected, atol=1e-9)
    assert np.linalg.norm(T[:3, 3]) == pytest.approx(2 * np.sin(0.05), rel=1e-6)


def test_a_jump_is_found_and_no_pair_spans_it():
    steps = [pose(0.1 * i + (5.0 if i >= 20 else 0.0)) for i in range(40)]
    odometry = Odometry(drive(steps), np.eye(4))
    assert odometry.jumps == [20 * STEP]
    assert odometry.between(19 * STEP, 20 * STEP) is None
    assert odometry.between(20 * STEP, 19 * STEP) is None
    assert odometry.between(18 * STEP, 19 * STEP) is not None
    assert odometry.between(20 * STEP, 21 * STEP) is not None


def test_braking_and_starting_are_not_jumps():
    speeds = [0, 0, 0.2, 0.5, 1, 1, 1, 0.3, 0, 0, 0, 1, 1]
    steps = [pose(z) for z in np.cumsum(speeds)]
    assert Odometry(drive(steps), np.eye(4)).jumps == []


AXES = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # T_vehicle_optical, REP-103


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda T: inverse(T), "inverse transform"),
        (lambda T: rigid(AXES @ T[:3, :3] @ AXES.T, AXES @ T[:3, 3]), "wrong axes"),
        (lambda T: rigid(turned(0.15) @ T[:3, :3], T[:3, 3]), "wrong rotation"),
    ],
)
def test_a_wrong_motion_contradicts_the_images(wrong, error):
    pairs = [(pose(0.3 * i), pose(0.3 * i + 0.25, x=0.05, yaw=0.02)) for i in range(4)]
    right, others = [], []
    for T_a, T_b in pairs:
        a, b, matches = views(T_a, T_b)
        T_b_a = inverse(T_b) @ T_a
        right.append(agreement(a, b, matches, T_b_a))
        others.append(agreement(a, b, matches, wrong(T_b_a)))
    assert contradiction(right) is None
    reason = contradiction(others)
    assert reason is not None and "does not explain the images" in reason, error


def test_two_comparisons_are_too_few_for_a_contradiction():
    assert contradiction([Agreement(0.9, 0.1)] * 2) is None
    assert contradiction([Agreement(0.9, 0.1)] * 3) is not None


def test_probe_reads_only_the_images_that_it_needs():
    taken = []

    def images():
        for i in range(40):
            taken.append(i)
            yield i * STEP, view_of(look(pose(0.15 * i))[0], CAMERA)

    found = probe(images(), Odometry(drive([pose(0.15 * i) for i in range(40)]), np.eye(4)))
    assert found is not None and found.in_front > 0.9 and found.epipolar < 0.1
    assert len(taken) < 10


@pytest.mark.parametrize("distance", [0.1, 0.2, 0.4])
def test_baseline_is_relative_to_the_depth_of_the_scene(distance):
    T_a, T_b = pose(), pose(distance)
    a, b, matches = views(T_a, T_b)
    _, depth = look(T_a)
    v, u = np.rint(matches.a / 2).astype(int).T[::-1].clip(0, [[95], [159]])
    expected = distance / np.median(depth[v, u])
    found = relative_baseline(a, b, matches, inverse(T_b) @ T_a)
    assert found == pytest.approx(expected, rel=0.4)
    twice = relative_baseline(a, b, matches, rigid(np.eye(3), [0, 0, -2 * distance]))
    assert twice == pytest.approx(found, rel=1e-6)  # The images determine the ratio only.


def test_transforms_are_chained_in_both_directions():
    base_mast, mast_camera = pose(1.0, yaw=0.3), pose(0.5, x=0.2)
    transforms = {("base", "mast"): base_mast, ("mast", "camera"): mast_camera}
    np.testing.assert_allclose(chain(transforms, "base", "camera"), base_mast @ mast_camera)
    np.testing.assert_allclose(
        chain(transforms, "camera", "base"), inverse(base_mast @ mast_camera), atol=1e-12
    )
    np.testing.assert_allclose(chain({}, "camera", "camera"), np.eye(4))
    assert chain(transforms, "base", "lidar") is None
