# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Motion of the camera between two images by a pose net, for cameras without odometry."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import JasmineError
from jasmine_core.geometry.camera import network_size, stretch
from jasmine_core.geometry.rigid import Array

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)
_AREA = (320, 96)  # [px] of the images, whose shape is that of the camera
_MULTIPLE = 32  # [px] of both sides, because the encoder halves an image five times
RgbImage = NDArray[np.uint8]


class PoseMotion:
    """Pose net on the CPU.

    Args:
        checkpoint: Jasmine checkpoint with a pose net.

    Raises:
        JasmineError: it has none, or it cannot be read.
        ImportError: torch is not installed.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        from jasmine_core.model.posenet import PoseNet

        folder = checkpoint.jasmine_folder() / "posenet"
        self._net = PoseNet.from_pretrained(folder).float().eval()

    def __call__(self, before: RgbImage, image: RgbImage) -> Array:
        """Return T_before_image [4,4] in model units, for two RGB images [H,W,3] of one camera.

        The length of the translation is right where the pose net was trained, and may be wrong by
        any factor elsewhere.
        """
        import torch

        from jasmine_core.model.posenet import source_poses

        with torch.inference_mode():
            (T,) = source_poses(self._net, _tensor(image), [_tensor(before)], [-1])
        return np.asarray(T[0].numpy(), np.float64)


def pose_motion_of(name: str) -> PoseMotion | None:
    """Return the motion by the pose net of a checkpoint, given by its name or folder.

    It is None without torch, or if the checkpoint has no pose net that can be used.
    """
    if find_spec("torch") is None:
        return None
    try:
        checkpoint = Checkpoint.resolve(name)
        if checkpoint.kind == "jasmine" and (checkpoint.jasmine_folder() / "posenet").is_dir():
            return PoseMotion(checkpoint)
    except (JasmineError, OSError) as err:  # The network was loaded; only this part is missing.
        _log.warning("%s: the pose net cannot be used for the motion of the camera: %s", name, err)
    return None


def _tensor(image: RgbImage) -> Tensor:
    import torch

    source = image.shape[1], image.shape[0]
    small = stretch(source, network_size(source, _AREA, _MULTIPLE)).image(image)
    return torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))[None].float() / 255
