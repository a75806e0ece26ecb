# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth over time with odometry in metres: unit of the depth, and missing motion."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.textured_wall import CAMERA, STEP, drive, pose, scene

from jasmine_core.geometry.rigid import inverse
from jasmine_core.runtime.scale import ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_odometry import OdometryMeasurement
from jasmine_core.runtime.steady_depth import NO_MOTION, NO_UNIT, POSE_NET, SteadyDepth

UNIT = 20.0  # metres per unit
UNKNOWN = fixed_scale(None, None)
SIDEWAYS = drive(12, x=0.12, z=0.0)


def motion_of(poses):
    return lambda target, source: inverse(poses[round(target / STEP)]) @ poses[round(source / STEP)]


def play(steady, poses, motion, metres_per_unit=None, estimated=False):
    found = []
    for index, T in enumerate(poses):
        image, depth = scene(T)
        stamp, given = index * STEP, (metres_per_unit, estimated)
        found.append(steady(depth / UNIT, image, CAMERA, stamp, motion, *given))
        np.testing.assert_allclose(UNIT * found[-1].depth, depth, rtol=0.03)
    return found


@pytest.mark.parametrize("metres_per_unit", [None, UNIT])
def test_depth_is_fused_along_the_odometry(metres_per_unit):
    found = play(SteadyDepth("fuse"), SIDEWAYS, motion_of(SIDEWAYS), metres_per_unit)
    assert found[-1].fused > 0.85 and found[-1].problem == ""
    measured = [f.problem == NO_UNIT for f in found]
    assert any(measured) == (metres_per_unit is None), "the unit needs a second image"


def test_an_estimated_scale_is_used_until_it_is_measured():
    motion = motion_of(SIDEWAYS)
    near = play(SteadyDepth("fuse"), SIDEWAYS, motion, 1.1 * UNIT, estimated=True)
    assert not any(f.problem for f in near[1:]) and near[1].fused > 0.5
    wrong = UNIT / 5
    mended = play(SteadyDepth("fuse"), SIDEWAYS, motion, wrong, estimated=True)[-1]
    kept = play(SteadyDepth("fuse"), SIDEWAYS, motion, wrong)[-1]
    assert mended.fused > 0.85 > kept.fused


def half_wrong(steady, poses, ratio=0.8, metres_per_unit=None):
    """Return the errors, as a logarithm, of the half of a wall whose depth is wrong by `ratio`."""
    errors = []
    for index, T in enumerate(poses):
        image, depth = scene(T)
        x = T[0, 3] + CAMERA.rays()[..., 0] * depth  # [m] of the wall
        given = np.where(x < 0, depth * np.float32(ratio), depth) / UNIT
        found = steady(given, image, CAMERA, index * STEP, motion_of(poses), metres_per_unit)
        # The scale of both halves together may be that of either one.
        error = np.log(found.depth * UNIT / depth)
        errors.append(float(np.median(error[x < -0.5]) - np.median(error[x > 0.5])))
    return np.array(errors)


def test_a_part_of_the_depth_with_another_scale_is_corrected():
    poses = drive(24, x=0.12, z=0.0)
    assert half_wrong(SteadyDepth("scale"), poses) == pytest.approx(np.log(0.8), abs=0.01)
    found = half_wrong(SteadyDepth("fuse"), poses)
    assert found[0] == pytest.approx(np.log(0.8), abs=0.01)
    assert np.abs(found[12:]).max() < 0.5 * abs(np.log(0.8))
    known = half_wrong(SteadyDepth("fuse"), poses, metres_per_unit=UNIT)
    assert np.abs(known).min() > 0.9 * abs(np.log(0.8)), "nothing is measured if the unit is known"


def test_depth_without_odometry_keeps_its_scale_only():
    for motion in (None, lambda target, source: None):
        found = play(SteadyDepth("fuse"), SIDEWAYS, motion)
        assert {f.problem for f in found[1:]} == {NO_MOTION}
        assert all(f.fused == 0 for f in found)


