# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The disparity that networks of the monodepth family predict, and the depth that it stands for."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

NEAREST, FARTHEST = 0.1, 100.0  # model units, reached at disparity 1 and 0


def depth_from_disparity(disparity: Tensor) -> Tensor:
    """Return depth in 0.1..100 model units of a sigmoid disparity in 0..1, any shape.

    D = 1 / (0.01 + 9.99 d)
    """
    return (1 / FARTHEST + (1 / NEAREST - 1 / FARTHEST) * disparity).reciprocal()


Depth = TypeVar("Depth", float, Tensor)


def disparity_from_depth(depth: Depth) -> Depth:
    """Return the disparity of depth [units]: one number, or a tensor of any shape."""
    return (1 / depth - 1 / FARTHEST) / (1 / NEAREST - 1 / FARTHEST)
