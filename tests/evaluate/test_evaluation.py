# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a test set with its trivial predictors and invalid frames."""

import json

import numpy as np
import pytest

from jasmine_core.errors import ConfigError, FrameError
from jasmine_core.evaluate import evaluate_depth
from jasmine_core.evaluate.evaluation import Evaluation, mean_depth_map
from jasmine_core.evaluate.metrics import DepthMetrics, mean_metrics

ROWS = ("model", "trivial_constant", "trivial_mean_map")


def road(seed):
    """Return ground truth [H,W] m: depth grows upwards, with a box that differs between frames."""
    ground_truth = np.tile(np.linspace(40, 4, 48)[:, None], (1, 96)).astype(np.float32)
    left = int(np.random.default_rng(seed).integers(5, 60))
    ground_truth[25:40, left : left + 25] = 5.0
    return ground_truth


def evaluated(alignment="median", **options):
    ground_truths = [road(seed) for seed in range(6)]
    evaluation = Evaluation(mean_depth_map(ground_truths), alignment=alignment, **options)
    for index, ground_truth in enumerate(ground_truths):
        prediction = ground_truth / (10 + index) * (1 + 0.05 * index * np.sin(np.arange(96)))
        evaluation.add(index * 10**9, prediction, ground_truth)
    return evaluation, ground_truths


def test_summary_holds_model_and_trivial_predictors():
    summary = evaluated()[0].summary()
    assert tuple(summary) == ROWS
    for row in summary.values():
        assert set(DepthMetrics._fields) <= set(row)
        assert (row["frames"], row["protocol"], row["alignment"]) == (6, "eigen", "median")
    errors = [summary[row]["abs_rel"] for row in ROWS]
    assert errors[0] < errors[2] < errors[1]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_summary_is_the_mean_of_single_images():
    evaluation, ground_truths = evaluated("least_squares")
    mean_map = [
        evaluate_depth(evaluation.mean_map, t, alignment="least_squares") for t in ground_truths
    ]
    summary = evaluation.summary()
    for name, value in mean_metrics(mean_map)._asdict().items():
        assert summary["trivial_mean_map"][name] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("alignment", "same"), [("median", True), ("none", False)])
def test_constant_changes_scores_only_without_alignment(alignment, same):
    rows = [evaluated(alignment, constant=c)[0].summary()["trivial_constant"] for c in (5.0, 20.0)]
    assert (rows[0]["abs_rel"] == pytest.approx(rows[1]["abs_rel"], rel=1e-5)) is same


def test_constant_is_the_training_mean_by_default():
    evaluation, _ = evaluated()
    assert evaluation.constant == pytest.approx(evaluation.mean_map.mean())


def test_scale_drift_is_measured_over_time():
    model = evaluated()[0].summary()["model"]
    assert model["scale_ratio_median"] == pytest.approx(12.5, rel=0.05)
    assert model["scale_ratio_trend"] == pytest.approx(1 / 12.5, rel=0.1)
    assert model["scale_ratio_max_change"] == pytest.approx(0.5, rel=0.1)
    assert model["scale_ratio_spread"] > 0.1


def test_edges_are_measured_in_dense_ground_truth_only():
    assert evaluated()[0].summary()["model"]["edge_width"] == pytest.approx(1, abs=0.1)
    ground_truth = road(0)
    ground_truth[:24] = ground_truth[40:] = 0  # a third is left, with the outline of the box in it
    evaluation = Evaluation(road(1))
    evaluation.add(0, road(0), ground_truth)
    assert evaluation.summary()["model"]["edge_recall"] is None


def test_extremes_are_ranked_by_abs_rel():
    evaluation, _ = evaluated()
    picked = {name: frame.stamp // 10**9 for name, frame in evaluation.extremes().items()}
    assert picked == {"best": 0, "median": 3, "worst": 5}


def test_an_invalid_frame_is_not_added():
    evaluation, ground_truths = evaluated()
    before = evaluation.summary()
    with pytest.raises(FrameError):
        evaluation.add(7, ground_truths[0], 0 * ground_truths[0])
    with pytest.raises(FrameError):
        evaluation.add(7, np.nan * ground_truths[0], ground_truths[0])
    assert evaluation.summary() == before


def test_an_evaluation_without_frames_is_an_error():
    for ask in (Evaluation(road(0)).summary, Evaluation(road(0)).extremes):
        with pytest.raises(FrameError, match="no image was evaluated"):
            ask()


def test_trivial_predictors_need_positive_depth():
    with pytest.raises(ConfigError, match="starts at 0 m"):
        Evaluation(np.zeros((4, 4)))
    with pytest.raises(ConfigError, match="constant is -1 m"):
        Evaluation(road(0), constant=-1)
    with pytest.raises(ConfigError, match="'median_of_means'"):
        Evaluation(road(0), alignment="median_of_means")


def test_mean_map_averages_known_depth():
    nan = np.nan
    first = np.array([[0, 0, 0], [2.0, 0, 90], [4.0, nan, 6]])
    second = np.array([[0, 0, 0], [4.0, 0, 0], [0, nan, 10]])
    expected = [
        [3, 3, 3],
        [3, 3, 3],
        [4, 20 / 3, 8],
    ]  # unseen: the row's mean, then the nearest row
    np.testing.assert_allclose(mean_depth_map([first, second]), expected, rtol=1e-6)
    with pytest.raises(FrameError, match="no training image"):
        mean_depth_map([0 * second])


def test_mean_map_accepts_images_of_several_sizes():
    np.testing.assert_array_equal(
        mean_depth_map([np.full((4, 6), 2.0), np.full((8, 12), 4.0)]), np.full((4, 6), 3.0)
    )


def test_summary_has_the_scores_of_a_baseline():
    ground_truth = road(0)
    evaluation = Evaluation(mean_depth_map([ground_truth]))
    evaluation.add(
        0, ground_truth / 7, ground_truth, baseline=ground_truth * (1 + 0.2 * np.sin(np.arange(96)))
    )
    summary = evaluation.summary()
    assert tuple(summary) == ("model", "baseline", "trivial_constant", "trivial_mean_map")
    assert summary["model"]["abs_rel"] < 1e-3 < 0.05 < summary["baseline"]["abs_rel"]


def test_errors_in_the_margin_and_inside_are_separate():
    ground_truth = np.full((50, 100), 10.0, np.float32)
    stripes = ground_truth.copy()
    stripes[:, :10] *= 1.3
    evaluation = Evaluation(mean_depth_map([ground_truth], "plain"), "plain")
    evaluation.add(0, stripes, ground_truth)
    model = evaluation.summary()["model"]
    margin_pixels = 50 * 100 - 40 * 80
    assert model["abs_rel_within"] == pytest.approx(0, abs=1e-6)
    assert model["abs_rel_margin"] == pytest.approx(0.3 * 500 / margin_pixels, rel=1e-4)
    within = np.zeros_like(ground_truth)
    within[20:30, 40:60] = 10
    evaluation = Evaluation(mean_depth_map([ground_truth], "plain"), "plain")
    evaluation.add(0, stripes, within)
    assert evaluation.summary()["model"]["abs_rel_margin"] is None, "no ground truth there"
