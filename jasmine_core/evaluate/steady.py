# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stabiliser of the predictions of a test set, with the known poses of its clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array, inverse
from jasmine_core.runtime.steady_depth import PoseNetMotion, SteadyDepth


class SteadyClips:
    """Stabiliser that starts again with each clip, as a node does with each recording.

    Args:
        mode: "scale" or "fuse".
        metric: whether predictions are in metres; the poses always are.
        estimated: whether these metres are an estimate of the network.
        known_motion: whether the stabiliser gets the motion between the poses.
        pose_net: pose net for "fuse" where the motion is not known; depth is in its unit then.
    """

    def __init__(
        self,
        mode: str,
        metric: bool,
        estimated: bool = False,
        *,
        known_motion: bool = True,
        pose_net: PoseNetMotion | None = None,
    ) -> None:
        self._mode, self._estimated, self._pose_net = mode, estimated, pose_net
        self._known_motion, self._unit = known_motion, 1.0 if metric else None
        self.parallax: NDArray[np.float32] | None = None  # of the last image, see `Steadied`
        self._clip: int | None = None
        self._poses: dict[int, Array] = {}  # T_world_camera by timestamp [ns] of the clip
        self._steady = SteadyDepth(mode, pose_net)

    def __call__(
        self, depth: Depth, image: NDArray[np.uint8], stamp: int, pose: ClipPose | None
    ) -> Depth:
        """Return the depth [h,w] of the next image [H,W,3]; `pose` has its camera.

        A frame without a pose is not changed, because nothing is known about its camera.
        """
        self.parallax = None
        if pose is None:
            return depth
        if pose.clip != self._clip:
            self._clip, self._poses = pose.clip, {}
            self._steady = SteadyDepth(self._mode, self._pose_net)
        self._poses[stamp] = pose.T_world_camera
        height, width = depth.shape
        K = np.diag([width / image.shape[1], height / image.shape[0], 1.0]) @ pose.K
        camera = Camera(width, height, K)
        motion = self._motion if self._known_motion else None
        found = self._steady(depth, image, camera, stamp, motion, self._unit, self._estimated)
        self.parallax = found.parallax
        return found.depth

    def _motion(self, target: int, source: int) -> Array | None:
        """Return T_target_source [4,4] between two timestamps [ns] of the clip."""
        a, b = self._poses.get(target), self._poses.get(source)
        return None if a is None or b is None else inverse(a) @ b
