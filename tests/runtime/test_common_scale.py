# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Factor that keeps the scale of consecutive images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.runtime.common_scale import MEMORY, UNSCALED, next_scale

RATES = st.sampled_from([1.0, 5.0, 10.0, 30.0])  # [Hz]


def factors(changes, rate, moved=True):
    """Return the logarithm of each factor for depth whose own logarithm has these changes."""
    scale, found = UNSCALED, []
    for change in changes:
        # The published depth differs from that of the network by the factor of the last image.
        scale = next_scale(scale, scale.log_factor - change, 1 / rate, moved)
        found.append(scale.log_factor)
    return np.array(found)


@given(RATES, st.booleans())
def test_depth_that_does_not_change_is_not_changed(rate, moved):
    assert not factors(np.zeros(50), rate, moved).any()


@given(st.floats(-1, 1), RATES, st.booleans())
def test_a_step_is_removed_at_first_and_then_arrives(step, rate, moved):
    count = round(8 * rate)
    found = factors([step] + [0.0] * count, rate, moved)
    assert found[0] == pytest.approx(-step * np.exp(-1 / rate / MEMORY), abs=0.04)
    assert abs(found[-1]) < 0.03 * abs(step) + 0.01
    assert np.all(found * np.sign(step) < 0.05), "it does not swing to the other side"


@given(st.floats(-0.15, 0.15), RATES)
def test_a_lasting_change_does_not_add_up(per_second, rate):
    found = factors(np.full(round(15 * rate), per_second / rate), rate)
    assert np.abs(found).max() < abs(per_second) * MEMORY + 1e-9
    assert abs(found[-1]) < 0.05 * abs(per_second) + 1e-9


def test_without_a_motion_no_lasting_change_is_learned():
    """The depth of a wall that comes closer is late by the memory, and right after a stop."""
    found = factors([-0.02] * 50 + [0.0] * 50, 10, moved=False)
    assert found[49] == pytest.approx(0.2 * MEMORY, rel=0.1)
    assert np.all(found > -1e-9) and found[-1] < 0.01
