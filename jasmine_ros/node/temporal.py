# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Filter of the depth over time, with the motion of the camera from odometry or transforms."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.pose_track import PoseTrack
from jasmine_core.geometry.rigid import Array, from_numbers, inverse
from jasmine_core.runtime.scale import Scale
from jasmine_core.runtime.stabiliser import WRONG_MOTION
from jasmine_core.runtime.steady_depth import NO_MOTION, NO_UNIT, SteadyDepth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.transforms import TF, TF_STATIC, TRANSFORMS, TransformBuffer, numbers_of
from jasmine_ros.msgs.types import Odometry, TFMessage
from jasmine_ros.node.host import Host
from jasmine_ros.node.metric_scale import UnscaledDepth
from jasmine_ros.node.parameters import DepthParameters

ODOMETRY_TYPE = "nav_msgs/msg/Odometry"
PROBLEM = "temporal_problem"  # key of the facts
_PROBLEMS = (NO_MOTION, NO_UNIT, WRONG_MOTION)  # others are usual, such as the first image


class TemporalFilter:
    """Filter of one camera's depth over time; a callback never waits for it.

    The pose of the camera is that of the odometry's child frame, and the transform from there to
    the camera. Without odometry at the time of an image only the scale is kept, and the depth at
    the same pixels of two images is compared.
    """

    def __init__(self, host: Host, mode: str, transforms: TransformBuffer) -> None:
        self.facts: dict[str, str] = {}  # for the diagnostics
        self._host, self._mode, self._transforms = host, mode, transforms
        self._steady = SteadyDepth(mode)
        self._world = ""  # frame of the odometry on /tf
        self._lock = Lock()
        self._child, self._track = "", PoseTrack()

    def subscribe(self, p: DepthParameters, with_transforms: bool) -> None:
        """Subscribe to the odometry.

        Args:
            p: parameters of the node.
            with_transforms: whether to subscribe to the transforms, which else another part does;
                `on_moving` gets them in both cases.
        """
        self._world = "" if p.odometry_topic else p.odometry_frame.lstrip("/")
        if p.odometry_topic:
            self._host.subscribe(p.odometry_topic, ODOMETRY_TYPE, self._on_odometry)
        if with_transforms:
            static = self._transforms.on_static
            self._host.subscribe(TF_STATIC, TRANSFORMS, static, latched=True)
            self._host.subscribe(TF, TRANSFORMS, self.on_moving)

    def on_moving(self, message: TFMessage) -> None:
        """Store the transforms of a message on /tf, and the odometry among them."""
        self._transforms.on_moving(message)
        for t in message.transforms:
            if self._world and t.header.frame_id.lstrip("/") == self._world:
                numbers = numbers_of(t.transform.translation, t.transform.rotation)
                self._add(t.child_frame_id, stamp_ns(t.header.stamp), numbers)

    def __call__(self, image: UnscaledDepth, rgb: NDArray[np.uint8], scale: Scale) -> Depth:
        """Return the depth of an image in model units, made consistent with those before it.

        Args:
            image: depth of the image.
            rgb: the image [h,w,3].
            scale: current metric scale.
        """

        def motion(target: int, source: int) -> Array | None:
            a, b = self._pose(image.frame, target), self._pose(image.frame, source)
            return None if a is None or b is None else inverse(a) @ b

        unit = None if scale.state == "up-to-scale" else scale.metres_per_unit
        found = self._steady(image.depth, rgb, image.camera, image.stamp, motion, unit)
        problem = found.problem if found.problem in _PROBLEMS else ""
        if problem and problem != self.facts.get(PROBLEM):
            self._host.log("warn", f"temporal {self._mode}: {problem}")
        self.facts = {
            "temporal": f"{self._mode}, {found.fused:.0%} of the pixels fused",
            PROBLEM: problem,
        }
        return found.depth

    def _on_odometry(self, message: Odometry) -> None:
        pose = message.pose.pose
        numbers = numbers_of(pose.position, pose.orientation)
        self._add(message.child_frame_id, stamp_ns(message.header.stamp), numbers)

    def _add(self, child: str, stamp: int, numbers: tuple[float, ...] | None) -> None:
        if numbers is None:
            return
        with self._lock:
            if child.lstrip("/") != self._child:
                self._child, self._track = child.lstrip("/"), PoseTrack()
            self._track.add(stamp, from_numbers(numbers))

    def _pose(self, frame: str, stamp: int) -> Array | None:
        """Return T_world_camera [4,4] at a timestamp [ns], None if it is unknown."""
        with self._lock:
            child, T_world_child = self._child, self._track.at(stamp)
        if T_world_child is None:
            return None
        T_child_camera = self._transforms.between(child, stamp, frame, stamp)
        return None if T_child_camera is None else T_world_child @ T_child_camera
