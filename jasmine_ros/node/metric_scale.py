# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where metres come from while the node runs: topics beside the camera's, through TF, to the core.

A sensor's message is compared with the depth of the image nearest to it in time, which may be an
earlier one: a message that is newer than all images waits for the next.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Any

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
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.images import decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.point_clouds import read_points
from jasmine_ros.msgs.transforms import TF, TF_STATIC, TRANSFORMS, TransformBuffer
from jasmine_ros.node.host import Host
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import IMAGE_TYPE, INFO_TYPE, info_beside

SENSORS = {
    "points": "sensor_msgs/msg/PointCloud2",
    "range": "sensor_msgs/msg/Range",
    "depth": IMAGE_TYPE,
}
IMU_TYPE = "sensor_msgs/msg/Imu"
TOLERANCE = 100_000_000  # [ns] between an image and what it is compared with
_STRANGE = 1_000_000_000  # [ns] between them where the clocks must be different ones
_WAITING = 5  # messages of the sensor, and ...
_LOOKS = 3  # ... depths of images that are kept
_NONE = fixed_scale(None, None)
_ULTRASOUND = 0  # Range.radiation_type


@dataclass(frozen=True)
class Look:
    """Hold one image's depth, before it has metres."""

    stamp: int  # [ns]
    frame: str
    depth: Depth  # [h,w] model units, NaN unknown
    camera: Camera


