# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera poses by optical flow and ground truth, in scenes whose poses are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import corridor
from helpers.textured_wall import CAMERA, STEP, drive, scene

from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.flow_poses import consistent_flow, flow_motion, with_flow_poses
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.rigid import angle_of, inverse

GAINS = [1.0, 1.1, 0.95, 1.05, 0.9, 1.0]


def wall(T_world_camera, index=0, **options):
    image, depth = scene(T_world_camera, **options)
    return Sample(index * STEP, image, depth)


def in_corridor(T_world_camera, index=0):
    image, depth = corridor.look(T_world_camera)
    return Sample(index * STEP, image, np.where(depth < 500, depth, 0).astype(np.float32))


def expect_motion(found, T_now_before, metres, degrees=0.15):
    error = inverse(T_now_before) @ found
    assert np.linalg.norm(error[:3, 3]) < metres
    assert np.degrees(angle_of(error[:3, :3])) < degrees


@pytest.mark.parametrize(("x", "z"), [(0.0, 0.0), (0.08, 0.0), (0.0, 0.3), (0.05, 0.2)])
def test_the_motion_before_a_wall_is_found(x, z):
    before, now = drive(2, x, z)
    found = flow_motion(wall(before), wall(now), CAMERA)
    # A shift and a turn to the side look almost alike before a flat wall.
    expect_motion(found, inverse(now) @ before, 0.025)


@pytest.mark.parametrize(("z", "x", "yaw"), [(0.3, 0.0, 0.0), (0.1, 0.05, 0.02), (0.0, 0.0, 0.04)])
def test_the_motion_in_a_corridor_is_found(z, x, yaw):
    before, now = corridor.pose(0.5), corridor.pose(0.5 + z, x, yaw)
    found = flow_motion(in_corridor(before), in_corridor(now), corridor.CAMERA)
    expect_motion(found, inverse(now) @ before, 0.02)


def test_a_moving_object_and_sparse_ground_truth_do_not_change_the_motion():
    before, now = drive(2, 0.05, 0.2)
    first = wall(before, box=(-1.5, -0.3, -1.0, 1.0, 5.0))
    sparse = np.random.default_rng(1).random(first.ground_truth.shape) < 0.1
    first.ground_truth[~sparse] = 0
    moved = wall(now, box=(-1.3, -0.1, -1.0, 1.0, 5.0))
    expect_motion(flow_motion(first, moved, CAMERA), inverse(now) @ before, 0.03, 0.3)


def test_the_flow_of_a_shift_is_the_shift():
    image = wall(np.eye(4)).image[..., 0]
    flow, usable = consistent_flow(image, np.roll(image, 4, axis=1))
    inner = np.zeros_like(usable)
    inner[8:-8, 12:-12] = True
    assert usable[inner].mean() > 0.95
    np.testing.assert_allclose(np.median(flow[inner], axis=0), (4, 0), atol=0.05)


def test_images_of_other_places_and_dark_ones_give_no_motion():
    here, there = wall(np.eye(4)), in_corridor(corridor.pose())
    dark = Sample(0, np.full_like(here.image, 3), here.ground_truth)
    unknown = Sample(0, here.image, np.zeros_like(here.ground_truth))
    for before, now in ((here, there), (dark, dark), (unknown, here)):
        assert flow_motion(before, now, CAMERA) is None


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (640, 8), (2000, 30)])
def test_images_that_are_too_small_give_no_motion(width, height):
    camera = Camera(width, height, np.array([[50.0, 0, width / 2], [0, 50, height / 2], [0, 0, 1]]))
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    sample = Sample(0, image, np.full((height, width), 4, np.float32))
    assert flow_motion(sample, sample, camera) is None


def test_poses_are_those_of_the_camera_and_a_cut_begins_a_clip():
    path = drive(4, 0.05, 0.15)
    samples = [wall(T, index) for index, T in enumerate(path)]
    samples.append(in_corridor(corridor.pose(), 4))
    small = Sample(5 * STEP, samples[0].image, np.ones((4, 6), np.float32))
    samples += [small, wall(path[0], 6), wall(path[1], 7)]
    poses = [sample.pose for sample in with_flow_poses(lambda: samples, CAMERA)]
    for pose, T in zip(poses, path, strict=False):
        expect_motion(inverse(pose.T_world_camera), inverse(T), 0.06, 0.4)
        np.testing.assert_array_equal(pose.K, CAMERA.K)
    clips = [pose and pose.clip for pose in poses]
    assert len(set(clips[:4])) == 1 and clips[5] is None and clips[6] == clips[7]
    assert len({clips[0], clips[4], clips[6]}) == 3


def test_the_metrics_are_those_of_the_true_poses():
    path = drive(6, 0.05, 0.15)
    samples = [wall(T, index) for index, T in enumerate(path)]
    measured = list(with_flow_poses(lambda: samples, CAMERA))
    ways = {}
    for name in ("flow", "true"):
        evaluation = Evaluation(np.full((4, 4), 8, np.float32), "plain")
        for sample, gain, T in zip(measured, GAINS, path, strict=True):
            pose = sample.pose if name == "flow" else sample.pose._replace(T_world_camera=T)
            bent = np.float32(gain) * sample.ground_truth
            evaluation.add(sample.stamp, bent, sample.ground_truth, pose=pose)
        ways[name] = evaluation.clips.summary()
    for field in ("tae", "opw"):
        assert ways["flow"]["model"][field] == pytest.approx(ways["true"]["model"][field], rel=0.05)
    assert ways["flow"]["model"]["tae"] > 2
    assert ways["flow"]["ground_truth"]["tae"] < 0.5
