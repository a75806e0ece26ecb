# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scale: fixed, or filtered from measurements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.runtime.scale import FRESH, LEAST_CONFIDENCE, Scale, ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_measure import Measurement

factors = st.floats(1e-3, 1e3)
UNKNOWN = fixed_scale(None, None)
STEP = 100_000_000  # [ns] between images
TAU = 2.0  # [s]


@given(factors, st.none() | factors)
def test_parameter_has_priority(parameter, checkpoint):
    scale = fixed_scale(parameter, checkpoint)
    assert scale == Scale(parameter, "parameter") and scale.state == "metric"


@given(factors)
def test_checkpoint_is_used_without_a_parameter(checkpoint):
    scale = fixed_scale(None, checkpoint)
    assert scale == Scale(checkpoint, "checkpoint") and scale.state == "metric"


def test_unknown_scale_is_reported_as_up_to_scale():
    assert Scale(1.0, "unknown", confidence=0.0) == UNKNOWN and UNKNOWN.state == "up-to-scale"


@given(factors, factors)
def test_learned_scale_is_estimated_until_a_parameter_sets_it(checkpoint, spread):
    scale = fixed_scale(None, checkpoint, spread)
    assert (scale.state, scale.metres_per_unit, scale.spread) == ("estimated", checkpoint, spread)
    assert fixed_scale(2.0, checkpoint, spread) == Scale(2.0, "parameter")


def test_measurement_replaces_a_learned_scale():
    filter_ = ScaleFilter("camera_height")
    learned = fixed_scale(None, 30.0, 0.2)
    assert filter_.at(0, learned) == learned
    filter_.add(0, Measurement(25.0, 0.9, 100), TAU)
    scale = filter_.at(0, learned)
    assert (scale.state, scale.metres_per_unit) == ("metric", pytest.approx(25.0))


def test_given_scale_of_one_is_metric():
    assert fixed_scale(1.0, None).state == "metric"


# ---------------------------------------------------------------------- ScaleFilter


def filtered(factors, first=0, confidence=0.8, scale=None):
    """Add a measurement or None per image to a filter; return it and the scale of each image."""
    scale, scales = scale or ScaleFilter("sparse_depth"), []
    for index, factor in enumerate(factors, first):
        measured = None if factor is None else Measurement(factor, confidence, 100)
        scale.add(index * STEP, measured, TAU)
        scales.append(scale.at(index * STEP, UNKNOWN))
    return scale, scales


def values(scales):
    return np.array([each.metres_per_unit for each in scales])


@given(factors)
def test_first_measurement_is_used_at_once(factor):
    _, (before, after) = filtered([None, factor])
    assert before == UNKNOWN
    assert after.metres_per_unit == pytest.approx(factor) and after.state == "metric"
    assert after.source == "sparse_depth" and after.confidence == pytest.approx(0.8)


@given(factors, st.integers(0, 99))
def test_noise_is_smoothed(factor, seed):
    noise = np.exp(np.random.default_rng(seed).normal(0, 0.1, 100))
    scales = values(filtered(factor * noise)[1])
    steps = np.abs(np.diff(np.log(scales)))[20:]
    assert steps.max() < 0.02, "from one image to the next"
    assert scales[-1] == pytest.approx(factor, rel=0.08)


@given(factor=factors, wrong=factors, count=st.integers(1, 2))
def test_two_wrong_measurements_in_a_row_have_no_effect(factor, wrong, count):
    scales = values(filtered([factor] * 10 + [wrong] * count + [factor] * 10)[1])
    np.testing.assert_allclose(scales, factor)


@given(st.floats(0.2, 5.0))
def test_filter_follows_a_change_of_scale(change):
    scales = values(filtered([1.0] * 100 + [change] * 100)[1])
    assert scales[99] == pytest.approx(1)
    assert scales[102 + round(TAU * 1e9 / STEP)] == pytest.approx(
        change ** (1 - np.exp(-1)), rel=0.1
    )
    assert scales[-1] == pytest.approx(change, rel=0.03)


@given(factors, st.floats(0.01, 100.0))
def test_filter_is_independent_of_the_unit(factor, unit):
    noise = factor * np.exp(np.random.default_rng(0).normal(0, 0.2, 30))
    np.testing.assert_allclose(
        values(filtered(unit * noise)[1]), unit * values(filtered(noise)[1]), rtol=1e-9
    )


def test_last_scale_is_held_with_the_state_holding():
    scale, scales = filtered([2.0] * 10 + [None] * 40)
    np.testing.assert_allclose(values(scales), 2.0)
    fresh = round(FRESH * 1e9 / STEP)
    states = [each.state for each in scales]
    assert states == ["metric"] * (10 + fresh) + ["holding"] * (40 - fresh)
    assert scales[-1].age == pytest.approx(4.0)
    confidence = [each.confidence for each in scales]
    assert (
        confidence[-1] < 0.2 * confidence[9]
        and sorted(confidence[9:], reverse=True) == (confidence[9:])
    )
    _, scales = filtered([2.0], first=50, scale=scale)
    assert scales[-1].state == "metric" and scales[-1].age == 0


def test_measurements_of_low_confidence_are_ignored():
    _, scales = filtered([3.0] * 20, confidence=0.9 * LEAST_CONFIDENCE)
    assert set(scales) == {UNKNOWN}
    scale, _ = filtered([2.0] * 10)
    _, scales = filtered([9.0] * 20, first=10, confidence=0.9 * LEAST_CONFIDENCE, scale=scale)
    assert scales[-1].metres_per_unit == pytest.approx(2.0) and scales[-1].state == "holding"


def test_old_measurements_are_discarded_after_a_long_pause():
    scale, _ = filtered([2.0] * 20)
    _, scales = filtered([5.0], first=1000, scale=scale)
    assert scales[0].metres_per_unit == pytest.approx(5.0)


def test_scale_is_kept_when_a_bag_starts_again():
    scale, _ = filtered([2.0] * 50)
    _, scales = filtered([None] * 3 + [2.0] * 3, first=0, scale=scale)
    np.testing.assert_allclose(values(scales), 2.0)
    assert [each.state for each in scales] == ["metric"] * 6
    assert scales[2].age == pytest.approx(0.2)


@given(st.lists(st.none() | factors, max_size=30), st.data())
def test_any_measurements_give_a_finite_positive_scale(given_factors, data):
    scale = ScaleFilter("camera_height")
    stamps = data.draw(st.lists(st.integers(0, 2**62), min_size=30, max_size=30))
    for stamp, factor in zip(stamps, given_factors, strict=False):
        measured = None if factor is None else Measurement(factor, 0.5, 10)
        scale.add(stamp, measured, data.draw(st.sampled_from([0.0, 0.1, 60.0])))
        now = scale.at(stamp, UNKNOWN)
        assert 1e-3 * 0.999 <= now.metres_per_unit <= 1e3 * 1.001
        assert 0 <= now.confidence <= 1 and now.age >= 0
