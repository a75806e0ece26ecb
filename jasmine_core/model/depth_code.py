# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth code: mapping of depth to [0,1] for the decoder and the Scale-Shift GRU.

    depth       D / D_max                                    (the paper, up to scale and shift)
    log_depth   log(D / near) / log(far / near)
    disparity   1 - (1/D - 1/far) / (1/near - 1/far)

All three grow with depth. The last two have a fixed range, so that a code means one depth. An
autoencoder carries log depth with the same relative error near and far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from jasmine_core.errors import ConfigError

SPACES = ("depth", "log_depth", "disparity")
NEAREST, FARTHEST = 0.02, 3.0  # model units: 0.6 m and 90 m where one unit is 30 m


@dataclass(frozen=True)
class DepthCode:
    """Mapping of depth in model units to codes in [0,1], and back."""

    space: str = "depth"
    near: float = NEAREST
    far: float = FARTHEST

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ConfigError(
                f"ssi_space {self.space!r} is not supported by this version; it supports "
                f"{', '.join(SPACES)}; update the software, or use another checkpoint"
            )
        if not 0 < self.near < self.far < math.inf:
            raise ConfigError(
                f"depth from {self.near} to {self.far} units is no range; nearest must be above 0 "
                "and below farthest"
            )

    @property
    def absolute(self) -> bool:
        """Return whether a code stands for one depth, without an unknown scale and shift."""
        return self.space != "depth"

    def encode(self, depth: Tensor) -> Tensor:
        """Return the codes in [0,1] of depths in model units, of any shape."""
        if self.space == "depth":
            return (depth / self.far).clamp(0, 1)
        depth = depth.clamp(self.near, self.far)
        if self.space == "log_depth":
            return (depth / self.near).log() / math.log(self.far / self.near)
        return 1 - (1 / depth - 1 / self.far) / (1 / self.near - 1 / self.far)

    def decode(self, code: Tensor) -> Tensor:
        """Return the depths in model units of codes; `encode` inverted where a code is in [0,1]."""
        if self.space == "depth":
            return code * self.far
        if self.space == "log_depth":
            return self.near * torch.exp(code * math.log(self.far / self.near))
        below = (1 - code).clamp(min=0)  # beyond the far end there is no depth
        return 1 / (1 / self.far + below * (1 / self.near - 1 / self.far))
