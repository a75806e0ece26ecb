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
def test_up_of_an_imu_at_rest_is_known_after_one_sample(pitch, roll):
    up = np.array([np.sin(pitch), np.cos(pitch) * np.sin(roll), np.cos(pitch) * np.cos(roll)])
    gravity = Gravity()
    assert gravity.up is None
    gravity.add(5, STANDARD * up)
    np.testing.assert_allclose(gravity.up, up, atol=1e-12)


def test_vibration_is_averaged():
    gravity, rng = Gravity(), np.random.default_rng(0)
    for index in range(300):
        gravity.add(index * STEP, rng.normal((0, 0, STANDARD), 1.0))
    assert np.degrees(np.arccos(gravity.up[2])) < 2


def test_up_follows_a_tilting_robot():
    gravity = Gravity()
    for index in range(300):
        gravity.add(index * STEP, [0, 0, STANDARD] if index < 100 else [0, STANDARD, 0])
    assert gravity.up[1] > 0.999


@pytest.mark.parametrize(
    "sample", [(0, 0, 0), (0, 0, 1), (0, 30, 0), (np.nan, 0, 9), (0, 0, np.inf)]
)
def test_implausible_accelerations_are_ignored(sample):
    gravity = Gravity()
    gravity.add(0, sample)
    assert gravity.up is None
    gravity.add(STEP, [0, 0, STANDARD])
    gravity.add(2 * STEP, sample)
    np.testing.assert_allclose(gravity.up, [0, 0, 1])


def test_average_starts_again_when_timestamps_jump_back():
    gravity = Gravity()
    gravity.add(10**12, [0, STANDARD, 0])
    gravity.add(0, [0, 0, STANDARD])
    np.testing.assert_allclose(gravity.up, [0, 0, 1])
