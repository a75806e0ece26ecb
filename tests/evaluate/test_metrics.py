# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth metrics: properties for any input, then values computed by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jasmine_core.evaluate.metrics import (
    EDGE_REACH,
    DepthMetrics,
    align_least_squares,
    align_median,
    depth_metrics,
    edge_sharpness,
    mean_metrics,
    scale_drift,
)

PERFECT = DepthMetrics(0, 0, 0, 0, 1, 1, 1)
depths = arrays(np.float64, st.integers(2, 60), elements=st.floats(0.5, 80))
pairs = st.integers(2, 60).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, n, elements=st.floats(0.5, 80))] * 2)
)


@given(depths)
def test_perfect_prediction_has_perfect_scores(ground_truth):
    assert depth_metrics(ground_truth, ground_truth) == PERFECT


@given(pairs, st.randoms(use_true_random=False))
def test_order_of_pixels_does_not_matter(pair, random):
    p, t = pair
    order = list(range(len(p)))
    random.shuffle(order)
    assert depth_metrics(p[order], t[order]) == pytest.approx(depth_metrics(p, t))


@given(pairs)
def test_metrics_keep_their_ranges_and_symmetries(pair):
    forward, backward = depth_metrics(*pair), depth_metrics(*pair[::-1])
    assert min(forward) >= 0
    assert forward.a1 <= forward.a2 <= forward.a3 <= 1
    assert forward.rmse_log == pytest.approx(backward.rmse_log)
    assert forward[4:] == backward[4:]


def test_metrics_equal_values_computed_by_hand():
    result = depth_metrics(np.array([1.0, 6.0, 8.0]), np.array([2.0, 4.0, 8.0]))
    log = np.sqrt((np.log(2) ** 2 + np.log(1.5) ** 2) / 3)
    assert result == pytest.approx((1 / 3, 0.5, np.sqrt(5 / 3), log, 1 / 3, 2 / 3, 2 / 3))


def test_accuracy_excludes_its_bound():
    assert depth_metrics(np.array([1.25]), np.array([1.0]))[4:] == (0, 1, 1)


def test_mean_counts_images_not_pixels():
    one, two = DepthMetrics(*range(7)), DepthMetrics(*range(2, 9))
    assert mean_metrics([one, two]) == DepthMetrics(*range(1, 8))


@given(depths, st.floats(0.01, 100))
def test_median_alignment_recovers_a_scale(ground_truth, scale):
    assert align_median(ground_truth / scale, ground_truth) == pytest.approx(scale)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-5, 5))
def test_least_squares_recovers_scale_and_shift(seed, s, t):
    p = np.random.default_rng(seed).uniform(1, 3, 50)
    assert align_least_squares(p, s * p + t) == pytest.approx((s, t), abs=1e-6)


