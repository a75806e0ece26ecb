# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recordings of the benchmarks with ground truth and camera poses: rendered ones, or a bag."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from jasmine_core.evaluate.flow_poses import with_flow_poses
from jasmine_core.evaluate.run import Sample
from jasmine_core.evaluate.world import Kind, world_samples
from jasmine_ros.bags.ground_truth import BagSamples
from jasmine_ros.commands.demo import sample_drive
from jasmine_ros.commands.evaluation_poses import read_odometry, with_poses

SEED = 1  # of the test scenes
RATE = 10.0  # [Hz] of rendered images, as of a camera


@dataclass(frozen=True)
class Recording:
    """Images with ground truth; a clip is a scene, or a part of a bag."""

    name: str
    read: Callable[[], Iterable[Sample]]
    count: int  # number of images
    kind: Kind  # whose mean-depth map is compared
    protocol: str  # usual for this data


def rendered(kind: Kind, scenes: int, frames: int) -> Recording:
    """Return unseen rendered scenes with moving objects, of `frames` images each."""
    count = scenes * frames
    read = partial(world_samples, kind, SEED, count, RATE, frames, moving_objects=True)
    return Recording(f"{kind}s", read, count, kind, "plain")


def recorded(
    bag: Path | None, ground_truth: str | None, protocol: Literal["eigen", "plain"] = "eigen"
) -> Recording:
    """Return a bag with its ground truth, by default the bundled recording."""
    drive, depth = (bag, ground_truth) if bag and ground_truth else sample_drive()
    samples = BagSamples(Path(drive), str(depth))
    odometry = read_odometry(Path(drive), None, None, None, None)
    read: Callable[[], Iterable[Sample]]
    if odometry is None:
        read = partial(with_flow_poses, samples, samples.camera)
    else:
        read = partial(with_poses, samples, odometry, samples.camera)
    return Recording(Path(drive).name, read, samples.count, "street", protocol)
