# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Residual encoder of the pose and disparity nets.

Layers carry torchvision's names, so that a ResNet-18 pretrained on ImageNet fits. Other widths and
depths of the same layers make small nets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.errors import ConfigError

Norm = Literal["batch", "group"]


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of an encoder; the defaults are ResNet-18's.

    Pretrained weights need the norm "batch". "group" normalises each image by itself, so that
    training is the same however a batch is split over processes.
    """

    widths: tuple[int, ...] = (64, 64, 128, 256, 512)  # channels of the five features
    blocks: tuple[int, ...] = (2, 2, 2, 2)  # residual blocks of the last four
    norm: Norm = "batch"

    def __post_init__(self) -> None:
        if len(self.widths) != 5 or len(self.blocks) != 4 or min(self.widths + self.blocks) < 1:
            raise ConfigError(
                f"an encoder has five widths and four numbers of blocks, not {self.widths} and "
                f"{self.blocks}"
            )
        if self.norm == "group" and any(width % GROUP for width in self.widths):
            raise ConfigError(f"widths {self.widths} must be multiples of {GROUP} for group norm")


GROUP = 8  # channels per group of a group norm
RESNET18 = EncoderConfig()
SMALL_ENCODER = EncoderConfig((16, 32, 64, 96, 160), (1, 1, 1, 1), norm="group")


class ResNetEncoder(nn.Module):
    """Encoder of stacked images to features at 1/2, 1/4, 1/8, 1/16 and 1/32 of their size."""

    def __init__(self, config: EncoderConfig, frames: int = 1) -> None:
        super().__init__()
        widths, norm = config.widths, config.norm
        self.conv1 = nn.Conv2d(3 * frames, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = normalisation(norm, widths[0])
        for stage, count in enumerate(config.blocks, start=1):
            layer = nn.Sequential()
            for i in range(count):
                stride = 2 if stage > 1 and i == 0 else 1
                before = widths[stage] if i else widths[stage - 1]
                layer.append(ResidualBlock(before, widths[stage], stride, norm))
            self.add_module(f"layer{stage}", layer)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the five features, fine to coarse, of images [B,3F,H,W] in [0,1]."""
        x = F.relu(self.bn1(self.conv1((images - 0.45) / 0.225)))  # [B,C,H/2,W/2]
        features = [x]
        x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
            features.append(x)
        return features


class ResidualBlock(nn.Module):
    """Residual block of two 3x3 convolutions."""

    def __init__(self, before: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.bn1 = normalisation(norm, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = normalisation(norm, width)
        self.downsample: nn.Module | None = None
        if stride > 1 or before != width:
            shortcut = nn.Conv2d(before, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, normalisation(norm, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return features [B,C,H/stride,W/stride]."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def normalisation(kind: Norm, width: int) -> nn.Module:
    """Return a normalisation layer."""
    return nn.BatchNorm2d(width) if kind == "batch" else nn.GroupNorm(width // GROUP, width)


def encoder_weights(weights: Mapping[str, Tensor], frames: int = 1) -> dict[str, Tensor]:
    """Adapt a ResNet's tensors to an encoder of `frames` images.

    The classifier `fc.*` is removed. A first layer for one image is repeated and divided by
    `frames`, so that equal images give the pretrained features. Batch counters, which files of old
    torch versions do not have, are added. The tensors are copies, for nets that share a file.
    """
    fitted = {
        name: tensor.clone() for name, tensor in weights.items() if not name.startswith("fc.")
    }
    first = fitted.get("conv1.weight")
    if first is not None and first.shape[1] == 3:
        fitted["conv1.weight"] = first.repeat(1, frames, 1, 1) / frames
    for name in [name for name in fitted if name.endswith(".running_mean")]:
        counter = name.replace("running_mean", "num_batches_tracked")
        fitted.setdefault(counter, torch.tensor(0))
    return fitted
