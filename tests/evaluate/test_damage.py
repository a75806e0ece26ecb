# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a failing camera."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.evaluate.damage import FAULTS, damaged


@pytest.fixture(scope="module")
def image():
    """Return a chequered image with all levels of grey but the extreme ones."""
    rows, columns = np.mgrid[:64, :96]
    squares = 60 + 100 * ((rows // 8 + columns // 8) % 2) + columns // 4
    return np.repeat(squares[..., None], 3, axis=-1).astype(np.uint8)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_image_keeps_its_form(image, fault):
    before = image.copy()
    for seed in range(20):
        result = damaged(image, fault, np.random.default_rng(seed))
        assert result.dtype == np.uint8 and result.shape == image.shape
        assert np.abs(result.astype(float) - image).mean() > 10
        assert np.array_equal(image, before)


def test_each_fault_does_what_its_name_says(image):
    def change(fault, figure):
        results = [damaged(image, fault, np.random.default_rng(seed)) for seed in range(20)]
        return np.median([figure(x.astype(float)) for x in results]) / figure(image.astype(float))

    def steps(x):
        return np.abs(np.diff(x[..., 0], axis=1)).mean()

    assert change("noise", steps) > 1.5 and change("defocus", steps) < 0.5
    assert change("dark", np.mean) < 0.25 and change("bright", np.mean) > 1.5


@given(st.integers(0, 2**32 - 1), st.sampled_from(FAULTS))
def test_the_same_seed_gives_the_same_image(seed, fault):
    image = np.full((8, 8, 3), 120, np.uint8)
    one, two = (damaged(image, fault, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(one, two)


def test_an_unknown_fault_is_refused(image):
    with pytest.raises(ValueError, match="'fog' is unknown; the faults are noise, dark"):
        damaged(image, "fog", np.random.default_rng(0))
