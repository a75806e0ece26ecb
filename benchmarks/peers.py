# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks that are timed beside jasmine-tiny, exported to ONNX from random weights.

The time of a network does not depend on the values of its weights, so nothing is downloaded. Every
graph maps an RGB image [1,3,H,W] in [0,1] to depth and contains its own normalization.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from jasmine_core.export.onnx import OPSET, export_onnx
from jasmine_core.geometry.camera import Size
from jasmine_core.model.disparity_net import LITE_DISPARITY_NET, DisparityNet
from jasmine_core.model.jasmine import JasmineModel

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Missing(Exception):
    """Reason why a network cannot be built here."""


@dataclass(frozen=True)
class Network:
    """Network of the table."""

    title: str
    build: Callable[[], nn.Module]  # raises Missing if its package is not installed
    multiple: int = 32  # [px] of both sides of its images

    def nearest(self, size: Size) -> Size:
        """Return the size (width, height) [px] that the network takes in place of another one."""
        width, height = (self.multiple * max(1, round(side / self.multiple)) for side in size)
        return width, height


class LiteDisparity(nn.Module):
    """Disparity net with an EfficientNet-Lite0 encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.net = DisparityNet(LITE_DISPARITY_NET)

    def forward(self, image: Tensor) -> Tensor:
        """Return depth [1,1,H,W]."""
        return self.net.depth(image)


class DepthAnythingV2(nn.Module):
    """Depth Anything V2, by default Small (ViT-S), with the head of its metric variant.

    The relative variant ends with a ReLU in place of the sigmoid; the time is the same.
    """

    def __init__(self, width: int = 384, layers: int = 12, heads: int = 6) -> None:
        super().__init__()
        try:
            from transformers import (
                DepthAnythingConfig,
                DepthAnythingForDepthEstimation,
                Dinov2Config,
            )
        except ImportError as err:
            raise Missing(f"transformers cannot be imported ({err})") from err
        backbone = Dinov2Config(
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            image_size=518,
            patch_size=14,
            out_indices=[layers * quarter // 4 for quarter in (1, 2, 3, 4)],
            reshape_hidden_states=False,
        )
        self.net = DepthAnythingForDepthEstimation(
            DepthAnythingConfig(
                backbone_config=backbone,
                patch_size=14,
                reassemble_hidden_size=width,
                reassemble_factors=[4, 2, 1, 0.5],
                neck_hidden_sizes=[48, 96, 192, 384],
                fusion_hidden_size=64,
                head_hidden_size=32,
                depth_estimation_type="metric",
                max_depth=80,
            )
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return depth [1,1,H,W]."""
        return self.net(pixel_values=(image - self.mean) / self.std).predicted_depth[:, None]


def yolo26n_depth() -> nn.Module:
    """Return YOLO26n-depth, which returns depth [1,1,H,W]; its package is AGPL, so it is optional.

    By default its package downloads files, installs packages and writes to the home directory.
    """
    with tempfile.TemporaryDirectory() as settings:
        os.environ |= {
            "YOLO_OFFLINE": "true",
            "YOLO_AUTOINSTALL": "false",
            "YOLO_VERBOSE": "false",
            "YOLO_CONFIG_DIR": settings,
        }
        try:
            from ultralytics.nn.tasks import DepthModel
        except ImportError as err:
            raise Missing(
                f"ultralytics cannot be imported ({err}); it is AGPL-3.0 and so not a dependency, "
                "install it by hand to get this row"
            ) from err
        network = DepthModel("yolo26n-depth.yaml", verbose=False).eval()
    network.model[-1].export = True  # full-size depth instead of a quarter
    return network.fuse(verbose=False)


NETWORKS = {
    "tiny": Network("Jasmine, preset tiny", lambda: JasmineModel.from_pretrained("random:tiny")),
    "bundled": Network(
        "jasmine-tiny, bundled", lambda: JasmineModel.from_pretrained("jasmine-tiny")
    ),
    "lite": Network("disparity net, lite", LiteDisparity),
    "dav2s": Network("Depth Anything V2 Small", DepthAnythingV2, multiple=14),
    "yolo26n": Network("YOLO26n-depth", yolo26n_depth),
}


def export(model: nn.Module, folder: Path, size: Size) -> Path:
    """Write a network as one ONNX graph for images of a size, and return the file."""
    if isinstance(model, JasmineModel):
        (file,) = export_onnx(model, folder, size=size)
        return file
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "network.onnx"
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            image = torch.zeros(1, 3, size[1], size[0])
            arguments: dict[str, Any] = {"dynamo": True, "opset_version": OPSET, "verbose": False}
            torch.onnx.export(model.eval(), (image,), file, **arguments)
    finally:
        log.setLevel(level)
    return file
