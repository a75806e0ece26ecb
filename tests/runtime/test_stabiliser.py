# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stabiliser of depth over time, in a textured world of planes with exact depth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.textured_wall import CAMERA, STEP, TEXTURE, H, W, drive, errors, play, pose, scene

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.camera import Camera
from jasmine_core.runtime.correction import Correction
from jasmine_core.runtime.stabiliser import (
    FIRST,
    NEW_SCENE,
    WRONG_MOTION,
    Stabiliser,
    grid_size,
)


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_exact_depth_is_unchanged(mode):
    found, exact = play(Stabiliser(mode), drive(8))
    assert found[0].problem == FIRST and not any(f.problem for f in found[1:])
    assert np.abs(errors(found, exact)).max() < 0.01


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_a_flickering_scale_becomes_steady(mode):
    gains = [1.0, 1.1, 0.92, 1.08, 0.9, 1.05, 0.95, 1.1]
    found, exact = play(Stabiliser(mode), drive(8), gains)
    remaining = np.median(errors(found, exact), axis=(1, 2))
    assert np.abs(np.diff(np.log(gains))).mean() > 0.1
    assert np.abs(np.diff(remaining)).mean() < 0.015
    assert found[1].scale == pytest.approx(1 / 1.1, rel=0.02)


def test_the_scale_follows_a_lasting_change():
    """The scale is a low pass: after its time constant most of a change has arrived."""
    found, exact = play(Stabiliser("scale"), [pose()] * 41, [1.0] + [1.2] * 40)
    share = np.median(errors(found, exact), axis=(1, 2)) / np.log(1.2)
    assert share[1] < 0.15 and 0.5 < share[10] < 0.8 and share[40] > 0.95


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_depth_that_does_not_follow_the_motion_keeps_its_scale(mode):
    """The carried depth of a wall seen at half its distance shrinks by more than the measured one.

    The difference of 0.6 to 1.2 % of each image must not add up, as the depth may be in metres.
    """
    poses = drive(80, x=0.0, z=0.05)
    found, exact = play(Stabiliser(mode), poses, [0.5] * len(poses))
    change = np.median(errors(found, exact), axis=(1, 2)) - np.log(0.5)
    assert np.abs(change).max() < 0.07 and np.abs(change[-20:]).max() < 0.045
    assert found[-1].fused > 0.9 or mode == "scale"


def test_fusion_averages_the_errors_of_pixels():
    found, exact = play(Stabiliser("fuse"), drive(12), noise=0.1)
    spread = errors(found, exact).std(axis=(1, 2))
    change = np.abs(np.diff(np.median(np.abs(errors(found, exact)), axis=(1, 2))))
    assert spread[0] > 0.05 and spread[-3:].max() < 0.6 * spread[0]
    assert change[-4:].max() < 0.02
    alone, _ = play(Stabiliser("scale"), drive(12), noise=0.1)
    assert errors(alone, exact).std(axis=(1, 2))[-1] > 1.5 * spread[-1]


