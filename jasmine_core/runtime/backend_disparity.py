# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of disparity nets, so that teacher and baseline are run and evaluated like Jasmine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import ConfigError
from jasmine_core.loss.teacher import percentile_normalised
from jasmine_core.model.disparity_net import DisparityNet
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, StageClock


class DisparityBackend:
    """DisparityNet in inference mode, on a CPU or a CUDA device."""

    def __init__(self, net: DisparityNet, device: str = "auto", precision: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if precision not in ("auto", "fp32"):
            raise ConfigError(f"precision {precision!r}: a disparity net runs only in fp32")
        try:
            self._device = torch.device(device)
            self._net = net.to(self._device).eval()
        except (RuntimeError, AssertionError) as err:
            raise ConfigError(f"device {device!r} cannot be used: {err}") from err
        config = net.config
        self.info = BackendInfo(
            name="torch",
            device=device,
            precision="fp32",
            model=config.description,
            nominal_size=(config.width, config.height),
            metres_per_unit=config.metres_per_unit,
            multiple=net.multiple,
            canonical_focal=config.canonical_focal,
            scale_spread=config.scale_spread,
        )

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> DisparityBackend:
        """Load the folder of a disparity net."""
        return cls(DisparityNet.from_pretrained(checkpoint.folder or Path()), device, precision)

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one image [3,h,w] in [0,1], with a single depth map."""
        clock = StageClock()
        with clock.stage("network"):
            depth = self._net.depth(torch.from_numpy(image)[None].to(self._device))  # [1,1,h,w]
            maps = torch.cat([percentile_normalised(depth), depth])[:, 0].cpu().numpy()
        return NetworkMaps(maps[0], maps[1:], clock.seconds)
