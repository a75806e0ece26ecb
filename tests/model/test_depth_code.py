# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth codes are invertible, and every kind grows with depth."""

from __future__ import annotations

import math

import pytest
import torch

from jasmine_core.model.depth_code import DepthCode

SPACES = ("depth", "log_depth", "disparity")


@pytest.mark.parametrize("space", SPACES)
def test_decoding_is_the_inverse_of_encoding(space):
    depth = torch.linspace(0.02, 3.0, 200, dtype=torch.float64)
    code = DepthCode(space)
    assert torch.allclose(code.decode(code.encode(depth)), depth, rtol=1e-10)


@pytest.mark.parametrize("space", SPACES)
def test_codes_increase_with_depth_within_their_range(space):
    code = DepthCode(space).encode(torch.linspace(0.001, 5.0, 500, dtype=torch.float64))
    assert (code.diff() >= 0).all()
    assert code.min() >= 0 and code.max() == 1


def test_error_of_log_depth_is_relative():
    code = DepthCode("log_depth", 0.02, 3.0)
    for depth in (0.1, 2.0):
        step = code.encode(torch.tensor(1.1 * depth)) - code.encode(torch.tensor(depth))
        assert step == pytest.approx(math.log(1.1) / math.log(150), rel=1e-4)


def test_only_the_code_of_the_paper_has_unknown_scale_and_shift():
    assert [DepthCode(space).absolute for space in SPACES] == [False, True, True]
