# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pose net: motion of the camera between two images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.geometry.warp import rigid_transform
from jasmine_core.model.checkpoint import build_part, fill, read_weights
from jasmine_core.model.parts import CONFIG, WEIGHTS, load_part, save_part
from jasmine_core.model.resnet import (
    RESNET18,
    SMALL_ENCODER,
    EncoderConfig,
    ResNetEncoder,
    encoder_weights,
)
from jasmine_core.store.local_copies import local_folder

SMALL_STEP = 0.01  # factor of the output, so that an untrained net predicts almost no motion


@dataclass(frozen=True)
class PoseNetConfig:
    """Shape of a pose net; saved beside its weights. The defaults are the paper's."""

    encoder: EncoderConfig = RESNET18
    features: int = 256  # channels of the decoder


SMALL_POSENET = PoseNetConfig(SMALL_ENCODER, features=64)


class PoseNet(nn.Module):
    """Network that predicts T_second_first for two images in the order of time."""

    def __init__(self, config: PoseNetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ResNetEncoder(config.encoder, frames=2)
        self.decoder = PoseDecoder(config.encoder.widths[-1], config.features)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return axis-angle [B,3] in rad and translation [B,3] in units; images as the encoder.

        See `rigid_transform` for how the two make a transform.
        """
        motion = self.decoder(self.encoder(torch.cat([first, second], dim=1))[-1])
        return motion[:, :3], motion[:, 3:]

    # ------------------------------------------------------------------ folders

    def load_weights(self, weights: Mapping[str, Tensor], source: Path) -> None:
        """Load `encoder.*` and `decoder.*` as `jasmine convert` keeps the authors' tensors.

        `source` is named in the CheckpointError for tensors that are missing or misshapen.
        """
        encoder = _below("encoder.", weights)
        rest = {name: t for name, t in weights.items() if not name.startswith("encoder.")}
        fitted = {f"encoder.{k}": v for k, v in encoder_weights(encoder, frames=2).items()}
        fill(self, fitted | rest, source)

    def load_imagenet(self, weights: Mapping[str, Tensor], source: Path) -> None:
        """Load torchvision's `resnet18`, a classifier of single images, into the encoder."""
        fill(self.encoder, encoder_weights(weights, frames=2), source)

    def save_pretrained(self, path: str | Path) -> None:
        """Write a folder of config.json and model.safetensors."""
        save_part(self, self.config, Path(path))

    @classmethod
    def from_pretrained(cls, path: str | Path) -> PoseNet:
        """Read a folder; one without config.json is the authors' ResNet-18, as converted."""
        folder = local_folder(Path(path))
        if (folder / CONFIG).is_file():
            return load_part(cls, PoseNetConfig, folder)
        net = build_part(cls, PoseNetConfig(), folder)
        net.load_weights(read_weights(folder / WEIGHTS), folder)
        return net.eval()


class PoseDecoder(nn.Module):
    """Decoder of one motion from the coarsest features; tensor names are monodepth2's."""

    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [
                nn.Conv2d(width, features, 1),
                nn.Conv2d(features, features, 3, padding=1),
                nn.Conv2d(features, features, 3, padding=1),
                nn.Conv2d(features, 12, 1),  # two motions, of which the first is used
            ]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return axis-angle and translation, [B,6]."""
        *hidden, last = self.net
        x = features
        for conv in hidden:
            x = F.relu(conv(x))
        motion: Tensor = SMALL_STEP * last(x).float().mean((2, 3))  # [B,12]
        return motion[:, :6]


def source_poses(
    net: nn.Module, target: Tensor, sources: Sequence[Tensor], offsets: Sequence[int]
) -> list[Tensor]:
    """Return T_source_target [B,4,4] of each source image, `offsets` in frames from the target.

    The input of a pose net is always in the order of time, so that the transform of an earlier
    source (offset < 0) is the inverse of its prediction. All pairs are one batch of `net`.
    """
    pairs = [(s, target) if o < 0 else (target, s) for s, o in zip(sources, offsets, strict=True)]
    first, second = (torch.cat(images) for images in zip(*pairs, strict=True))
    axis_angle, translation = (values.chunk(len(pairs)) for values in net(first, second))
    return [
        rigid_transform(a, t, invert=offset < 0)
        for a, t, offset in zip(axis_angle, translation, offsets, strict=True)
    ]


def _below(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
