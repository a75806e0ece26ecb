# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal metrics of an evaluation: clips, predictors, ground truth, tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jasmine_core.evaluate import clips
from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.metrics import TemporalMetrics
from jasmine_core.evaluate.protocols import Protocol
from jasmine_core.evaluate.report import latex_tables, markdown_tables
from jasmine_core.evaluate.run import Sample, evaluate, write_report
from jasmine_core.evaluate.temporal import temporal_metrics
from jasmine_core.geometry.camera import Window

H, W = 40, 64
K = np.array([[50.0, 0, 31.5], [0, 50.0, 5.5], [0, 0, 1]])
STEP = 0.4  # [m] of the camera per frame
FIELDS = TemporalMetrics._fields


def road():
    """Return the depth [H,W] m of a ground plane 1.5 m below a camera that looks ahead."""
    rows = np.arange(H) + 4.0
    return np.tile((1.5 * 50 / (rows - 1))[:, None], (1, W)).astype(np.float32)


def pose(index, clip=0, K=K):
    T = np.eye(4)
    T[2, 3] = STEP * index
    return ClipPose(clip, K, T)


def evaluated(gains, clip_of=lambda index: 0, **options):
    """Return the evaluation of a model whose scale is wrong by the gain of each frame."""
    evaluation = Evaluation(road() ** 0.8, "plain")
    for index, gain in enumerate(gains):
        evaluation.add(
            index * 10**8, gain * road() / 7, road(), pose=pose(index, clip_of(index)), **options
        )
    return evaluation


def test_every_predictor_has_temporal_metrics():
    summary = evaluated([1, 1.1, 1, 1.1]).summary()
    for row in summary.values():
        assert all(np.isfinite(row[field]) for field in FIELDS)
    assert summary["model"]["scale_spread"] > 0.03
    assert summary["trivial_mean_map"]["scale_spread"] == pytest.approx(0, abs=1e-6)


def test_the_best_is_as_steady_as_ground_truth():
    evaluation = evaluated([1, 1, 1, 1])
    model, ground_truth = evaluation.summary()["model"], evaluation.clips.summary()["ground_truth"]
    for field in FIELDS:
        assert model[field] == pytest.approx(ground_truth[field], rel=1e-3, abs=1e-6)
    flickering = evaluated([1, 1.2, 1, 1.2]).summary()["model"]
    assert flickering["tae"] > 2 * ground_truth["tae"]


def test_scale_between_clips_does_not_count():
    gains = [1, 1, 1, 2, 2, 2]
    one, two = (evaluated(gains, clip_of) for clip_of in (lambda i: 0, lambda i: i // 3))
    assert (one.clips.count, two.clips.count) == (1, 2)
    assert one.summary()["model"]["scale_spread"] > 0.3
    assert two.summary()["model"]["scale_spread"] == pytest.approx(0, abs=1e-6)


def test_clips_are_averaged():
    both = evaluated([1, 1.1, 1, 1, 1.4, 1], lambda i: i // 3).summary()["model"]
    alone = [evaluated([1, gain, 1]).summary()["model"] for gain in (1.1, 1.4)]
    for field in ("tae", "scale_spread"):
        assert both[field] == pytest.approx(np.mean([row[field] for row in alone]), rel=1e-3)


def test_frames_without_pose_and_single_frames_have_no_temporal_metrics():
    evaluation = Evaluation(road(), "plain")
    evaluation.add(0, road(), road())
    evaluation.add(1, road(), road(), pose=pose(1))
    assert evaluation.clips.count == 0 and evaluation.clips.summary() == {}
    assert all(evaluation.summary()["model"][field] is None for field in FIELDS)


def test_a_long_clip_is_split(monkeypatch):
    monkeypatch.setattr(clips, "LONGEST_CLIP", 3)
    assert evaluated([1] * 6).clips.count == 2


def test_a_change_of_size_or_camera_begins_a_clip():
    evaluation = evaluated([1, 1, 1])
    for index in (3, 4):
        evaluation.add(index, road(), road(), pose=pose(index, K=2 * K))
    for index in (5, 6):
        evaluation.add(index, road(), road()[:30], pose=pose(index, K=2 * K))
    assert evaluation.clips.count == 3


def test_the_camera_of_a_window_is_used():
    """The bottom centre of an image has the same temporal metrics as an image of that size."""
    moved = pose(0).within(Window(3, 8, W - 6, H - 8))
    np.testing.assert_allclose(moved.K, [[50, 0, 28.5], [0, 50, -2.5], [0, 0, 1]])
    rules = Protocol("window", bottom_centre=(W - 6, H - 8))
    evaluation = Evaluation(road(), rules)
    inner = road()[8:, 3:-3]
    depths = [gain * inner for gain in (1, 1.1, 1)]
    for index, depth in enumerate(depths):
        evaluation.add(index * 10**8, depth, road(), pose=pose(index))
    expected = temporal_metrics(
        np.stack(depths),
        np.stack([inner] * 3),
        np.ones((3, *inner.shape), np.bool_),
        moved.K,
        np.stack([pose(index).T_world_camera for index in range(3)]),
        [0, 10**8, 2 * 10**8],
        (rules.min_depth, rules.max_depth),
    )
    model = evaluation.summary()["model"]
    assert [model[field] for field in FIELDS] == pytest.approx(list(expected), rel=1e-4, abs=1e-9)


def test_the_report_shows_ground_truth_beside(tmp_path):
    def samples():
        for index in range(4):
            yield Sample(index * 10**8, np.zeros((H, W, 3), np.uint8), road(), None, pose(index))

    evaluation = Evaluation(road() ** 0.8, "plain")
    exhibits = evaluate(lambda image, focal: road() / 3, samples, evaluation)
    tables = write_report(evaluation, exhibits, {}, tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["clips"] == 1
    assert scores["ground_truth"]["tae"] == pytest.approx(scores["model"]["tae"], rel=1e-3)
    assert (tmp_path / "scores.md").read_text() == tables
    lines = tables.split("\n\n")[1].splitlines()
    assert "TAE" in lines[0] and "frames" not in lines[0]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "model",
        "constant (trivial)",
        "mean-depth map (trivial)",
        "ground truth",
    ]
    assert f" {scores['ground_truth']['tae']:.2f} " in lines[5] and "**" not in lines[5]
    assert (tmp_path / "scores.tex").read_text().count(r"\begin{tabular}") == 2


def test_values_that_cannot_be_measured_are_a_dash():
    rows = {
        "model": dict(zip(FIELDS, (None, None, 2.0, 0.1, 0.2), strict=True)),
        "ground_truth": dict(zip(FIELDS, (None, 0.5, 1.0, 0.0, 0.0), strict=True)),
    }
    depth = evaluated([1, 1]).summary()
    line = markdown_tables(depth, rows).splitlines()[-2]
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "model",
        "-",
        "-",
        "**2.00**",
        "**0.100**",
        "**0.200**",
    ]
    assert r"ground truth & - & 0.50 & 1.00 & 0.000 & 0.000 \\" in latex_tables(depth, rows)
    assert markdown_tables(depth, {}).count("\n") == 5
