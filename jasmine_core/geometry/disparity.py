# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion between depth and the disparity predicted by networks of the monodepth2 family."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

NEAREST, FARTHEST = 0.1, 100.0  # [model units] depths at disparity 1 and 0


def depth_from_disparity(disparity: Tensor) -> Tensor:
    """Return the depth, 0.1 to 100 model units, of a disparity in [0,1] of any shape.

    D = 1 / (0.01 + 9.99 d)
    """
    return (1 / FARTHEST + (1 / NEAREST - 1 / FARTHEST) * disparity).reciprocal()


Depth = TypeVar("Depth", float, Tensor)


def disparity_from_depth(depth: Depth) -> Depth:
    """Return the disparity of depth [model units], a number or a tensor of any shape."""
    return (1 / depth - 1 / FARTHEST) / (1 / NEAREST - 1 / FARTHEST)
