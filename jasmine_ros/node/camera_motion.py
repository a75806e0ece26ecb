# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Motion of the camera from an odometry topic, a topic of poses, or transforms on /tf."""

from __future__ import annotations

from threading import Lock

from jasmine_core.errors import FrameError
from jasmine_core.geometry.pose_track import PoseTrack
from jasmine_core.geometry.rigid import Array, from_numbers, inverse
from jasmine_core.runtime.scale_odometry import Motion
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.transforms import TF, TF_STATIC, TRANSFORMS, TransformBuffer, numbers_of
from jasmine_ros.msgs.types import Odometry, PoseStamped, TFMessage
from jasmine_ros.node.host import Host
from jasmine_ros.node.parameters import ODOMETRY_TYPES, DepthParameters


class CameraMotion:
    """Motion of one camera in metres; a callback never waits for it.

    The pose of the camera is that of a moving frame of the robot, and the transform from there to
    the camera. Odometry and transforms name the moving frame. For a PoseStamped the parameter
    `odometry_child_frame` names it; without it, the pose is that of the camera's optical frame.
    """

    def __init__(self, host: Host, transforms: TransformBuffer) -> None:
        self._host, self._transforms = host, transforms
        self._world = ""  # frame of the odometry on /tf; empty with an odometry topic
        self._topic, self._unnamed_child = "", ""
        self._lock = Lock()
        self._child: str | None = None  # moving frame; None is the camera itself
        self._track = PoseTrack()

    def subscribe(self, p: DepthParameters) -> None:
        """Subscribe to the odometry and to the transforms."""
        host = self._host
        self._topic = host.resolve(p.odometry_topic) if p.odometry_topic else ""
        self._world = "" if p.odometry_topic else p.odometry_frame.lstrip("/")
        self._unnamed_child = p.odometry_child_frame
        if p.odometry_topic:
            kind = ODOMETRY_TYPES[p.odometry_type]
            host.subscribe(p.odometry_topic, kind, self._on_odometry)
        host.subscribe(TF_STATIC, TRANSFORMS, self._transforms.on_static, latched=True)
        host.subscribe(TF, TRANSFORMS, self._on_transforms)

    def of(self, frame: str) -> Motion:
        """Return the motion of the camera whose optical frame is `frame`."""

        def motion(target: int, source: int) -> Array | None:
            a, b = self._pose(frame, target), self._pose(frame, source)
            return None if a is None or b is None else inverse(a) @ b

        return motion

    def _on_transforms(self, message: TFMessage) -> None:
        """Store the transforms of a message on /tf, and the odometry among them."""
        self._transforms.on_moving(message)
        for t in message.transforms:
            if self._world and t.header.frame_id.lstrip("/") == self._world:
                numbers = numbers_of(t.transform.translation, t.transform.rotation)
                self._add(t.child_frame_id, stamp_ns(t.header.stamp), numbers)

    def _on_odometry(self, message: Odometry | PoseStamped) -> None:
        """Store the pose of a message; its fields decide the type, as a bag may have either."""
        is_pose = not hasattr(message, "child_frame_id")
        child = getattr(message, "child_frame_id", "") or self._unnamed_child
        pose = getattr(message, "pose", None)
        pose = getattr(pose, "pose", pose)  # Odometry has a PoseWithCovariance.
        if pose is None or not hasattr(pose, "orientation"):
            raise FrameError(
                f"{self._topic}: the message has no pose; odometry_topic needs "
                f"{' or '.join(ODOMETRY_TYPES.values())}"
            )
        numbers = numbers_of(pose.position, pose.orientation)
        self._add(child if child or not is_pose else None, stamp_ns(message.header.stamp), numbers)

    def _add(self, child: str | None, stamp: int, numbers: tuple[float, ...] | None) -> None:
        if numbers is None:
            return
        child = child and child.lstrip("/")
        with self._lock:
            if child != self._child:
                self._child, self._track = child, PoseTrack()
            self._track.add(stamp, from_numbers(numbers))

    def _pose(self, frame: str, stamp: int) -> Array | None:
        """Return T_world_camera [4,4] at a timestamp [ns], None if it is unknown."""
        with self._lock:
            child, T_world_child = self._child, self._track.at(stamp)
        if T_world_child is None or child is None:
            return T_world_child
        T_child_camera = self._transforms.between(child, stamp, frame, stamp)
        return None if T_child_camera is None else T_world_child @ T_child_camera
