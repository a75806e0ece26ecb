# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Protocols of the ROS messages that the package reads or builds.

rclpy and rosbags each generate classes of their own for one message, so the code names a message by
its fields. A protocol holds only the fields that the code uses; the `.msg` definitions of ROS give
their full meaning, units and frames.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

# rclpy holds a sequence of numbers in an `array.array`, rosbags in a numpy array.
Bytes: TypeAlias = "bytes | bytearray | memoryview | array[int] | NDArray[np.uint8]"
Numbers: TypeAlias = "Sequence[float] | NDArray[np.float64]"

# A message that is only passed on, such as one to be published.
Message: TypeAlias = object
# `Any`, because the type name beside a subscription fixes the message type, not the signature.
Callback: TypeAlias = Callable[[Any], None]


class Time(Protocol):
    """`builtin_interfaces/Time`."""

    sec: int  # [s]
    nanosec: int  # [ns]


class Header(Protocol):
    """`std_msgs/Header`."""

    stamp: Time
    frame_id: str


class Stamped(Protocol):
    """Any message that has a header."""

    header: Header


class Image(Stamped, Protocol):
    """`sensor_msgs/Image`."""

    height: int  # [px]
    width: int  # [px]
    encoding: str
    is_bigendian: int
    step: int  # [bytes] of a row
    data: Bytes


class CompressedImage(Stamped, Protocol):
    """`sensor_msgs/CompressedImage`."""

    format: str
    data: Bytes


class RegionOfInterest(Protocol):
    """`sensor_msgs/RegionOfInterest`, in pixels of the whole sensor."""

    x_offset: int
    y_offset: int
    height: int
    width: int


class CameraInfo(Stamped, Protocol):
    """`sensor_msgs/CameraInfo`; ROS 1 writes the names of d, k, r and p in capitals."""

    height: int  # [px]
    width: int  # [px]
    distortion_model: str
    d: Numbers
    k: Numbers  # 3x3, row by row
    r: Numbers  # 3x3, row by row
    p: Numbers  # 3x4, row by row
    binning_x: int
    binning_y: int
    roi: RegionOfInterest


class PointField(Protocol):
    """`sensor_msgs/PointField`."""

    name: str
    offset: int  # [bytes] from the start of a point
    datatype: int
    count: int


class PointCloud2(Stamped, Protocol):
    """`sensor_msgs/PointCloud2`."""

    height: int
    width: int
    fields: Sequence[PointField]
    is_bigendian: bool
    point_step: int  # [bytes] of a point
    row_step: int  # [bytes] of a row
    data: Bytes
    is_dense: bool


class Range(Stamped, Protocol):
    """`sensor_msgs/Range`."""

    radiation_type: int
    field_of_view: float  # [rad]
    min_range: float  # [m]
    max_range: float  # [m]
    range: float  # [m]


class Vector3(Protocol):
    """`geometry_msgs/Vector3` or `geometry_msgs/Point`."""

    x: float
    y: float
    z: float


class Quaternion(Protocol):
    """`geometry_msgs/Quaternion`."""

    x: float
    y: float
    z: float
    w: float


class Imu(Stamped, Protocol):
    """`sensor_msgs/Imu`."""

    linear_acceleration: Vector3  # [m/s^2]
    linear_acceleration_covariance: Numbers  # 3x3; -1 in front: the sensor does not measure it


class Transform(Protocol):
    """`geometry_msgs/Transform`."""

    translation: Vector3  # [m]
    rotation: Quaternion


class TransformStamped(Stamped, Protocol):
    """`geometry_msgs/TransformStamped`: T_parent_child, its parent in the header."""

    child_frame_id: str
    transform: Transform


class TFMessage(Protocol):
    """`tf2_msgs/TFMessage`."""

    transforms: Sequence[TransformStamped]


class Pose(Protocol):
    """`geometry_msgs/Pose`."""

    position: Vector3  # [m]
    orientation: Quaternion


class PoseWithCovariance(Protocol):
    """`geometry_msgs/PoseWithCovariance`."""

    pose: Pose


class Odometry(Stamped, Protocol):
    """`nav_msgs/Odometry`: T_odom_child, the odometry frame in the header."""

    child_frame_id: str
    pose: PoseWithCovariance


class PoseStamped(Stamped, Protocol):
    """`geometry_msgs/PoseStamped`: T_world_frame, the world in the header, the frame unnamed."""

    pose: Pose


class SetBoolRequest(Protocol):
    """Request of `std_srvs/SetBool`."""

    data: bool