def test_without_a_motion_only_the_scale_is_kept():
    one, exact = play(Stabiliser("fuse"), drive(5), [1, 1.1, 1, 1.1, 1], 0.1, motion=False)
    two, _ = play(Stabiliser("scale"), drive(5), [1, 1.1, 1, 1.1, 1], 0.1, motion=False)
    np.testing.assert_allclose(errors(one, exact), errors(two, exact), atol=1e-6)
    assert all(f.fused == 0 for f in one)


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_a_box_that_appears_is_right_at_once(mode):
    stabiliser = Stabiliser(mode)
    play(stabiliser, [pose()] * 6)
    box = (-0.5, 0.5, -0.4, 0.4, 3.0)
    image, depth = scene(pose(), box=box)
    found = stabiliser(depth, image, CAMERA, 6 * STEP, np.eye(4))
    inner = cv2.erode((depth < 5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert inner.sum() > 300
    error = np.abs(np.log(found.depth / depth))
    assert np.median(error[inner]) < 0.01 and error[inner].mean() < 0.02
    assert error[depth > 5].mean() < 0.02, "the rest is kept"

    # The box is gone: the wall behind it is right at once as well.
    image, wall = scene(pose())
    found = stabiliser(wall, image, CAMERA, 7 * STEP, np.eye(4))
    assert np.abs(np.log(found.depth / wall))[inner].mean() < 0.02


@pytest.mark.parametrize("size", [0.2, 0.8])  # [m] the larger one fills the image at the end
@pytest.mark.parametrize("speed", [0.5, 1.0, 1.5, 2.0])  # [m/s]
def test_a_box_that_approaches_a_standing_camera_is_not_too_far(size, speed):
    stabiliser = Stabiliser("fuse")
    play(stabiliser, [pose()] * 20, box=(-size, size, -size, size, 6))
    for index, z in enumerate(np.arange(6, 1, -speed * STEP / 1e9)):
        image, depth = scene(pose(), box=(-size, size, -size, size, z))
        found = stabiliser(depth, image, CAMERA, (20 + index) * STEP, np.eye(4))
        wall = depth == 8
        assert np.median(found.depth[~wall]) < 1.18 * z
        assert not wall.any() or np.median(found.depth[wall]) == pytest.approx(8, rel=0.02)
    assert found.fused > 0.5 or size == 0.8, "the wall is still fused"


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_one_wrong_image_is_forgotten_without_a_swing_to_the_other_side(mode):
    found, exact = play(Stabiliser(mode), [pose()] * 80, [3.0] + [1.0] * 79)
    error = np.median(errors(found, exact), axis=(1, 2))
    assert np.all(np.abs(error[1:]) < 0.02)


@pytest.mark.parametrize("mode", ["scale", "fuse"])
@pytest.mark.parametrize("wrong", [1.5, 0.65])
def test_a_lasting_step_of_the_scale_arrives_without_a_swing(mode, wrong):
    found, exact = play(Stabiliser(mode), [pose()] * 80, [1.0] * 10 + [wrong] * 70)
    share = np.median(errors(found, exact), axis=(1, 2))[10:] / np.log(wrong)
    assert share[0] < 0.15 and 0.5 < share[10] < 0.8 and share[-1] > 0.98
    assert share.max() < 1.02


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_a_jump_of_the_camera_begins_a_new_scene(mode):
    stabiliser = Stabiliser(mode)
    play(stabiliser, [pose()] * 6)
    image, depth = scene(pose(), wall=2.5, texture=255 - np.roll(TEXTURE, 300))
    found = stabiliser(depth, image, CAMERA, 6 * STEP, np.eye(4))
    assert found.problem == NEW_SCENE
    np.testing.assert_array_equal(found.depth, depth)


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_a_jump_of_the_exposure_is_no_new_scene(mode):
    stabiliser = Stabiliser(mode)
    play(stabiliser, [pose()] * 4)
    image, depth = scene(pose())
    brighter = np.clip(image * 0.6 + 60, 0, 255).astype(np.uint8)
    found = stabiliser(1.15 * depth, brighter, CAMERA, 4 * STEP, np.eye(4))
    assert found.problem == ""
    assert np.abs(np.log(found.depth / depth)).max() < 0.03


def test_a_wrong_motion_is_not_used():
    """Odometry that reports a motion to the side moves the texture away."""
    stabiliser = Stabiliser("fuse")
    play(stabiliser, drive(4, x=0.0))
    image, depth = scene(pose(z=0.4))
    found = stabiliser(depth, image, CAMERA, 4 * STEP, pose(x=0.7))
    assert found.problem == WRONG_MOTION and found.fused == 0
    assert np.abs(np.log(found.depth / depth)).max() < 0.03
    image, depth = scene(pose(z=0.5))
    found = stabiliser(depth, image, CAMERA, 5 * STEP, pose(z=0.1))
    assert found.problem == "" and found.fused > 0.9


def test_a_correction_of_a_motion_that_is_refused_is_not_used():
    stabiliser = Stabiliser("fuse")
    play(stabiliser, [pose()] * 10)
    image, depth = scene(pose())
    wrong = Correction(np.full((H, W), -0.3, np.float32), np.ones((H, W), np.float32))
    refused = stabiliser(depth, image, CAMERA, 10 * STEP, pose(x=3.0), correction=wrong)
    after = stabiliser(depth, image, CAMERA, 11 * STEP, np.eye(4))
    assert refused.problem == WRONG_MOTION
    for found in (refused, after):
        np.testing.assert_allclose(found.depth, depth, rtol=0.01)


@pytest.mark.parametrize("jump", [-100.0, -9.0, 5.0, 9.0, 100.0])  # [m] along the optical axis
def test_a_jump_of_the_odometry_past_the_scene_is_refused(jump):
    stabiliser = Stabiliser("fuse")
    play(stabiliser, [pose()] * 10)
    image, depth = scene(pose())
    found = stabiliser(depth * np.float32(1.2), image, CAMERA, 10 * STEP, pose(z=jump))
    assert found.problem == WRONG_MOTION and found.scale == pytest.approx(1 / 1.2, abs=0.05)


@pytest.mark.parametrize(
    ("stamp", "camera", "problem"),
    [
        (0, CAMERA, "stamps jumped back"),
        (3 * STEP, CAMERA, "stamps jumped back"),
        (30 * STEP, CAMERA, "gap in time"),
        (4 * STEP, Camera(W, H, np.diag([1.5, 1.5, 1.0]) @ CAMERA.K), "new camera"),
    ],
)
def test_the_past_of_another_time_or_camera_is_not_used(stamp, camera, problem):
    stabiliser = Stabiliser("fuse")
    play(stabiliser, [pose()] * 4)
    image, depth = scene(pose())
    found = stabiliser(1.3 * depth, image, camera, stamp, np.eye(4))
    assert found.problem == problem
    np.testing.assert_array_equal(found.depth, np.float32(1.3) * depth)
    after = stabiliser(1.2 * depth, image, camera, stamp + STEP, np.eye(4))
    assert after.problem == ""
    assert np.median(after.depth / depth) == pytest.approx(1.3, rel=0.05)


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_unknown_depth_stays_unknown_and_does_not_spread(mode):
    stabiliser = Stabiliser(mode)
    play(stabiliser, [pose()] * 2)
    image, depth = scene(pose())
    damaged = depth.copy()
    damaged[:, :20] = np.nan
    damaged[40:50, 60:70] = 0
    for index in (2, 3):
        found = stabiliser(damaged, image, CAMERA, index * STEP, np.eye(4))
    assert np.isnan(found.depth[:, :20]).all() and (found.depth[40:50, 60:70] == 0).all()
    rest = np.isfinite(damaged) & (damaged > 0)
    np.testing.assert_allclose(found.depth[rest], depth[rest], rtol=0.02)
    blind = stabiliser(np.full_like(depth, np.nan), image, CAMERA, 4 * STEP, np.eye(4))
    assert np.isnan(blind.depth).all()
    again = stabiliser(depth, image, CAMERA, 5 * STEP, np.eye(4))
    np.testing.assert_allclose(again.depth, depth, rtol=0.02)


def test_images_without_texture_do_no_harm():
    stabiliser = Stabiliser("fuse")
    _, depth = scene(pose())
    black = np.zeros((H, W, 3), np.uint8)
    for index, image in enumerate([black, black, black + 255, black]):
        found = stabiliser(depth, image, CAMERA, index * STEP, np.eye(4))
        np.testing.assert_allclose(found.depth, depth, rtol=1e-3)


def test_the_grid_is_small_and_keeps_the_aspect_ratio():
    for size in ((640, 192), (1242, 375), (640, 480), (320, 96), (64, 2000)):
        width, height = grid_size(size)
        assert width * height <= 33_000 and width <= size[0]
        assert width / height == pytest.approx(size[0] / size[1], rel=0.05)
    assert grid_size((160, 96)) == (160, 96)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="'off' is not one of scale, fuse"):
        Stabiliser("off")
