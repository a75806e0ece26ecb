# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered test scenes, from seeds that training does not use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.evaluation import mean_depth_map
from jasmine_core.evaluate.run import Sample
from jasmine_core.synthetic import config as synthetic
from jasmine_core.synthetic.drive import Drive, WorldConfig, render_drive

FIRST_TEST_SEED = 1_000_000  # training uses smaller seeds
FIRST_CALIBRATION_SEED = 900_000  # of the scenes on which a confidence is calibrated
CALIBRATION_KINDS: tuple[synthetic.Kind, ...] = ("street", "room", "road", "indoor")
FRAMES_PER_SCENE = 10
RATE = 2.0  # [Hz] of the test scenes, unless another one is given
SCENES_OF_MEAN_MAP = 48

Kind = Literal["street", "room"]


def test_config(
    kind: Kind, rate: float = RATE, frames: int = FRAMES_PER_SCENE, moving_objects: bool = False
) -> WorldConfig:
    """Return the configuration of test scenes of `frames` images, rendered at `rate` [Hz]."""
    width, height = (640, 192) if kind == "street" else (320, 256)
    return WorldConfig(
        kind=kind,
        width=width,
        height=height,
        frames=frames,
        rate=rate,
        moving_objects=moving_objects,
    )


def world_samples(
    kind: Kind,
    seed: int,
    frames: int,
    rate: float = RATE,
    per_scene: int = FRAMES_PER_SCENE,
    moving_objects: bool = False,
) -> Iterator[Sample]:
    """Render `frames` images, `per_scene` of each scene at `rate` [Hz]; sky has no ground truth.

    Seed n gives the test scenes 1000 n, 1000 n + 1, and so on, which are never used in training.
    """
    config = test_config(kind, rate, per_scene, moving_objects)
    for start in range(0, frames, per_scene):
        drive = render_drive(FIRST_TEST_SEED + 1000 * seed + start // per_scene, config)
        for index in range(min(per_scene, frames - start)):
            pose = ClipPose(
                clip=start // per_scene,
                K=drive.K.double().numpy(),
                T_world_camera=drive.T_world_camera[index].double().numpy(),
            )
            sample = _sample(drive, index, round((start + index) * 1e9 / rate))
            yield replace(sample, pose=pose)


def calibration_samples(scenes: int) -> Iterator[Sample]:
    """Render two images of each of `scenes` scenes of every kind, with moving objects.

    The scenes are neither those of a training nor those of a test.
    """
    for seed in range(FIRST_CALIBRATION_SEED, FIRST_CALIBRATION_SEED + scenes):
        for kind in CALIBRATION_KINDS:
            size = test_config("street" if kind in ("street", "road") else "room")
            config = replace(size, kind=kind, frames=2, rate=0.5, moving_objects=True)
            drive = render_drive(seed, config)
            yield from (_sample(drive, index, drive.stamps[index]) for index in range(2))


def _sample(drive: Drive, index: int, stamp: int) -> Sample:
    """Return an image of a scene; sky has no ground truth."""
    rgb = drive.images[index].permute(1, 2, 0).numpy()  # [H,W,3]
    ground_truth = drive.depths[index, 0].numpy()
    return Sample(
        stamp=stamp,
        image=(255 * rgb).round().astype(np.uint8),
        ground_truth=np.where(np.isfinite(ground_truth), ground_truth, 0).astype(np.float32),
        focal=float(drive.K[0, 0]),
    )


def world_mean_map(kind: Kind) -> NDArray[np.float32]:
    """Return the mean depth [24,80] m of training scenes, for checkpoints without a mean map."""
    config = WorldConfig(kind=kind, width=80, height=24, frames=2, rate=0.5, supersample=1)
    ground_truths = (
        np.where(np.isfinite(depth), depth, 0)
        for seed in range(SCENES_OF_MEAN_MAP)
        for depth in render_drive(seed, config).depths[:, 0].numpy()
    )
    return mean_depth_map(ground_truths)