@given(pairs, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_least_squares_is_a_minimum(pair, ds, dt):
    p, ground_truth = pair
    s, t = align_least_squares(p, ground_truth)
    best = np.sum((s * p + t - ground_truth) ** 2)
    assert best <= np.sum(((s + ds) * p + t + dt - ground_truth) ** 2) + 1e-6


def test_least_squares_of_a_constant_is_the_mean():
    ground_truth = np.array([1.0, 2.0, 6.0])
    s, t = align_least_squares(np.full(3, 7.0), ground_truth)
    assert 7 * s + t == pytest.approx(3)


def seconds(*values):
    return [int(value * 1e9) for value in values]


def test_constant_scale_does_not_drift():
    assert scale_drift([3.0] * 5, seconds(0, 1, 2, 3, 4)) == pytest.approx((3, 0, 0, 0))
    assert scale_drift([3.0], seconds(5)) == (3, 0, 0, 0)


def test_trend_is_the_slope_of_a_growing_scale():
    drift = scale_drift([2.0, 2.1, 2.2, 2.3, 2.4], seconds(10, 11, 12, 13, 14))
    assert drift.median == pytest.approx(2.2)
    assert drift.trend == pytest.approx(0.1 / 2.2)
    assert drift.max_change == pytest.approx(0.2)
    assert drift.spread == pytest.approx(np.std([2.0, 2.1, 2.2, 2.3, 2.4]) / 2.2)


@given(st.lists(st.floats(0.5, 50), min_size=1, max_size=20), st.floats(0.1, 10))
def test_drift_does_not_depend_on_unit_and_order(ratios, unit):
    stamps = seconds(*np.arange(len(ratios)) * 0.4)
    drift = scale_drift(ratios, stamps)
    scaled = scale_drift([unit * ratio for ratio in ratios[::-1]], stamps[::-1])
    assert scaled[1:] == pytest.approx(drift[1:], abs=1e-9)
    assert scaled.median == pytest.approx(unit * drift.median)


def test_one_bad_frame_changes_spread_but_not_max_change():
    ratios = [2.0] * 30
    ratios[14] = 9.0
    drift = scale_drift(ratios, seconds(*np.arange(30) / 10))
    assert drift.max_change == 0
    assert drift.spread > 0.5


def box(height=40, width=60):
    """Return a near box 4 m away before a wall at 10 m, [H,W]."""
    depth = np.full((height, width), 10.0)
    depth[12:28, 20:40] = 4.0
    return depth


def smear(depth, length):
    """Average over `length` pixels along both axes, edges repeated."""
    kernel = np.ones(length) / length
    for axis in (0, 1):
        margin = [(length // 2, length // 2) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(depth, margin, mode="edge")
        depth = np.apply_along_axis(np.convolve, axis, padded, kernel, mode="valid")
    return depth


def test_ground_truth_is_as_sharp_as_itself():
    assert edge_sharpness(box(), box()) == (1, 1, 1)


@settings(max_examples=20)
@given(st.floats(0.05, 20), st.booleans(), st.booleans())
def test_sharpness_ignores_scale_and_orientation(scale, flip, transpose):
    def turn(depth):
        depth = depth[:, ::-1] if flip else depth
        return depth.T if transpose else depth

    blurred = smear(box(), 5)
    result = edge_sharpness(turn(scale * blurred), turn(box()))
    assert result == pytest.approx(edge_sharpness(blurred, box()))


def test_blur_widens_edges():
    widths = [edge_sharpness(smear(box(), length), box()).width for length in (1, 5, 9, 13)]
    assert widths == sorted(set(widths))
    assert edge_sharpness(smear(box(), 13), box()).recall < 0.1


def test_flat_prediction_has_no_edges():
    assert edge_sharpness(np.full((40, 60), 5.0), box()) == (2 * EDGE_REACH + 1, 0, 0)


def test_false_edges_reduce_precision_only():
    invented = box()
    invented[:, 50:] = 5.0  # 40 px of edge beside the box's 2 (16 + 20)
    result = edge_sharpness(invented, box())
    assert result[:2] == (1, 1)
    assert result.precision == pytest.approx(72 / 112)


@pytest.mark.parametrize(("shift", "found"), [(1, 1), (2, 0), (4, 0)])
def test_displacement_within_tolerance_is_found(shift, found):
    step = np.full((10, 40), 10.0)
    step[:, :20] = 4.0
    moved = np.full((10, 40), 10.0)
    moved[:, : 20 + shift] = 4.0
    assert edge_sharpness(moved, step) == (2 * shift + 1, found, found)


def test_only_known_ground_truth_has_edges():
    assert edge_sharpness(box(), np.full((40, 60), 3.0)) is None
    ring = box()
    ring[box() == 4.0] = np.nan  # the box was not measured, so its outline is unknown
    assert edge_sharpness(box(), ring) is None


def test_thin_pole_of_the_ground_truth_itself_is_found():
    pole = np.full((10, 30), 20.0)
    pole[:, 15] = 5.0
    assert edge_sharpness(pole, pole) == (1, 1, 1)
