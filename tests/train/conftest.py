# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A short rendered drive as a sequence folder, and recipes small enough for seconds on a CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from jasmine_core.data.sequence import FrameRecord, Index, SampleRecord, picture_name, write_index
from jasmine_core.data.synthetic import Drive, WorldConfig, render_drive
from jasmine_core.geometry.rigid import inverse, to_numbers
from jasmine_core.model.disparity_net import DisparityConfig, DisparityNet
from jasmine_core.model.posenet import PoseNet, PoseNetConfig
from jasmine_core.model.resnet import EncoderConfig
from jasmine_core.train.recipe import DataConfig, OptimiserConfig, Phase, Recipe

WIDTH, HEIGHT = 128, 64
SMALLEST = EncoderConfig((8, 8, 16, 16, 16), (1, 1, 1, 1), norm="group")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def drive() -> Drive:
    config = WorldConfig(width=WIDTH, height=HEIGHT, frames=12, texture_banks=1)
    return render_drive(11, config)


def write_sequence(drive: Drive, folder: Path) -> Path:
    """Write a drive as `jasmine prepare` would, each picture between its two neighbours."""
    stamps = [10**18 + s for s in drive.stamps]
    (folder / "pictures").mkdir(parents=True)
    frames = []
    for index, stamp in enumerate(stamps):
        rgb = (255 * drive.images[index].permute(1, 2, 0).numpy()).round().astype(np.uint8)
        cv2.imwrite(str(folder / picture_name(stamp, "png")), rgb[..., ::-1])
        frames.append(FrameRecord(stamp, 0, picture_name(stamp, "png")))
    poses = drive.T_world_camera.double().numpy()
    samples = [
        SampleRecord(
            i,
            (i - 1, i + 1),
            (0.05, 0.05),
            (0.05, 0.05),
            tuple(to_numbers(inverse(poses[i]) @ poses[s]) for s in (i - 1, i + 1)),
        )
        for i in range(1, len(stamps) - 1)
    ]
    index = Index(1, {}, {}, WIDTH, HEIGHT, drive.K.double().tolist(), True, frames, samples)
    write_index(index, folder)
    return folder


@pytest.fixture(scope="session")
def sequence(drive, tmp_path_factory) -> Path:
    return write_sequence(drive, tmp_path_factory.mktemp("data") / "drive")


@pytest.fixture(scope="session")
def nets(tmp_path_factory) -> Path:
    """Save the smallest disparity and pose nets, seeded, to start from."""
    folder = tmp_path_factory.mktemp("nets")
    torch.manual_seed(0)
    config = DisparityConfig(HEIGHT, WIDTH, SMALLEST, (16, 16, 8, 8))
    DisparityNet(config).save_pretrained(folder / "disparity")
    PoseNet(PoseNetConfig(SMALLEST, 16)).save_pretrained(folder / "posenet")
    return folder


@pytest.fixture
def disparity_recipe(sequence, nets) -> Recipe:
    return Recipe(
        learner="disparity",
        start=str(nets / "disparity"),
        posenet=str(nets / "posenet"),
        phases=(Phase(6, ("disparity", "posenet")),),
        batch_size=2,
        save_every=2,
        log_every=1,
        validate_every=3,
        picture_every=5,
        data=DataConfig((str(sequence),), WIDTH, HEIGHT, held_out=0.2, workers=0),
        optimiser=OptimiserConfig(learning_rate=1e-3, warm_up=2),
    )


@pytest.fixture
def jasmine_recipe(disparity_recipe, checkpoint, nets) -> Recipe:
    return replace(
        disparity_recipe,
        learner="jasmine",
        start=str(checkpoint),
        teacher=str(nets / "disparity"),
        phases=(
            Phase(2, ("unet", "ssg", "posenet")),
            Phase(2, ("unet",)),
            Phase(2, ("unet", "ssg", "posenet")),
        ),
    )
