# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundled checkpoint: size, completeness and accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import EXPORTS, Exports
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.world import world_mean_map, world_samples
from jasmine_core.model.posenet import PoseNet
from jasmine_core.runtime.confidence import read_calibration
from jasmine_core.runtime.predictor import DepthPredictor

NAME = "jasmine-tiny"
LARGEST = 16_000_000  # [bytes] without the graphs
LARGEST_GRAPH = 700_000  # [bytes] without the weights, which are those of the checkpoint
SHIP_GATE = 0.85  # largest AbsRel, as a share of that of the mean-depth map


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def folder():
    return Checkpoint.resolve(NAME).jasmine_folder()


def test_checkpoint_is_small_and_in_half_precision(folder):
    assert size_of(folder) - size_of(folder / EXPORTS) < LARGEST
    assert all(size_of(graph) < LARGEST_GRAPH for graph in (folder / EXPORTS).iterdir())
    for file in folder.rglob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            kinds = {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118
        assert kinds <= {"F16", "I64"}, file


def test_the_plain_graphs_are_those_of_the_checkpoint():
    """After a new checkpoint: python training/tiny/bundle.py --graph FOLDER."""
    checkpoint = Checkpoint.resolve(NAME)
    found = {card.size: card.model for _, card in Exports(checkpoint, plain=True)}
    assert found == dict.fromkeys([(320, 96), (192, 160)], checkpoint.fingerprint)


@pytest.mark.parametrize(
    "camera, size", [((1242, 375), (320, 96)), ((640, 480), (192, 160)), ((1280, 720), (192, 160))]
)
def test_opencv_takes_the_plain_graph_of_the_shape_of_the_camera(camera, size):
    predictor = DepthPredictor.from_pretrained(NAME, "opencv")
    assert predictor.transform(camera).target == size
    image = np.random.default_rng(0).integers(0, 256, (camera[1], camera[0], 3), np.uint8)
    found = predictor(image, 600.0).depth
    other = DepthPredictor.from_pretrained(NAME, "torch", size=size)(image, 600.0).depth
    np.testing.assert_allclose(found, other, rtol=1e-3)


def test_config_has_a_description(folder):
    card = (folder / "MODEL_CARD.md").read_text()
    for word in ("Licence", "Trained on", "Scores", "mean-depth map", "phase 0"):
        assert word.lower() in card.lower(), word


def test_the_confidence_is_calibrated_for_these_weights():
    """After a change of the weights, run `jasmine calibrate jasmine-tiny`."""
    assert read_calibration(Checkpoint.resolve(NAME)) is not None


def test_pose_net_is_included(folder):
    net = PoseNet.from_pretrained(folder / "posenet").float()
    still = torch.rand(1, 3, 96, 320, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        rotation, translation = net(still, still)
    assert rotation.isfinite().all()
    assert translation.isfinite().all()


def test_accuracy_on_unseen_streets():
    predictor = DepthPredictor.from_pretrained(NAME, "torch")
    evaluation = Evaluation(world_mean_map("street"), "plain")
    for sample in world_samples("street", 3, 20):
        evaluation.add(sample.stamp, predictor(sample.image).depth, sample.ground_truth)
    scores = evaluation.summary()
    model, trivial = scores["model"], scores["trivial_mean_map"]
    assert model["abs_rel"] < SHIP_GATE * trivial["abs_rel"]
    assert model["rmse"] < trivial["rmse"]
    assert model["a1"] > trivial["a1"]