class KnownPoses:
    """Pose net that knows the poses of the images of `play`, in units of `UNIT` metres."""

    def __init__(self, poses, factor=1.0):
        self.images = [scene(T)[0] for T in poses]
        self.poses, self.factor = poses, factor

    def __call__(self, before, image):
        a, b = (
            next(i for i, one in enumerate(self.images) if np.array_equal(one, given))
            for given in (before, image)
        )
        T = inverse(self.poses[a]) @ self.poses[b]
        T[:3, 3] *= self.factor / UNIT
        return T


@pytest.mark.parametrize("motion", [None, lambda target, source: None])
def test_the_pose_net_gives_the_motion_where_no_odometry_does(motion):
    steady = SteadyDepth("fuse", KnownPoses(SIDEWAYS))
    found = play(steady, SIDEWAYS, motion)
    assert {f.problem for f in found[1:]} == {POSE_NET} and found[-1].fused > 0.85
    known = play(SteadyDepth("fuse", KnownPoses(SIDEWAYS)), SIDEWAYS, motion_of(SIDEWAYS), UNIT)
    assert not any(f.problem for f in known[1:]), "odometry is preferred"


def test_a_wrong_motion_of_the_pose_net_is_refused():
    found = play(SteadyDepth("fuse", KnownPoses(SIDEWAYS, factor=-20)), SIDEWAYS, None)
    assert {f.problem for f in found[1:]} == {NO_MOTION}
    assert all(f.fused == 0 for f in found)


def test_the_mode_scale_does_not_run_the_pose_net():
    def fail(before, image):
        raise AssertionError

    play(SteadyDepth("scale", fail), SIDEWAYS, None)


def test_a_standing_camera_needs_no_unit():
    still = [pose()] * 5
    found = play(SteadyDepth("fuse"), still, motion_of(still))
    assert found[-1].problem == "" and found[-1].fused > 0.95


@pytest.mark.parametrize("motion", [None, motion_of(SIDEWAYS)])
def test_the_mode_scale_needs_no_motion(motion):
    found = play(SteadyDepth("scale"), SIDEWAYS, motion)
    assert not any(f.problem for f in found[1:])
    assert all(f.fused == 0 for f in found)


def test_the_scale_of_a_camera_that_approaches_a_wall_needs_the_motion():
    """Without it, the depth that decreases by 6 % per image looks like a wrong scale."""
    forward = drive(8, x=0.02, z=0.5)
    steady = SteadyDepth("scale")
    play(steady, forward, motion_of(forward), UNIT)


# ---------------------------------------------------------------------- scale by odometry


def measured(poses, motion):
    measure, scale = OdometryMeasurement(), ScaleFilter("odometry")
    for index, T in enumerate(poses):
        image, depth = scene(T)
        if measure.due(index * STEP):
            found = measure(depth / UNIT, image, CAMERA, index * STEP, motion)
            scale.add(index * STEP, found, 2.0)
    return scale.at(index * STEP, UNKNOWN)


def test_the_scale_is_measured_from_a_sideways_motion():
    scale = measured(SIDEWAYS, motion_of(SIDEWAYS))
    assert scale.metres_per_unit == pytest.approx(UNIT, rel=0.03)
    assert scale.source == "odometry" and scale.confidence > 0.8


def test_a_camera_that_stands_or_moves_too_little_has_no_scale():
    for step in (0.0, 0.0005):
        poses = drive(8, x=step, z=0.0)
        assert measured(poses, motion_of(poses)) is UNKNOWN


def test_odometry_that_contradicts_the_images_has_no_scale():
    """The odometry reports a motion along the optical axis, but the camera moves sideways."""
    wrong = drive(12, x=0.0, z=0.3)
    assert measured(SIDEWAYS, motion_of(wrong)) is UNKNOWN


def test_the_scale_is_kept_while_the_robot_stands():
    poses = SIDEWAYS + [SIDEWAYS[-1]] * 10
    scale = measured(poses, motion_of(poses))
    assert scale.metres_per_unit == pytest.approx(UNIT, rel=0.03)
    assert scale.age > 0.5
