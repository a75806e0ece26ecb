# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration, odometry and fixed transforms of a bag."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jasmine_core.errors import BagError, FrameError
from jasmine_core.geometry.rigid import Array, from_numbers
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.constant_calibration import ConstantCalibration
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.calibration_file import read_camera_info
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.transforms import TF_STATIC, TRANSFORMS, numbers_of
from jasmine_ros.msgs.types import CameraInfo, Odometry, Stamped, TFMessage

ODOMETRY = "nav_msgs/msg/Odometry"
NONE = "none"


@dataclass(frozen=True)
class Scan:
    """Calibration, odometry and fixed transforms of a bag."""

    camera_info: CameraInfo
    frame: str  # of the camera
    child: str  # child frame of the odometry
    samples: list[tuple[int, tuple[float, ...]]]  # odometry: stamp [ns], T_odom_child
    transforms: dict[tuple[str, str], Array]  # fixed ones: (parent, child) to T_parent_child
    damaged: DamagedMessages


def find_odometry(bag: Bag, name: str | None) -> str | None:
    """Choose the odometry topic of a bag.

    Args:
        bag: an open bag.
        name: the topic; "none" for no odometry; None selects /odom, or the only odometry topic.

    Raises:
        BagError: the named topic is missing, or one of several topics must be named.
    """
    topics = sorted(t.name for t in bag.topics.values() if t.type == ODOMETRY and t.count)
    if name == NONE:
        return None
    if name is not None:
        if name not in topics:
            choices = ", ".join(topics) or NONE
            raise BagError(f"{bag.path} has no odometry {name}; --odometry can be: {choices}")
        return name
    if len(topics) > 1 and "/odom" not in topics:
        raise BagError(
            f"{bag.path} has {len(topics)} odometry topics; choose one with --odometry: "
            + ", ".join(topics)
        )
    return "/odom" if "/odom" in topics else (topics[0] if topics else None)


def scan_bag(
    bag: Bag, camera: CameraTopics, odometry: str | None, calibration: Path | None
) -> Scan:
    """Read calibration, odometry and transforms of a bag.

    Args:
        bag: an open bag.
        camera: the camera, of which CameraInfo is read if it has a topic.
        odometry: odometry topic; None reads neither odometry nor transforms.
        calibration: camera_calibration YAML file that replaces CameraInfo.

    Raises:
        BagError: the bag has no CameraInfo, or the calibration changes.
    """
    samples: list[tuple[int, tuple[float, ...]]] = []
    child = ""
    transforms, damaged = FixedTransforms(), DamagedMessages()
    calibrations = ConstantCalibration(bag, camera, damaged)
    wanted = [t for t in (camera.info, odometry) if t]
    if odometry:
        wanted += _transform_topics(bag)
    for message in bag.messages(wanted) if wanted else ():
        if message.topic == camera.info:
            calibrations.add(message)
            continue
        try:
            decoded = bag.decode(message)
        except FrameError as err:
            damaged.add(message.topic, str(err))
            continue
        if message.topic == odometry:
            sample: Odometry = decoded
            child = sample.child_frame_id or child
            if numbers := numbers_of(sample.pose.pose.position, sample.pose.pose.orientation):
                samples.append((stamp_of(sample, message), numbers))
        else:
            transforms.add(message.topic, decoded)
    if calibration is None:
        info = calibrations.result()
    else:
        info = read_camera_info(calibration, RosbagsMessages())
    return Scan(
        info,
        _camera_frame(bag, camera, info),
        child.lstrip("/"),
        samples,
        transforms.found,
        damaged,
    )


class FixedTransforms:
    """Transforms that do not change in a bag.

    They are published on /tf_static, where the last one is valid; robots with ROS 1 repeat them on
    /tf.
    """

    def __init__(self) -> None:
        self._static: dict[tuple[str, str], Array] = {}
        self._repeated: dict[tuple[str, str], Array] = {}
        self._moving: set[tuple[str, str]] = set()

    def add(self, topic: str, message: TFMessage) -> None:
        """Add the transforms of a message."""
        for t in message.transforms:
            key = (t.header.frame_id.lstrip("/"), t.child_frame_id.lstrip("/"))
            numbers = numbers_of(t.transform.translation, t.transform.rotation)
            if numbers is None:
                continue
            T = from_numbers(numbers)
            if topic.endswith(TF_STATIC):
                self._static[key] = T
            elif not np.allclose(self._repeated.setdefault(key, T), T, atol=1e-6):
                self._moving.add(key)

    @property
    def found(self) -> dict[tuple[str, str], Array]:
        """Return {(parent, child): T_parent_child}."""
        repeated = {key: T for key, T in self._repeated.items() if key not in self._moving}
        return repeated | self._static


def fixed_transforms(
    bag: Bag, damaged: DamagedMessages | None = None
) -> dict[tuple[str, str], Array]:
    """Return {(parent, child): T_parent_child} of a bag's /tf_static, and of /tf if constant."""
    transforms, damaged = FixedTransforms(), damaged or DamagedMessages()
    topics = _transform_topics(bag)
    for message in bag.messages(topics) if topics else ():
        try:
            transforms.add(message.topic, bag.decode(message))
        except FrameError as err:
            damaged.add(message.topic, str(err))
    return transforms.found


def _transform_topics(bag: Bag) -> list[str]:
    return [t.name for t in bag.topics.values() if t.type == TRANSFORMS and t.count]


def _camera_frame(bag: Bag, camera: CameraTopics, info: CameraInfo) -> str:
    if info.header.frame_id:
        return str(info.header.frame_id).lstrip("/")
    return frame_of(bag, camera.image)


def frame_of(bag: Bag, topic: str) -> str:
    """Return the frame of the first message of a topic that can be decoded, "" without one."""
    for message in bag.messages([topic]):
        with suppress(FrameError):
            return str(bag.decode(message).header.frame_id).lstrip("/")
    return ""


def stamp_of(message: Stamped, recorded: BagMessage) -> int:
    """Return the stamp of the header [ns], or the time of recording if the stamp is zero."""
    return stamp_ns(message.header.stamp) or recorded.stamp
