# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image adapter: ImageNet features for a U-Net without a pretrained prior.

Stable Diffusion is pretrained on images; a tiny U-Net with random weights is not. Features of
EfficientNet-Lite0 at 1/4 of the size are concatenated with the latent; those at 1/8 and coarser are
added to the outputs of the down blocks, by the interface of diffusers for T2I-Adapters
(`down_intrablock_additional_residuals`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from jasmine_core.errors import ConfigError
from jasmine_core.model.efficientnet import WIDTHS, EfficientNetLite0

FEATURE_SPREAD = 6.0  # standard deviation of ImageNet's features; latents have about 1


@dataclass(frozen=True)
class AdapterConfig:
    """Shape of an adapter; saved beside its weights."""

    beside: int = 16  # channels beside the latent, which has 1/4 of the image's size
    residuals: tuple[int, ...] = ()  # channels added after each down block of the U-Net
    levels: tuple[int, ...] = ()  # of the features that they are made from: 1 is 1/8, 3 is 1/32

    def __post_init__(self) -> None:
        if len(self.residuals) != len(self.levels):
            raise ConfigError(
                f"an adapter with residuals {self.residuals} needs as many levels, not "
                f"{self.levels}"
            )
        if self.beside < 1 or not all(0 <= level < len(WIDTHS) for level in self.levels):
            raise ConfigError(
                f"an adapter has at least one channel beside the latent, not {self.beside}, and "
                f"levels from 0 to {len(WIDTHS) - 1}, not {self.levels}"
            )


class Features(NamedTuple):
    """Features that the U-Net gets beside the latent."""

    beside: Tensor  # [B,C,H/4,W/4]
    residuals: list[Tensor]  # one for each down block, in its output's shape


class ImageAdapter(nn.Module):
    """Network from an image to features for the U-Net; linear after the encoder."""

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = EfficientNetLite0()
        self.beside = nn.Conv2d(WIDTHS[0], config.beside, 1)
        self.projections = nn.ModuleList(
            nn.Conv2d(WIDTHS[level], width, 1)
            for level, width in zip(config.levels, config.residuals, strict=True)
        )
        with torch.no_grad():
            for layer in (self.beside, *self.projections):
                layer.weight /= FEATURE_SPREAD

    def forward(self, image: Tensor) -> Features:
        """Return the features of images [B,3,H,W] in [0,1]; sides are multiples of 32 px."""
        features = self.encoder(image)
        residuals = [
            project(features[level])
            for project, level in zip(self.projections, self.config.levels, strict=True)
        ]
        return Features(self.beside(features[0]), residuals)
