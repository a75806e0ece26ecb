# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration, odometry and fixed transforms of a bag."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jasmine_core.errors import BagError
from jasmine_core.geometry.rigid import Array, from_numbers
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.reader import Bag, BagMessage
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.calibration_file import read_camera_info
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.transforms import TRANSFORMS, numbers_of
from jasmine_ros.msgs.types import CameraInfo, Odometry, Stamped, TFMessage

ODOMETRY = "nav_msgs/msg/Odometry"
NONE = "none"
_STAMP_BYTES = 12  # CDR header and stamp (ROS 1: seq and stamp), which differ in each message


@dataclass(frozen=True)
class Scan:
    """Calibration, odometry and fixed transforms of a bag."""

    camera_info: CameraInfo
    frame: str  # of the camera
    child: str  # child frame of the odometry
    samples: list[tuple[int, tuple[float, ...]]]  # odometry: stamp [ns], T_odom_child
    transforms: dict[tuple[str, str], Array]  # fixed ones: (parent, child) to T_parent_child


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
    info: CameraInfo | None = None
    raw: bytes | None = None
    samples: list[tuple[int, tuple[float, ...]]] = []
    child = ""
    fixed: dict[tuple[str, str], Array] = {}
    moving: set[tuple[str, str]] = set()
    if calibration is not None:
        info = read_camera_info(calibration, RosbagsMessages())
    wanted = [t for t in (camera.info, odometry) if t]
    if odometry:
        wanted += [t.name for t in bag.topics.values() if t.type == TRANSFORMS and t.count]
    for message in bag.messages(wanted) if wanted else ():
        if message.topic == camera.info:
            if raw is not None and raw == message.raw[_STAMP_BYTES:]:
                continue
            latest: CameraInfo = bag.decode(message)
            if info is not None and not _same_camera(info, latest):
                at = (message.stamp - bag.start) * 1e-9
                raise BagError(
                    f"{camera.info} in {bag.path} changes after {at:.1f} s, but a sequence has one "
                    "K; split the bag there, or fix focus and zoom"
                )
            info, raw = info or latest, message.raw[_STAMP_BYTES:]
        elif message.topic == odometry:
            sample: Odometry = bag.decode(message)
            child = sample.child_frame_id or child
            if numbers := numbers_of(sample.pose.pose.position, sample.pose.pose.orientation):
                samples.append((stamp_of(sample, message), numbers))
        else:
            transforms: TFMessage = bag.decode(message)
            for t in transforms.transforms:
                key = (t.header.frame_id.lstrip("/"), t.child_frame_id.lstrip("/"))
                if numbers := numbers_of(t.transform.translation, t.transform.rotation):
                    T = from_numbers(numbers)
                    if key in fixed and not np.allclose(fixed[key], T, atol=1e-6):
                        moving.add(
                            key
                        )  # ROS 1 robots repeat fixed transforms on /tf, without a change
                    fixed.setdefault(key, T)
    if info is None:
        raise BagError(f"{camera.info} in {bag.path} has no messages")
    return Scan(
        info,
        _camera_frame(bag, camera, info),
        child.lstrip("/"),
        samples,
        {key: T for key, T in fixed.items() if key not in moving},
    )


def static_transforms(bag: Bag) -> dict[tuple[str, str], Array]:
    """Return {(parent, child): T_parent_child} of a bag's /tf_static."""
    topics = [
        t.name
        for t in bag.topics.values()
        if t.type == TRANSFORMS and t.count and t.name.endswith("tf_static")
    ]
    transforms = {}
    for message in bag.messages(topics) if topics else ():
        for stamped in bag.decode(message).transforms:
            names = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
            numbers = numbers_of(stamped.transform.translation, stamped.transform.rotation)
            if numbers:
                transforms[names] = from_numbers(numbers)
    return transforms


def _same_camera(a: CameraInfo, b: CameraInfo) -> bool:
    first, second = calibration_of(a), calibration_of(b)
    if (first.width, first.height) != (second.width, second.height):
        return False
    return all(
        np.allclose(getattr(first, name), getattr(second, name), rtol=5e-3, atol=1e-3)
        for name in ("K", "D", "P")
    )


def _camera_frame(bag: Bag, camera: CameraTopics, info: CameraInfo) -> str:
    if info.header.frame_id:
        return str(info.header.frame_id).lstrip("/")
    for message in bag.messages([camera.image]):
        return str(bag.decode(message).header.frame_id).lstrip("/")
    return ""


def stamp_of(message: Stamped, recorded: BagMessage) -> int:
    """Return the stamp of the header [ns], or the time of recording if the stamp is zero."""
    return stamp_ns(message.header.stamp) or recorded.stamp
