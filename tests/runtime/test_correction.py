# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Correction of the depth of single pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.runtime.correction import FARTHER, Correction, correction_of
from jasmine_core.runtime.scale_sweep import PixelScales

SHAPE = (48, 80)
LEFT = np.broadcast_to(np.arange(SHAPE[1]) < SHAPE[1] / 2, SHAPE)
EXACT = np.full(SHAPE, 10, np.float32)  # [px] parallax


def of(log_scale, parallax=EXACT, around=0.0):
    return correction_of(PixelScales(log_scale.astype(np.float32), parallax), around)


@given(st.floats(-0.4, 0.15), st.floats(-0.4, 0.15), st.floats(-5, 5))
def test_each_part_gets_its_own_factor(left, right, around):
    found = of(np.where(LEFT, left, right) + around, around=around).log_factor()
    assert found[:, :24] == pytest.approx(left, abs=0.1 * abs(left) + 0.01)
    assert found[:, -24:] == pytest.approx(right, abs=0.1 * abs(right) + 0.01)


@given(st.floats(0.15, 0.5))
def test_no_pixel_becomes_much_farther(change):
    """As of an object that moves in the direction of the camera."""
    found = of(np.where(LEFT, change, 0)).log_factor()
    assert found.max() <= FARTHER and found[:, :24] == pytest.approx(FARTHER, abs=0.02)


def test_without_known_pixels_nothing_is_corrected():
    found = of(np.full(SHAPE, np.nan))
    assert not found.log_factor().any() and not found.weight.any()
    assert not Correction.none((80, 48)).log_factor().any()


def test_pixels_without_a_scale_take_that_of_their_neighbours_only():
    scales = np.where(LEFT, 0.12, np.nan)
    found = of(scales).log_factor()
    assert found[:, :36].min() > 0.09 and np.abs(found[:, -16:]).max() < 0.01
    rng = np.random.default_rng(0)
    sparse = np.where(rng.random(SHAPE) < 0.3, 0.12, np.nan)
    assert of(sparse).log_factor().min() > 0.06


def test_a_pixel_that_differs_from_its_neighbours_does_not_count():
    scales = np.full(SHAPE, 0.1)
    scales[::7, ::7] = -0.45
    assert of(scales).log_factor() == pytest.approx(0.1, abs=0.02)


def test_pixels_with_little_parallax_count_less():
    near = of(np.full(SHAPE, 0.2), np.full(SHAPE, 8, np.float32))
    far = of(np.full(SHAPE, 0.2), np.full(SHAPE, 1.6, np.float32))
    assert np.all(far.weight < 0.1 * near.weight)
    assert np.all(far.log_factor() < 0.5 * near.log_factor())


def test_measurements_are_averaged_and_older_ones_count_less():
    once, other = of(np.full(SHAPE, 0.12)), of(np.full(SHAPE, -0.1))
    both = once.times(np.full(SHAPE, 0.5, np.float32)).plus(other)
    expected = (-0.1 + 0.5 * 0.12) / (1 + 0.5 + 0.1)
    assert both.log_factor() == pytest.approx(expected, abs=1e-3)
    forgotten = once.times(np.zeros(SHAPE, np.float32))
    assert forgotten.plus(both).log_factor() == pytest.approx(both.log_factor())
    assert both.plus(None) is both


def test_the_sums_may_be_those_of_an_image_of_another_size():
    found = of(np.where(LEFT, 0.12, -0.2)).resized((200, 100))
    assert found.total.shape == found.weight.shape == (100, 200)
    assert found.log_factor()[:, :60] == pytest.approx(0.12, abs=0.03)
    assert found.log_factor()[:, -60:] == pytest.approx(-0.2, abs=0.03)
