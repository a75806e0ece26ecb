# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration of the confidence of an exported checkpoint, which the export carries."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.export import onnx
from jasmine_core.export.checkpoint import export_checkpoint
from jasmine_core.runtime.confidence import FEATURES, Calibration, Line, read_calibration, to_json
from jasmine_core.runtime.predictor import DepthPredictor

LINES = {name: Line((-5.0, 5.0), (1.0, -1.0)) for name in FEATURES}
CALIBRATION = Calibration(1.9, LINES, Line((0.0, 1.0), (0.5, 0.1)))
SIZE = (128, 64)


def calibrate(folder, **changes):
    model = Checkpoint.resolve(folder).fingerprint
    content = {"model": model, **to_json(CALIBRATION)} | changes
    (folder / CALIBRATION_FILE).write_text(json.dumps(content))
    return Checkpoint.resolve(folder)


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    """Return a calibrated checkpoint, and the folder of its exports."""
    place = tmp_path_factory.mktemp("exported")
    calibrated = calibrate(shutil.copytree(checkpoint, place / "copy"))
    export_checkpoint(calibrated, place / "out", size=SIZE)
    return calibrated, place / "out"


@pytest.fixture
def no_graph(monkeypatch):
    """Leave out the graph of an export, which takes long."""
    monkeypatch.setattr(onnx, "export_onnx", lambda *_, **__: None)


def test_an_export_has_the_calibrated_confidence_of_its_checkpoint(exported):
    checkpoint, out = exported
    own = DepthPredictor.from_pretrained(checkpoint, "torch")
    graph = DepthPredictor.from_pretrained(out, "onnxruntime")
    assert graph.calibration == own.calibration == CALIBRATION
    image = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    expected = own(image).confidence
    assert expected.std() > 0.01
    np.testing.assert_allclose(graph(image).confidence, expected, atol=2e-3)


def test_the_folder_of_one_export_can_be_moved_alone(exported, tmp_path):
    (place,) = exported[1].iterdir()
    moved = Checkpoint.resolve(shutil.copytree(place, tmp_path / "robot"))
    assert moved.kind == "exports" and read_calibration(moved) == CALIBRATION


def test_a_calibration_of_other_weights_beside_an_export_is_not_used(exported, tmp_path, caplog):
    out = shutil.copytree(exported[1], tmp_path / "out")
    (file,) = out.glob(f"*/{CALIBRATION_FILE}")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model": "of other weights"}))
    assert read_calibration(Checkpoint.resolve(out)) is None
    assert "export the calibrated checkpoint again" in caplog.text


def test_the_calibration_of_other_weights_is_not_exported(folder, tmp_path, no_graph, caplog):
    checkpoint = calibrate(folder, model="of other weights")
    place = export_checkpoint(checkpoint, tmp_path / "out", size=SIZE)
    assert not (place / CALIBRATION_FILE).exists()
    assert "belongs to other weights" in caplog.text


def test_an_export_within_the_checkpoint_does_not_change_its_fingerprint(folder, no_graph):
    fingerprint = calibrate(folder).fingerprint
    place = export_checkpoint(Checkpoint.resolve(folder), folder, size=SIZE)
    assert (place / CALIBRATION_FILE).exists()
    assert Checkpoint.resolve(folder).fingerprint == fingerprint
    assert read_calibration(Checkpoint.resolve(folder)) == CALIBRATION
