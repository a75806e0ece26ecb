# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.runtime.scale_gravity import STANDARD, Gravity

STEP = 10_000_000  # [ns]: 100 Hz


@given(st.floats(-1.5, 1.5), st.floats(-3, 3))
def test_an_imu_at_rest_knows_up_at_once(pitch, roll):
    up = np.array([np.sin(pitch), np.cos(pitch) * np.sin(roll), np.cos(pitch) * np.cos(roll)])
    gravity = Gravity()
    assert gravity.up is None
    gravity.add(5, STANDARD * up)
    np.testing.assert_allclose(gravity.up, up, atol=1e-12)


def test_shaking_averages_out():
    gravity, rng = Gravity(), np.random.default_rng(0)
    for index in range(300):
        gravity.add(index * STEP, rng.normal((0, 0, STANDARD), 1.0))
    assert np.degrees(np.arccos(gravity.up[2])) < 2


def test_a_robot_that_tilts_is_followed():
    gravity = Gravity()
    for index in range(300):
        gravity.add(index * STEP, [0, 0, STANDARD] if index < 100 else [0, STANDARD, 0])
    assert gravity.up[1] > 0.999


@pytest.mark.parametrize(
    "sample", [(0, 0, 0), (0, 0, 1), (0, 30, 0), (np.nan, 0, 9), (0, 0, np.inf)]
)
def test_what_is_not_gravity_is_left_out(sample):
    gravity = Gravity()
    gravity.add(0, sample)
    assert gravity.up is None
    gravity.add(STEP, [0, 0, STANDARD])
    gravity.add(2 * STEP, sample)
    np.testing.assert_allclose(gravity.up, [0, 0, 1])


def test_time_that_begins_anew_begins_the_average_anew():
    gravity = Gravity()
    gravity.add(10**12, [0, STANDARD, 0])
    gravity.add(0, [0, 0, STANDARD])
    np.testing.assert_allclose(gravity.up, [0, 0, 1])
