# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image adapter with its batch norms folded into the convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.export.constant_folding import parameter, shared_copy
from jasmine_core.model.adapter import ImageAdapter
from jasmine_core.model.efficientnet import ENDS, InvertedResidual, SamePadding


class FoldedAdapter(nn.Module):
    """Map images [B,3,H,W] in [0,1] to extra input channels and block residuals of the U-Net."""

    def __init__(self, adapter: ImageAdapter) -> None:
        super().__init__()
        encoder = adapter.encoder
        self.stem = _folded(encoder._conv_stem, encoder._bn0)
        self.blocks = nn.ModuleList(FoldedBlock(block) for block in encoder._blocks)  # type: ignore[arg-type]
        self.beside = adapter.beside
        self.projections = adapter.projections
        self.levels = adapter.config.levels

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the features that `FoldedUNet.forward` takes after the latent."""
        # The input scaling is not folded, because the stem pads the scaled image with zeros.
        x = F.relu6(self.stem((255 * image - 127) / 128))
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in ENDS:
                features.append(x)
        residuals = (
            project(features[level])
            for project, level in zip(self.projections, self.levels, strict=True)
        )
        return self.beside(features[0]), *residuals


class FoldedBlock(nn.Module):
    """`InvertedResidual` with its batch norms folded into the convolutions."""

    def __init__(self, block: InvertedResidual) -> None:
        super().__init__()
        self.residual = block.residual
        self.expand = _folded(block._expand_conv, block._bn0) if block.expands else None
        self.depthwise = _folded(block._depthwise_conv, block._bn1)
        self.project = _folded(block._project_conv, block._bn2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of the block."""
        y: Tensor = F.relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


def _folded(conv: SamePadding, norm: nn.BatchNorm2d) -> SamePadding:
    """Return a convolution that includes the batch norm after it, computed in float64.

    w' = w g / sqrt(var + eps)      b' = b - mean g / sqrt(var + eps)
    """
    assert norm.running_mean is not None and norm.running_var is not None
    factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)  # [O]
    folded = shared_copy(conv)
    folded.weight = parameter(conv.weight.double() * factor[:, None, None, None], conv.weight)
    folded.bias = parameter(norm.bias.double() - norm.running_mean.double() * factor, conv.weight)
    return folded
