# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metric scale from sensor topics: point cloud, range sensor, depth camera, IMU or odometry.

A sensor's message is compared with the depth of the image that is nearest to it in time. This may
be an earlier image: a message that is newer than all images waits for the next one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CameraError, FrameError
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.ground import up_of
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array
from jasmine_core.runtime.scale import Scale, ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_gravity import Gravity
from jasmine_core.runtime.scale_measure import (
    Measurement,
    from_beam,
    from_ground,
    from_image,
    from_points,
)
from jasmine_core.runtime.scale_odometry import CONTRADICTED, NO_MOTION, OdometryMeasurement
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.images import decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.point_clouds import read_points
from jasmine_ros.msgs.transforms import TF, TF_STATIC, TRANSFORMS, TransformBuffer
from jasmine_ros.msgs.types import CameraInfo, Image, Imu, PointCloud2, Range, Stamped
from jasmine_ros.node.camera_motion import CameraMotion
from jasmine_ros.node.host import Host
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import IMAGE_TYPE, INFO_TYPE, info_beside

SENSORS = {
    "points": "sensor_msgs/msg/PointCloud2",
    "range": "sensor_msgs/msg/Range",
    "depth": IMAGE_TYPE,
}
IMU_TYPE = "sensor_msgs/msg/Imu"
SensorMessage: TypeAlias = PointCloud2 | Range | Image
TOLERANCE = 100_000_000  # [ns] between an image and the sensor's message that it is compared with
_CLOCK_OFFSET = 1_000_000_000  # [ns] between them that only clocks out of synchronisation explain
_SENSOR_QUEUE = 5  # messages of the sensor that are kept
_IMAGE_QUEUE = 3  # depth images that are kept
_WARNINGS = 20  # different warnings that are logged in one run
PROBLEM = "scale_problem"  # key of the facts
_SEVERAL = 3  # consecutive measurements that fail by one of the following
_PROBLEMS = (NO_MOTION, CONTRADICTED)  # other reasons are usual, such as a robot that stands
_UNKNOWN = fixed_scale(None, None)
_ULTRASOUND = 0  # Range.radiation_type


@dataclass(frozen=True)
class UnscaledDepth:
    """Depth of one image in model units."""

    stamp: int  # [ns]
    frame: str
    depth: Depth  # [h,w] model units; NaN is unknown
    camera: Camera
    rgb: NDArray[np.uint8] | None = None  # [h,w,3] image of the same view; scale_mode odometry


