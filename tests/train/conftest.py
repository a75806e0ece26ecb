# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A short rendered drive as a sequence folder, and recipes small enough for seconds on a CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.training_runs import HEIGHT, SMALLEST, WIDTH, write_sequence

from jasmine_core.model.disparity_net import DisparityConfig, DisparityNet
from jasmine_core.model.posenet import PoseNet, PoseNetConfig
from jasmine_core.synthetic.drive import Drive, WorldConfig, render_drive
from jasmine_core.train.recipe import DataConfig, OptimiserConfig, Phase, Recipe
from jasmine_core.train.trainer import train


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def drive() -> Drive:
    config = WorldConfig(width=WIDTH, height=HEIGHT, frames=12, texture_banks=1)
    return render_drive(11, config)


@pytest.fixture(scope="session")
def sequence(drive, tmp_path_factory) -> Path:
    return write_sequence(drive, tmp_path_factory.mktemp("data") / "drive")


@pytest.fixture(scope="session")
def nets(tmp_path_factory) -> Path:
    """Save the smallest disparity and pose nets, and a teacher that knows metres, all untrained."""
    folder = tmp_path_factory.mktemp("nets")
    torch.manual_seed(0)
    config = DisparityConfig(HEIGHT, WIDTH, SMALLEST, decoder=(16, 16, 8, 8))
    DisparityNet(config).save_pretrained(folder / "disparity")
    taught = replace(config, metres_per_unit=24.0)
    DisparityNet(taught).save_pretrained(folder / "teacher")
    PoseNet(PoseNetConfig(SMALLEST, 16)).save_pretrained(folder / "posenet")
    return folder


@pytest.fixture(scope="session")
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
        image_every=5,
        data=DataConfig((str(sequence),), width=WIDTH, height=HEIGHT, held_out=0.2, workers=0),
        optimiser=OptimiserConfig(learning_rate=1e-3, warm_up=2),
    )


@pytest.fixture(scope="session")
def jasmine_recipe(disparity_recipe, checkpoint, nets) -> Recipe:
    return replace(
        disparity_recipe,
        learner="jasmine",
        start=str(checkpoint),
        teacher=str(nets / "teacher"),
        phases=(
            Phase(2, ("unet", "ssg", "posenet")),
            Phase(2, ("unet",)),
            Phase(2, ("unet", "ssg", "posenet")),
        ),
    )


@pytest.fixture(scope="session")
def disparity_run(disparity_recipe, tmp_path_factory) -> Path:
    """Return the folder of a finished training of `disparity_recipe`; copy it before a change."""
    return finished(disparity_recipe, tmp_path_factory.mktemp("disparity") / "run")


@pytest.fixture(scope="session")
def jasmine_run(jasmine_recipe, tmp_path_factory) -> Path:
    """Return the folder of a finished training of `jasmine_recipe` that kept every state."""
    every = replace(jasmine_recipe, save_every=1, keep=10)
    return finished(every, tmp_path_factory.mktemp("jasmine") / "run")


def finished(recipe: Recipe, folder: Path) -> Path:
    torch.set_num_threads(1)  # The sums of tests that compare weights must have one order.
    assert train(recipe, folder) == folder / "final"
    return folder
