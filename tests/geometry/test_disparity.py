# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.geometry.disparity import depth_from_disparity, disparity_from_depth


@pytest.mark.parametrize(("disparity", "depth"), [(0, 100), (0.09 / 9.99, 10), (1, 0.1)])
def test_disparity_increases_from_far_to_near(disparity, depth):
    found = depth_from_disparity(torch.tensor(disparity, dtype=torch.float64))
    assert found.item() == pytest.approx(depth)


@given(st.floats(0.1, 100))
def test_conversions_are_inverse_to_each_other(depth):
    disparity = torch.tensor(disparity_from_depth(depth), dtype=torch.float64)
    assert depth_from_disparity(disparity).item() == pytest.approx(depth)
