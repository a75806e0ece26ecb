# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Signals of images that a checkpoint does not know, without ground truth.

For two consecutive images I_1, I_2 with the depth D_1, D_2 of the network and the motion T of its
pose net,

    photometric = mean_p min( pe(I_2, I_{1->2}), pe(I_2, I_1) )        pe as in the training loss
    temporal    = median_p | log( z(T D_2(p)) / D_1(p') ) - m |        m is the median of the log
    uncertainty = 1 - mean_p confidence(p)

where p' is the pixel of I_1 on which p falls and z the depth of the moved point. The novelty of an
image is a distance between its features in the encoder of the pose net and those of others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import CheckpointError
from jasmine_core.geometry.camera import Camera, Size
from jasmine_core.geometry.warp import back_project, project, warp
from jasmine_core.loss.photometric import minimum_error, photometric_error
from jasmine_core.model.posenet import PoseNet, source_poses
from jasmine_core.runtime.predictor import DepthPredictor

RgbImage = NDArray[np.uint8]
_SMALL = 1e-3  # [units] least depth


@dataclass(frozen=True)
class Signals:
    """Signals of one image and the image before it; larger means less known."""

    photometric: float
    temporal: float
    uncertainty: float
    features: NDArray[np.float32]  # [C]


class UnknownsMeter:
    """Measurement of the signals with the depth network and the pose net of one checkpoint.

    Args:
        checkpoint: name or folder of a Jasmine checkpoint with a pose net.
        device: device of the depth network, as `DepthPredictor` takes it.

    Raises:
        CheckpointError: the checkpoint cannot be read, or has no pose net.
    """

    def __init__(self, checkpoint: str, device: str = "auto") -> None:
        found = Checkpoint.resolve(checkpoint)
        folder = found.jasmine_folder() / "posenet"
        if not folder.is_dir():
            raise CheckpointError(
                f"{checkpoint} has no pose net in {folder}, which measures the motion between "
                "images; take a checkpoint of jasmine train"
            )
        self._posenet = PoseNet.from_pretrained(folder).float().eval()
        self._predictor = DepthPredictor.from_pretrained(
            found, device=device, resize="stretch", resolution="network"
        )

    def size(self, source: Size) -> Size:
        """Return the size [px] in which images of a size are compared."""
        return self._predictor.transform(source).target

    @torch.inference_mode()
    def __call__(self, before: RgbImage, image: RgbImage, camera: Camera) -> Signals:
        """Return the signals of an RGB image [H,W,3] after another one of the same camera.

        Raises:
            FrameError: an image cannot be processed.
        """
        place = self._predictor.transform(camera.size)
        focal = float(camera.K[0, 0])
        predictions = [self._predictor(shown, focal) for shown in (before, image)]
        D_1, D_2 = (
            torch.from_numpy(np.ascontiguousarray(p.depth))[None, None].clamp(min=_SMALL)
            for p in predictions
        )  # [1,1,h,w]
        I_1, I_2 = (_tensor(place.image(shown)) for shown in (before, image))  # [1,3,h,w]
        K = torch.from_numpy(place.camera(camera).K).float()
        (T_1_2,) = source_poses(self._posenet, I_2, [I_1], [-1])
        warped = warp(I_1, D_2, K, T_1_2)
        moved = photometric_error(I_2, warped.image).masked_fill(~warped.inside, torch.inf)
        error = torch.minimum(moved, minimum_error(I_2, [I_1]))
        features = self._posenet.encoder(torch.cat([I_1, I_2], 1))[-1].mean((0, 2, 3))
        return Signals(
            photometric=float(error.mean()),
            temporal=_temporal(D_1, D_2, K, T_1_2),
            uncertainty=1 - float(np.nanmean(predictions[1].confidence)),
            features=features.numpy().astype(np.float32),
        )


def _temporal(D_1: Tensor, D_2: Tensor, K: Tensor, T_1_2: Tensor) -> float:
    """Return the median difference of the logarithms of depth; 0 without common pixels."""
    height, width = D_1.shape[-2:]
    pixels, distance = project(back_project(D_2, K), K, T_1_2)
    u, v = pixels.unbind(1)  # [1,h,w] each
    grid = torch.stack([2 * u / (width - 1) - 1, 2 * v / (height - 1) - 1], -1)
    there = F.grid_sample(D_1, grid, mode="nearest", align_corners=True)
    common = (grid.abs() <= 1).all(-1)[:, None] & (distance > _SMALL) & (there > 0)
    if not common.any():
        return 0.0
    logs = (distance[common] / there[common]).log()
    return float((logs - logs.median()).abs().median())


def _tensor(image: RgbImage) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