class MetricScale:
    """Measure the scale on behalf of a component, image by image."""

    def __init__(self, host: Host, mode: str) -> None:
        self._host, self._filter = host, ScaleFilter(mode)
        self._transforms = TransformBuffer()
        self._looks: deque[Look] = deque(maxlen=_LOOKS)
        self._sensed: deque[Any] = deque(maxlen=_WAITING)
        self._sensing = Lock()
        self._sensor: Camera | None = None  # that takes the other depth images
        self._gravity, self._imu_frame = Gravity(), ""
        self._stamp = 0  # [ns] of the latest image
        self._state = _NONE.state
        self._said: set[str] = set()

    def subscribe(self, p: DepthParameters) -> None:
        """Listen to whatever the mode needs."""
        host = self._host
        if p.scale_mode == "sparse_depth":
            host.subscribe(p.scale_topic, SENSORS[p.scale_sensor], self._on_sensed)
            if p.scale_sensor == "depth":
                host.subscribe(
                    info_beside(p.scale_topic), INFO_TYPE, self._on_sensor_info, latched=True
                )
        elif p.scale_mode == "camera_height" and p.imu_topic:
            host.subscribe(p.imu_topic, IMU_TYPE, self._on_imu)
        if p.scale_mode == "sparse_depth" or p.imu_topic:
            host.subscribe(TF_STATIC, TRANSFORMS, self._transforms.on_static, latched=True)
            host.subscribe(TF, TRANSFORMS, self._transforms.on_moving)

    def scale(self, until_then: Scale) -> Scale:
        """Return the scale at the latest image; `until_then` where nothing was measured yet."""
        return self._filter.at(self._stamp, until_then)

    def look(self, p: DepthParameters, look: Look) -> None:
        """Measure the scale once more, if the image and the sensors allow."""
        self._stamp = look.stamp
        try:
            if p.scale_mode == "camera_height":
                measured = self._by_height(p, look)
            else:
                measured = self._by_sensor(p, look)
        except (FrameError, CameraError) as err:
            self._say_once(str(err))
            measured = None
        self._filter.add(look.stamp, measured, p.scale_time_constant)
        self._say_state(self.scale(_NONE))

    # ------------------------------------------------------------------ camera_height

    def _by_height(self, p: DepthParameters, look: Look) -> Measurement | None:
        up = up_of(p.camera_pitch)
        if (sensed := self._gravity.up) is not None:
            T_camera_imu = self._transform(look, self._imu_frame, look.stamp)
            up = up if T_camera_imu is None else T_camera_imu[:3, :3] @ sensed
        return from_ground(look.depth, look.camera, p.camera_height, up)

    def _on_imu(self, message: Any) -> None:
        if message.linear_acceleration_covariance[0] == -1:  # "does not measure it"
            return
        a = message.linear_acceleration
        self._imu_frame = message.header.frame_id
        self._gravity.add(stamp_ns(message.header.stamp), (a.x, a.y, a.z))

    # ------------------------------------------------------------------ sparse_depth

    def _by_sensor(self, p: DepthParameters, look: Look) -> Measurement | None:
        self._looks.append(look)
        if (pair := self._pair(p, look)) is None:
            return None
        at, message = pair
        T = self._transform(at, message.header.frame_id, _stamp(message))
        return None if T is None else self._compare(p, at, message, T)

    def _pair(self, p: DepthParameters, look: Look) -> tuple[Look, Any] | None:
        """Return the sensor's message that is nearest to an image, and that image."""
        with self._sensing:
            sensed = list(self._sensed)
            waiting = [m for m in sensed if 0 < _stamp(m) - look.stamp < _STRANGE]
            self._sensed.clear()
            self._sensed.extend(waiting)
        due = [m for m in sensed if _stamp(m) <= look.stamp]
        pairs = [(abs(_stamp(m) - at.stamp), at, m) for m in due for at in self._looks]
        if pairs:
            apart, at, message = min(pairs, key=lambda pair: pair[0])
            if apart <= TOLERANCE:
                return at, message
        if sensed and min(abs(_stamp(m) - look.stamp) for m in sensed) > _STRANGE:
            topic = self._host.resolve(p.scale_topic)
            self._say_once(f"{topic}: its stamps are not those of the images; see the clocks")
        return None

    def _compare(self, p: DepthParameters, at: Look, message: Any, T: Array) -> Measurement | None:
        depth, camera, topic = at.depth, at.camera, self._host.resolve(p.scale_topic)
        if p.scale_sensor == "points":
            return from_points(depth, camera, read_points(message, topic), T)
        if p.scale_sensor == "depth":
            if self._sensor is None:
                raise FrameError(f"{topic}: no message on {info_beside(topic)} yet")
            return from_image(depth, camera, decode_depth(message, topic), self._sensor, T)
        if not message.min_range <= message.range <= message.max_range:  # REP 117
            return None
        echo = message.radiation_type == _ULTRASOUND
        return from_beam(depth, camera, message.range, message.field_of_view, T, echo)

    def _on_sensed(self, message: Any) -> None:
        with self._sensing:
            self._sensed.append(message)

    def _on_sensor_info(self, message: Any) -> None:
        try:
            self._sensor = calibration_of(message).rectified_camera
        except CameraError as err:
            self._say_once(str(err))

    # ------------------------------------------------------------------ underneath

    def _transform(self, look: Look, frame: str, stamp: int) -> Array | None:
        T = self._transforms.between(look.frame, look.stamp, frame, stamp)
        if T is None:
            self._say_once(
                f"scale: no transform leads from {frame!r} to {look.frame!r} at its time; "
                f"publish it on {TF_STATIC} or {TF}"
            )
        return T

    def _say_state(self, scale: Scale) -> None:
        if scale.state == self._state:
            return
        self._state, value = scale.state, f"{scale.metres_per_unit:g} m per unit"
        if scale.state == "holding":
            self._host.log("warn", f"the scale is not measured any more; holding {value}")
        else:
            agree = f"{scale.confidence:.0%} of the points agree"
            self._host.log("info", f"depth is metric: {value} ({scale.source}, {agree})")

    def _say_once(self, text: str) -> None:
        if text not in self._said and len(self._said) < 20:
            self._said.add(text)
            self._host.log("warn", text)


def _stamp(message: Any) -> int:
    return stamp_ns(message.header.stamp)
