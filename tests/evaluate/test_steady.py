# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of predictions that are filtered over time."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from helpers.textured_wall import CAMERA, STEP, H, W, drive, scene

from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.protocols import Protocol
from jasmine_core.evaluate.run import Sample, evaluate
from jasmine_core.evaluate.steady import SteadyClips
from jasmine_core.geometry.rigid import inverse

BOX = (-1.5, 1.5, -1.0, 0.2, 4.0)
GAINS = [1.0, 1.15, 0.9, 1.1, 0.85, 1.0, 1.12, 0.9]


def samples(clips=1, poses=True):
    for clip in range(clips):
        for index, T in enumerate(drive(len(GAINS))):
            image, depth = scene(T, box=BOX)
            pose = ClipPose(clip, CAMERA.K, T) if poses else None
            yield Sample((clip * len(GAINS) + index) * STEP, image, depth, None, pose)


def scores(mode, clips=1, poses=True, protocol="plain"):
    """Return the scores of a model whose scale flickers, and what is shown in the figure."""
    exact = {s.stamp: s.ground_truth for s in samples(clips)}
    order = iter([*exact, *exact])  # the samples are read twice, without a gap only if filtered

    def predict(image, focal):
        stamp = next(order)
        depth = exact[stamp] * GAINS[stamp // STEP % len(GAINS)] / 7
        return depth[-image.shape[0] :, : image.shape[1]].astype(np.float32)

    evaluation = Evaluation(np.ones((2, 2)), protocol, "median")
    steady = None if mode == "off" else partial(SteadyClips, mode, False)
    show = len(GAINS) * clips  # so that all samples are predicted in the second reading too
    read = partial(samples, clips, poses)
    exhibits = evaluate(predict, read, evaluation, None, None, show, steady)
    return evaluation.summary()["model"], exhibits


@pytest.mark.parametrize("mode", ["scale", "fuse"])
def test_a_flickering_scale_is_removed_within_each_clip(mode):
    raw, filtered = scores("off", clips=2)[0], scores(mode, clips=2)[0]
    assert raw["tae"] > 5 and filtered["tae"] < 0.3 * raw["tae"]
    assert filtered["scale_spread"] < 0.2 * raw["scale_spread"]
    assert filtered["abs_rel"] < raw["abs_rel"] + 0.005


def test_each_clip_starts_as_it_is():
    filtered = SteadyClips("scale", metric=False)
    for sample in samples(clips=2):
        gain = GAINS[sample.stamp // STEP % len(GAINS)]
        found = filtered(gain * sample.ground_truth, sample.image, sample.stamp, sample.pose)
        if sample.stamp in (0, len(GAINS) * STEP):
            np.testing.assert_array_equal(found, gain * sample.ground_truth)


def test_frames_without_a_pose_are_not_changed():
    found, _ = scores("fuse", poses=False)
    raw, _ = scores("off", poses=False)
    assert found["abs_rel"] == raw["abs_rel"] and found["tae"] is None


def test_a_pose_net_replaces_the_known_motion():
    """The filter sees the motion of the pose net, and the past helps less without any motion."""
    poses, asked = [s.pose.T_world_camera for s in samples()], []

    def pose_net(before, image):
        asked.append(image)
        return inverse(poses[len(asked) - 1]) @ poses[len(asked)]

    def error(**motion):
        steady, rng = SteadyClips("fuse", metric=True, **motion), np.random.default_rng(0)
        for sample in samples():
            noise = np.exp(rng.normal(0, 0.1, sample.ground_truth.shape)).astype(np.float32)
            found = steady(sample.ground_truth * noise, sample.image, sample.stamp, sample.pose)
        return np.mean(np.abs(np.log(found / sample.ground_truth)))

    known = error()
    assert error(known_motion=False, pose_net=pose_net) == pytest.approx(known, rel=1e-6)
    assert len(asked) == len(poses) - 1
    assert error(known_motion=False) > 1.5 * known


def test_the_camera_of_a_window_and_of_another_resolution_is_used():
    """Depth of half the size of the image has half the focal length."""
    window = Protocol("window", bottom_centre=(W, H - 10))
    filtered, raw = scores("fuse", protocol=window)[0], scores("off", protocol=window)[0]
    assert filtered["tae"] < 0.3 * raw["tae"]
    steady = SteadyClips("fuse", metric=True)
    for sample in samples():
        half = sample.ground_truth[::2, ::2]
        found = steady(half, sample.image, sample.stamp, sample.pose)
        np.testing.assert_allclose(np.median(found / half), 1, rtol=0.01)


def test_the_figure_shows_the_filtered_depth():
    _, exhibits = scores("scale")
    assert len(exhibits) == len(GAINS)
    _, raw = scores("off")
    assert not np.allclose(exhibits[1].depth, 0) and len(raw) == len(exhibits)
