# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Learned convex upsampling (RAFT, arXiv 2003.12039, §3.3).

Every pixel of the large map is a weighted mean of the nine pixels around it in the small one; a
softmax over learned scores gives the weights, so that an edge may lie between two small pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NEIGHBOURS = 9
GENTLE = 0.25  # share of the scores that counts, as in RAFT: softer at first
STEEPEST = 8.0  # largest score: its exponential, nine times over, is far inside float16


class ConvexUpsampling(nn.Module):
    """Upsampling of a map by a whole factor with weights predicted from a hidden state."""

    def __init__(self, hidden: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.conv1 = nn.Conv2d(hidden, 2 * hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(2 * hidden, NEIGHBOURS * factor**2, 1)

    def forward(self, values: Tensor, hidden: Tensor) -> Tensor:
        """Return values [B,1,h,w] as [B,1,fh,fw]; `hidden` is [B,C,h,w]."""
        weights = self.weights(hidden)
        weights = weights.view(len(weights), NEIGHBOURS, -1, *weights.shape[2:])  # [B,9,ff,h,w]
        mixed = (weights * neighbours(values)[:, :, None]).sum(1) / weights.sum(1)  # [B,ff,h,w]
        return F.pixel_shuffle(mixed, self.factor)

    def weights(self, hidden: Tensor) -> Tensor:
        """Return the weights [B,9ff,h,w] of the neighbours before they are divided by their sum."""
        scores = GENTLE * self.conv2(F.relu(self.conv1(hidden)))
        # A softmax over channels, by hand: runtimes transpose the whole map twice for their own.
        return torch.exp(scores.clamp(-STEEPEST, STEEPEST))


def neighbours(values: Tensor) -> Tensor:
    """Return the 3x3 neighbours [B,9,h,w] of each value [B,1,h,w]."""
    height, width = values.shape[2:]
    padded = F.pad(values, (1, 1, 1, 1), mode="replicate")  # an edge that no scene has else
    return torch.cat(
        [
            padded[:, :, row : row + height, column : column + width]
            for row in range(3)
            for column in range(3)
        ],
        dim=1,
    )
