# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convex upsampling as convolutions of maps [B,C,h,w], without tensors of five axes.

    up_s = sum_n w_ns x_n / sum_n w_ns        for the neighbours n and the pixels s of a cell

Both sums and the copies of x_n for all s are 1x1 convolutions with weights 0 and 1. Some runtimes
neither broadcast nor reduce tensors of five axes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.export.constant_folding import parameter
from jasmine_core.model.convex_upsampling import NEIGHBOURS, ConvexUpsampling, neighbours


class FoldedUpsampling(nn.Module):
    """Folded `ConvexUpsampling`; its layers are shared with it."""

    def __init__(self, upsampling: ConvexUpsampling) -> None:
        super().__init__()
        self.upsampling = upsampling
        cell = upsampling.factor**2
        like = upsampling.conv2.weight
        numbers = torch.arange(NEIGHBOURS * cell)  # n cell + s
        neighbour, pixel = numbers // cell, numbers % cell
        spread = F.one_hot(neighbour, NEIGHBOURS)[..., None, None]  # [9ff,9,1,1]
        collect = F.one_hot(pixel, cell).T[..., None, None]  # [ff,9ff,1,1]
        self.spread, self.collect = parameter(spread, like), parameter(collect, like)

    def forward(self, values: Tensor, hidden: Tensor) -> Tensor:
        """Return values [B,1,h,w] as [B,1,fh,fw]; `hidden` is [B,C,h,w]."""
        weights = self.upsampling.weights(hidden)  # [B,9ff,h,w]
        around = F.conv2d(neighbours(values), self.spread)  # [B,9ff,h,w]
        mixed = F.conv2d(weights * around, self.collect) / F.conv2d(weights, self.collect)
        return F.pixel_shuffle(mixed, self.upsampling.factor)
