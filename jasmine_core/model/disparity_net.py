# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Disparity net: a feed-forward network of the monodepth2 family.

Trained by the photometric loss alone it is the teacher that needs no other, and the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.artifacts.limits import expect_image_size, expect_scale
from jasmine_core.errors import ConfigError
from jasmine_core.geometry.disparity import depth_from_disparity, disparity_from_depth
from jasmine_core.model.checkpoint import fill
from jasmine_core.model.efficientnet import WIDTHS, EfficientNetLite0
from jasmine_core.model.parts import load_part, save_part
from jasmine_core.model.resnet import (
    RESNET18,
    SMALL_ENCODER,
    EncoderConfig,
    ResNetEncoder,
    encoder_weights,
)
from jasmine_core.store.local_copies import local_folder

# Model units. A net that starts at disparity 1/2, which is depth 0.2, may run to its stop at 0.1,
# where the sigmoid has no gradient left.
FIRST_GUESS = 0.6


@dataclass(frozen=True)
class DisparityConfig:
    """Shape of a disparity net; saved beside its weights."""

    height: int = 192  # [px] size of the images it was trained on
    width: int = 640
    encoder: EncoderConfig = RESNET18
    backbone: Literal["resnet", "lite0"] = "resnet"  # lite0: EfficientNet-Lite0 in encoder's place
    head: Literal["disparity", "log_depth"] = "disparity"  # log_depth is unbounded
    canonical_focal: float | None = None  # [px] depths are those of a camera of this f_x; None: any
    decoder: tuple[int, ...] = (256, 128, 64, 32, 16)  # channels after each doubling of the size
    metres_per_unit: float | None = None  # scale of the depths; None: up-to-scale
    scale_spread: float | None = None  # relative, of a learned scale; None: a measured scale
    description: str = ""  # where the weights come from, shown to the user

    def __post_init__(self) -> None:
        if not 1 <= len(self.decoder) <= 5 or min(self.decoder) < 1:
            raise ConfigError(f"a decoder has one to five widths, not {self.decoder}")
        expect_image_size(self.width, self.height)
        expect_scale("metres_per_unit", self.metres_per_unit)
        expect_scale("scale_spread", self.scale_spread)
        expect_scale("canonical_focal", self.canonical_focal)


# Four doublings end at half the size: a CPU spends most of its time in the last one.
SMALL_DISPARITY_NET = DisparityConfig(
    height=128, width=384, encoder=SMALL_ENCODER, decoder=(128, 64, 32, 24)
)


# The teacher that has seen the rendered world: ImageNet's features, depth in one focal length.
LITE_DISPARITY_NET = DisparityConfig(
    height=96,
    width=320,
    backbone="lite0",
    decoder=(96, 64, 48, 32),
    head="log_depth",
    canonical_focal=185.0,
)


class DisparityNet(nn.Module):
    """Encoder, and decoder with skip connections, that predict disparity or log depth."""

    multiple = 32  # [px] of both sides of an image

    def __init__(self, config: DisparityConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder: nn.Module
        widths: tuple[int, ...]
        if config.backbone == "lite0":
            self.encoder, widths = EfficientNetLite0(), WIDTHS
        else:
            self.encoder, widths = ResNetEncoder(config.encoder), config.encoder.widths
        before, *skips = widths[::-1]  # coarse to fine, as the decoder goes
        self.ups, self.joins = nn.ModuleList(), nn.ModuleList()
        for width, skip in zip(config.decoder, [*skips, 0], strict=False):
            self.ups.append(_conv(before, width))
            self.joins.append(_conv(width + skip, width))
            before = width
        last = nn.Conv2d(before, 1, 3)
        assert last.bias is not None
        disparity = config.head == "disparity"
        guess = _logit(disparity_from_depth(FIRST_GUESS)) if disparity else math.log(FIRST_GUESS)
        nn.init.constant_(last.bias, guess)
        self.head = nn.Sequential(nn.ReflectionPad2d(1), last)

    def forward(self, image: Tensor) -> Tensor:
        """Return disparity [B,1,H,W] for images [B,3,H,W] in [0,1]; its own head ends in 0..1.

        Both sides are 64, 96, 128, ... px.
        """
        if self.config.head == "log_depth":
            return disparity_from_depth(self.depth(image))
        return _enlarged(torch.sigmoid(self._head(image)), image)

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in model units for images as in `forward`.

        The head of disparity ends at 0.1 and 100 units, that of log depth nowhere.
        """
        if self.config.head == "log_depth":
            return torch.exp(_enlarged(self._head(image), image))
        return depth_from_disparity(self(image))

    def _head(self, image: Tensor) -> Tensor:
        """Return the output of the head [B,1,h,w], at the size of the last decoder layer."""
        height, width = image.shape[-2:]
        if height % self.multiple or width % self.multiple or min(height, width) < 64:
            raise ValueError(
                f"image is {width}x{height} px; both sides must be multiples of "
                f"{self.multiple}, at least 64 (resize it with jasmine_core.geometry.camera)"
            )
        x, *finer = self.encoder(image)[::-1]  # [B,C,H/32,W/32], then [B,C,H/16,W/16] ...
        for i, (up, join) in enumerate(zip(self.ups, self.joins, strict=True)):
            x = F.interpolate(F.elu(up(x)), scale_factor=2, mode="nearest")
            if i < len(finer):
                x = torch.cat([x, finer[i]], dim=1)
            x = F.elu(join(x))
        values: Tensor = self.head(x).float()
        return values

    def load_imagenet(self, weights: Mapping[str, Tensor], source: Path) -> None:
        """Load the weights of a classifier of the same architecture into the encoder."""
        resnet = self.config.backbone == "resnet"
        fill(self.encoder, encoder_weights(weights) if resnet else weights, source)

    def save_pretrained(self, path: str | Path) -> None:
        """Write a folder of config.json and model.safetensors; it appears whole or not at all."""
        save_part(self, self.config, Path(path))

    @classmethod
    def from_pretrained(cls, path: str | Path) -> DisparityNet:
        """Read a folder; raise CheckpointError for anything missing or misshapen."""
        return load_part(cls, DisparityConfig, local_folder(Path(path)))


def _enlarged(values: Tensor, image: Tensor) -> Tensor:
    return F.interpolate(values, image.shape[-2:], mode="bilinear", align_corners=False)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _conv(before: int, after: int) -> nn.Sequential:
    # Reflected borders: zeros beyond them would be an edge that no scene has.
    return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(before, after, 3))
