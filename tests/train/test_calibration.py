# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration of the confidence of a checkpoint that is trained on, which changes its weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

from helpers.training_runs import HEIGHT, WIDTH

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.runtime.confidence import FEATURES, Calibration, Line, read_calibration, to_json
from jasmine_core.train.start import make_learner

FLAT = Line((0.0,), (0.0,))


def calibrated(checkpoint, folder):
    shutil.copytree(checkpoint, folder)
    fitted = to_json(Calibration(0.0, dict.fromkeys(FEATURES, FLAT), FLAT))
    model = Checkpoint.resolve(folder).fingerprint
    (folder / CALIBRATION_FILE).write_text(json.dumps({"model": model, **fitted}))
    assert read_calibration(Checkpoint.resolve(folder)) is not None
    return folder


def test_a_saved_checkpoint_does_not_inherit_the_calibration(jasmine_recipe, checkpoint, tmp_path):
    start = calibrated(checkpoint, tmp_path / "start")
    learner = make_learner(replace(jasmine_recipe, start=str(start)))
    learner.save(tmp_path / "final", metric=True, size=(WIDTH, HEIGHT), description="")
    assert not (tmp_path / "final" / CALIBRATION_FILE).exists()


def test_trained_weights_refuse_the_calibration_of_the_starting_ones(
    jasmine_run, checkpoint, tmp_path, caplog
):
    start = calibrated(checkpoint, tmp_path / "start")
    final = shutil.copytree(jasmine_run / "final", tmp_path / "final")
    shutil.copyfile(start / CALIBRATION_FILE, final / CALIBRATION_FILE)
    assert read_calibration(Checkpoint.resolve(final)) is None
    assert f"belongs to other weights; run jasmine calibrate {final}" in caplog.text
