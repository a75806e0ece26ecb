# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine calibrate`: the file that it writes, and its scenes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.evaluate import world
from jasmine_core.evaluate.run import Sample
from jasmine_core.runtime.confidence import read_calibration
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.synthetic.drive import WorldConfig
from jasmine_ros.cli import main


@pytest.fixture
def samples(monkeypatch):
    """Replace the rendered scenes by small images."""

    def small(scenes):
        rng = np.random.default_rng(scenes)
        for index in range(4 * scenes):
            image = rng.integers(0, 256, (64, 128, 3), np.uint8)
            depth = np.tile(np.linspace(20, 3, 64)[:, None], (1, 128)).astype(np.float32)
            yield Sample(index, image, depth, 80.0)

    monkeypatch.setattr(world, "calibration_samples", small)


def test_the_checkpoint_gets_a_calibration(checkpoint, tmp_path, samples, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint, folder)
    before = Checkpoint.resolve(folder).fingerprint
    for _ in range(2):  # A second run replaces the file.
        assert main(["calibrate", str(folder), "--scenes", "2"]) == 0
    printed = capsys.readouterr().out
    assert f"16 rendered images; see {folder / CALIBRATION_FILE}" in printed
    assert "export again" in printed
    assert Checkpoint.resolve(folder).fingerprint == before, "exports and engines stay valid"
    assert json.loads((folder / CALIBRATION_FILE).read_text())["images"] == 16  # Each also damaged.
    assert read_calibration(Checkpoint.resolve(folder)) is not None
    predictor = DepthPredictor.from_pretrained(folder, "torch")
    confidence = predictor(np.zeros((64, 128, 3), np.uint8)).confidence
    assert ((confidence >= 0) & (confidence <= 1)).all()


def test_only_a_folder_of_weights_can_be_calibrated(samples, capsys):
    assert main(["calibrate", "random:tiny"]) == 1
    assert "random:tiny has no folder" in capsys.readouterr().err


def test_the_scenes_are_neither_of_a_training_nor_of_a_test(monkeypatch):
    seeds = []

    def render(seed, config: WorldConfig):
        seeds.append((config.kind, seed, config.frames))
        raise StopIteration

    monkeypatch.setattr(world, "render_drive", render)
    with pytest.raises(RuntimeError):
        next(world.calibration_samples(3))
    ((_, seed, frames),) = seeds
    assert seed > 100_000 and seed + 10_000 < world.FIRST_TEST_SEED and frames == 2
