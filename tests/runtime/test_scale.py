# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The scale in force: fixed, or filtered from measurements."""

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
def test_the_users_word_comes_first(parameter, checkpoint):
    scale = fixed_scale(parameter, checkpoint)
    assert scale == Scale(parameter, "parameter") and scale.state == "metric"


@given(factors)
def test_the_checkpoint_comes_second(checkpoint):
    scale = fixed_scale(None, checkpoint)
    assert scale == Scale(checkpoint, "checkpoint") and scale.state == "metric"


def test_an_unknown_scale_does_not_pretend():
    assert Scale(1.0, "unknown", confidence=0.0) == UNKNOWN and UNKNOWN.state == "up-to-scale"


def test_a_scale_of_one_that_somebody_gave_is_metric():
    assert fixed_scale(1.0, None).state == "metric"


# ---------------------------------------------------------------------- filtered


def filtered(factors, first=0, confidence=0.8, scale=None):
    """Feed a filter one measurement per image, None for none; return it and what it said."""
    scale, said = scale or ScaleFilter("sparse_depth"), []
    for index, factor in enumerate(factors, first):
        measured = None if factor is None else Measurement(factor, confidence, 100)
        scale.add(index * STEP, measured, TAU)
        said.append(scale.at(index * STEP, UNKNOWN))
    return scale, said


def values(said):
    return np.array([each.metres_per_unit for each in said])


@given(factors)
def test_the_first_measurement_counts_at_once(factor):
    _, (before, after) = filtered([None, factor])
    assert before == UNKNOWN
    assert after.metres_per_unit == pytest.approx(factor) and after.state == "metric"
    assert after.source == "sparse_depth" and after.confidence == pytest.approx(0.8)


@given(factors, st.integers(0, 99))
def test_flicker_is_calmed(factor, seed):
    noise = np.exp(np.random.default_rng(seed).normal(0, 0.1, 100))
    said = values(filtered(factor * noise)[1])
    calm = np.abs(np.diff(np.log(said)))[20:]
    assert calm.max() < 0.02, "from one image to the next"
    assert said[-1] == pytest.approx(factor, rel=0.08)


@given(factor=factors, wrong=factors, count=st.integers(1, 2))
def test_two_wrong_measurements_in_a_row_leave_no_trace(factor, wrong, count):
    said = values(filtered([factor] * 10 + [wrong] * count + [factor] * 10)[1])
    np.testing.assert_allclose(said, factor)


@given(st.floats(0.2, 5.0))
def test_a_scale_that_changes_is_followed(change):
    said = values(filtered([1.0] * 100 + [change] * 100)[1])
    assert said[99] == pytest.approx(1)
    assert said[102 + round(TAU * 1e9 / STEP)] == pytest.approx(change ** (1 - np.exp(-1)), rel=0.1)
    assert said[-1] == pytest.approx(change, rel=0.03)


@given(factors, st.floats(0.01, 100.0))
def test_the_filter_knows_no_unit(factor, unit):
    noise = factor * np.exp(np.random.default_rng(0).normal(0, 0.2, 30))
    np.testing.assert_allclose(
        values(filtered(unit * noise)[1]), unit * values(filtered(noise)[1]), rtol=1e-9
    )


def test_the_last_scale_is_held_and_said_to_be():
    scale, said = filtered([2.0] * 10 + [None] * 40)
    np.testing.assert_allclose(values(said), 2.0)
    fresh = round(FRESH * 1e9 / STEP)
    states = [each.state for each in said]
    assert states == ["metric"] * (10 + fresh) + ["holding"] * (40 - fresh)
    assert said[-1].age == pytest.approx(4.0)
    confidence = [each.confidence for each in said]
    assert (
        confidence[-1] < 0.2 * confidence[9]
        and sorted(confidence[9:], reverse=True) == (confidence[9:])
    )
    _, said = filtered([2.0], first=50, scale=scale)
    assert said[-1].state == "metric" and said[-1].age == 0


def test_what_is_not_believed_counts_as_nothing():
    _, said = filtered([3.0] * 20, confidence=0.9 * LEAST_CONFIDENCE)
    assert set(said) == {UNKNOWN}
    scale, _ = filtered([2.0] * 10)
    _, said = filtered([9.0] * 20, first=10, confidence=0.9 * LEAST_CONFIDENCE, scale=scale)
    assert said[-1].metres_per_unit == pytest.approx(2.0) and said[-1].state == "holding"


def test_after_a_long_pause_the_old_scale_does_not_outvote_the_new_one():
    scale, _ = filtered([2.0] * 20)
    _, said = filtered([5.0], first=1000, scale=scale)
    assert said[0].metres_per_unit == pytest.approx(5.0)


def test_a_bag_that_begins_anew_keeps_its_scale():
    scale, _ = filtered([2.0] * 50)
    _, said = filtered([None] * 3 + [2.0] * 3, first=0, scale=scale)
    np.testing.assert_allclose(values(said), 2.0)
    assert [each.state for each in said] == ["metric"] * 6
    assert said[2].age == pytest.approx(0.2)


@given(st.lists(st.none() | factors, max_size=30), st.data())
def test_whatever_comes_in_a_scale_comes_out(given_factors, data):
    scale = ScaleFilter("camera_height")
    stamps = data.draw(st.lists(st.integers(0, 2**62), min_size=30, max_size=30))
    for stamp, factor in zip(stamps, given_factors, strict=False):
        measured = None if factor is None else Measurement(factor, 0.5, 10)
        scale.add(stamp, measured, data.draw(st.sampled_from([0.0, 0.1, 60.0])))
        now = scale.at(stamp, UNKNOWN)
        assert 1e-3 * 0.999 <= now.metres_per_unit <= 1e3 * 1.001
        assert 0 <= now.confidence <= 1 and now.age >= 0
