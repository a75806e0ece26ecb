# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Filter of the depth of one camera over time, along its motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jasmine_core.runtime.pose_motion import pose_motion_of
from jasmine_core.runtime.scale import Scale
from jasmine_core.runtime.stabiliser import WRONG_MOTION, Steadied
from jasmine_core.runtime.steady_depth import (
    NO_MOTION,
    NO_UNIT,
    POSE_NET,
    PoseNetMotion,
    SteadyDepth,
)
from jasmine_ros.node.camera_motion import CameraMotion
from jasmine_ros.node.host import Host
from jasmine_ros.node.metric_scale import UnscaledDepth
from jasmine_ros.node.parameters import DepthParameters

PROBLEM = "temporal_problem"  # key of the facts
# Problems that are warnings; others are usual, such as the first image.
_PROBLEMS = (NO_MOTION, NO_UNIT, POSE_NET, WRONG_MOTION)
_ONCE = 10_000_000_000  # [ns] without a problem, after which it is logged again


class TemporalFilter:
    """Filter of one camera's depth over time; a callback never waits for it.

    If no motion of the camera is known at the time of an image, that of the pose net is used.
    Without a pose net only the scale is kept, by the depth at the same pixels of two images.
    """

    def __init__(
        self, host: Host, mode: str, motion: CameraMotion, pose_net: PoseNetMotion | None = None
    ) -> None:
        self.facts: dict[str, str] = {}  # for the diagnostics
        self._host, self._mode, self._motion = host, mode, motion
        self._steady = SteadyDepth(mode, pose_net)
        self._logged: dict[str, int] = {}  # [ns] timestamp of each problem's last image

    def __call__(self, image: UnscaledDepth, rgb: NDArray[np.uint8], scale: Scale) -> Steadied:
        """Return the depth of an image in model units, made consistent with those before it.

        Args:
            image: depth of the image.
            rgb: the image [h,w,3].
            scale: current metric scale.
        """
        unit = None if scale.state == "up-to-scale" else scale.metres_per_unit
        motion = self._motion.of(image.frame)
        # The stabiliser measures a scale of odometry again, to correct single pixels with it.
        estimated = scale.state == "estimated" or scale.source == "odometry"
        found = self._steady(image.depth, rgb, image.camera, image.stamp, motion, unit, estimated)
        problem = found.problem if found.problem in _PROBLEMS else ""
        reason = f": {found.problem}" if found.problem and not problem else ""
        if problem:  # Some images may contradict a motion that is right for most.
            before = self._logged.get(problem)
            self._logged[problem] = image.stamp
            if before is None or abs(image.stamp - before) > _ONCE:
                self._host.log("warn", f"temporal {self._mode}: {problem}")
        done = f"{found.fused:.0%} of the pixels fused"
        if self._mode == "scale":
            done = f"the depth is multiplied by {found.scale:.3f}"
        self.facts = {
            "temporal": f"{self._mode}, {done}{reason}",
            PROBLEM: problem,
        }
        return found


def pose_net_of(parameters: DepthParameters) -> PoseNetMotion | None:
    """Return the pose net for a filter that needs a motion and has no odometry topic."""
    if parameters.temporal != "fuse" or parameters.odometry_topic:
        return None
    return pose_motion_of(parameters.checkpoint)