class MetricScale:
    """Metric scale that is measured again with every image."""

    def __init__(
        self,
        host: Host,
        mode: str,
        transforms: TransformBuffer | None = None,
        motion: CameraMotion | None = None,
    ) -> None:
        self.facts: dict[str, str] = {}  # for the diagnostics
        self._host, self._filter, self._motion = host, ScaleFilter(mode), motion
        self._odometry, self._failures = OdometryMeasurement(), 0
        self._transforms = transforms or TransformBuffer()
        self._images: deque[UnscaledDepth] = deque(maxlen=_IMAGE_QUEUE)
        self._sensed: deque[SensorMessage] = deque(maxlen=_SENSOR_QUEUE)
        self._sensed_lock = Lock()
        self._depth_camera: Camera | None = None  # with scale_sensor "depth"
        self._gravity, self._imu_frame = Gravity(), ""
        self._stamp = 0  # [ns] of the latest image
        self._state = _UNKNOWN.state
        self._warnings: set[str] = set()

    def subscribe(self, p: DepthParameters, with_transforms: bool = True) -> None:
        """Subscribe to the topics that the scale mode needs.

        Args:
            p: parameters of the node.
            with_transforms: whether to subscribe to the transforms, which else another part does.
        """
        host = self._host
        if p.scale_mode == "sparse_depth":
            host.subscribe(p.scale_topic, SENSORS[p.scale_sensor], self._on_sensor)
            if p.scale_sensor == "depth":
                host.subscribe(
                    info_beside(p.scale_topic), INFO_TYPE, self._on_sensor_info, latched=True
                )
        elif p.scale_mode == "camera_height" and p.imu_topic:
            host.subscribe(p.imu_topic, IMU_TYPE, self._on_imu)
        if with_transforms and (p.scale_mode == "sparse_depth" or p.imu_topic):
            host.subscribe(TF_STATIC, TRANSFORMS, self._transforms.on_static, latched=True)
            host.subscribe(TF, TRANSFORMS, self._transforms.on_moving)

    def scale(self, fallback: Scale) -> Scale:
        """Return the scale at the latest image, or `fallback` before the first measurement."""
        return self._filter.at(self._stamp, fallback)

    def measure(self, p: DepthParameters, image: UnscaledDepth) -> None:
        """Update the scale from an image, if a measurement is possible."""
        self._stamp = image.stamp
        if p.scale_mode == "odometry" and not self._odometry.due(image.stamp):
            return
        try:
            if p.scale_mode == "odometry":
                measured = self._from_motion(image)
            elif p.scale_mode == "camera_height":
                measured = self._from_height(p, image)
            else:
                measured = self._from_sensor(p, image)
        except (FrameError, CameraError) as err:
            self._warn_once(str(err))
            measured = None
        self._filter.add(image.stamp, measured, p.scale_time_constant)
        self._log_state(self.scale(_UNKNOWN))

    # ------------------------------------------------------------------ camera_height

    def _from_height(self, p: DepthParameters, image: UnscaledDepth) -> Measurement | None:
        up = up_of(p.camera_pitch)
        if (sensed := self._gravity.up) is not None:
            T_camera_imu = self._transform(image, self._imu_frame, image.stamp)
            up = up if T_camera_imu is None else T_camera_imu[:3, :3] @ sensed
        return from_ground(image.depth, image.camera, p.camera_height, up)

    def _on_imu(self, message: Imu) -> None:
        if message.linear_acceleration_covariance[0] == -1:  # sensor_msgs/Imu: not measured
            return
        a = message.linear_acceleration
        self._imu_frame = message.header.frame_id
        self._gravity.add(stamp_ns(message.header.stamp), (a.x, a.y, a.z))

    # ------------------------------------------------------------------ odometry

    def _from_motion(self, image: UnscaledDepth) -> Measurement | None:
        if self._motion is None or image.rgb is None:
            raise ValueError("scale_mode odometry needs the motion of the camera and the image")
        motion = self._motion.of(image.frame)
        measured = self._odometry(image.depth, image.rgb, image.camera, image.stamp, motion)
        reason = self._odometry.problem
        self.facts = {"scale_measurement": reason or "done"}
        self._failures = self._failures + 1 if reason in _PROBLEMS else 0
        if self._failures >= _SEVERAL:  # A single one may be a moving object, or late odometry.
            self.facts[PROBLEM] = f"scale: {reason}"
            self._warn_once(f"scale: {reason}")
        return measured

    # ------------------------------------------------------------------ sparse_depth

    def _from_sensor(self, p: DepthParameters, image: UnscaledDepth) -> Measurement | None:
        self._images.append(image)
        if (pair := self._pair(p, image)) is None:
            return None
        nearest, message = pair
        T = self._transform(nearest, message.header.frame_id, _stamp(message))
        return None if T is None else self._compare(p, nearest, message, T)

    def _pair(
        self, p: DepthParameters, image: UnscaledDepth
    ) -> tuple[UnscaledDepth, SensorMessage] | None:
        """Return the image and the sensor's message that are nearest to each other in time.

        Messages that are newer than `image` stay in the queue.
        """
        with self._sensed_lock:
            sensed = list(self._sensed)
            newer = [m for m in sensed if 0 < _stamp(m) - image.stamp < _CLOCK_OFFSET]
            self._sensed.clear()
            self._sensed.extend(newer)
        due = [m for m in sensed if _stamp(m) <= image.stamp]
        pairs = [(abs(_stamp(m) - kept.stamp), kept, m) for m in due for kept in self._images]
        if pairs:
            apart, nearest, message = min(pairs, key=lambda pair: pair[0])
            if apart <= TOLERANCE:
                return nearest, message
        if sensed and min(abs(_stamp(m) - image.stamp) for m in sensed) > _CLOCK_OFFSET:
            topic = self._host.resolve(p.scale_topic)
            self._warn_once(
                f"{topic}: stamps differ from those of the images by more than 1 s; "
                "synchronise the clocks"
            )
        return None

    def _compare(
        self, p: DepthParameters, image: UnscaledDepth, message: SensorMessage, T: Array
    ) -> Measurement | None:
        """Measure the scale; `T` is T_camera_sensor, and scale_sensor fixes the message type."""
        depth, camera, topic = image.depth, image.camera, self._host.resolve(p.scale_topic)
        if p.scale_sensor == "points":
            return from_points(depth, camera, read_points(cast(PointCloud2, message), topic), T)
        if p.scale_sensor == "depth":
            if self._depth_camera is None:
                raise FrameError(f"{topic}: no message on {info_beside(topic)} yet")
            measured = decode_depth(cast(Image, message), topic)
            return from_image(depth, camera, measured, self._depth_camera, T)
        beam = cast(Range, message)
        if not beam.min_range <= beam.range <= beam.max_range:  # REP 117: nothing was detected
            return None
        echo = beam.radiation_type == _ULTRASOUND
        return from_beam(depth, camera, beam.range, beam.field_of_view, T, echo)

    def _on_sensor(self, message: SensorMessage) -> None:
        with self._sensed_lock:
            self._sensed.append(message)

    def _on_sensor_info(self, message: CameraInfo) -> None:
        try:
            self._depth_camera = calibration_of(message).rectified_camera
        except CameraError as err:
            self._warn_once(str(err))

    # ------------------------------------------------------------------ transforms and log

    def _transform(self, image: UnscaledDepth, frame: str, stamp: int) -> Array | None:
        """Return T_camera_frame between the times of an image and of a message [ns]."""
        T = self._transforms.between(image.frame, image.stamp, frame, stamp)
        if T is None:
            self._warn_once(
                f"scale: no transform from {frame!r} to {image.frame!r} at the time of the image; "
                f"publish it on {TF_STATIC} or {TF}"
            )
        return T

    def _log_state(self, scale: Scale) -> None:
        if scale.state in (self._state, "estimated"):  # The checkpoint's scale is logged at start.
            return
        self._state, value = scale.state, f"{scale.metres_per_unit:g} m per unit"
        if scale.state == "holding":
            self._host.log("warn", f"the scale cannot be measured; the last one is held: {value}")
        else:
            agree = f"{scale.confidence:.0%} of the points agree"
            self._host.log("info", f"depth is metric: {value} ({scale.source}, {agree})")

    def _warn_once(self, text: str) -> None:
        if text not in self._warnings and len(self._warnings) < _WARNINGS:
            self._warnings.add(text)
            self._host.log("warn", text)


def _stamp(message: Stamped) -> int:
    return stamp_ns(message.header.stamp)
