# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a bag says about its camera beside the images: calibration, odometry, fixed transforms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

ODOMETRY = "nav_msgs/msg/Odometry"
NONE = "none"
_STAMP_BYTES = 12  # of a serialised header; what follows is equal while a camera stays the same


@dataclass(frozen=True)
class Scan:
    """What a bag says about its camera beside the images."""

    camera_info: Any  # message
    frame: str  # of the camera
    child: str  # of the odometry
    samples: list[tuple[int, tuple[float, ...]]]  # of the odometry: stamp, T_odom_child
    transforms: dict[tuple[str, str], Array]  # (parent, child) to T_parent_child, fixed ones


def find_odometry(bag: Bag, asked: str | None) -> str | None:
    """Choose the odometry of a bag: the one that is named, else /odom or the only one there is."""
    topics = sorted(t.name for t in bag.topics.values() if t.type == ODOMETRY and t.count)
    if asked == NONE:
        return None
    if asked is not None:
        if asked not in topics:
            there = ", ".join(topics) or NONE
            raise BagError(f"{bag.path} has no odometry {asked}; --odometry can be: {there}")
        return asked
    if len(topics) > 1 and "/odom" not in topics:
        raise BagError(
            f"{bag.path} has {len(topics)} odometry topics; choose one with --odometry: "
            + ", ".join(topics)
        )
    return "/odom" if "/odom" in topics else (topics[0] if topics else None)


def scan_bag(
    bag: Bag, camera: CameraTopics, odometry: str | None, calibration: Path | None
) -> Scan:
    """Read everything but the images; `calibration` is a file that replaces CameraInfo."""
    info = raw = None
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
            latest = bag.decode(message)
            if info is not None and not _same_camera(info, latest):
                at = (message.stamp - bag.start) * 1e-9
                raise BagError(
                    f"{camera.info} in {bag.path} changes after {at:.1f} s; one sequence has one "
                    "K: cut the bag there, or fix focus and zoom"
                )
            info, raw = info or latest, message.raw[_STAMP_BYTES:]
        elif message.topic == odometry:
            sample = bag.decode(message)
            child = sample.child_frame_id or child
            if numbers := numbers_of(sample.pose.pose.position, sample.pose.pose.orientation):
                samples.append((stamp_of(sample, message), numbers))
        else:
            for t in bag.decode(message).transforms:
                key = (t.header.frame_id.lstrip("/"), t.child_frame_id.lstrip("/"))
                if numbers := numbers_of(t.transform.translation, t.transform.rotation):
                    T = from_numbers(numbers)
                    if key in fixed and not np.allclose(fixed[key], T, atol=1e-6):
                        moving.add(key)  # on /tf only; a ROS 1 robot repeats fixed ones there
                    fixed.setdefault(key, T)
    if info is None:
        raise BagError(f"{camera.info} in {bag.path} holds no message")
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


def _same_camera(a: Any, b: Any) -> bool:
    first, second = calibration_of(a), calibration_of(b)
    if (first.width, first.height) != (second.width, second.height):
        return False
    return all(
        np.allclose(getattr(first, name), getattr(second, name), rtol=5e-3, atol=1e-3)
        for name in ("K", "D", "P")
    )


def _camera_frame(bag: Bag, camera: CameraTopics, info: Any) -> str:
    if info.header.frame_id:
        return str(info.header.frame_id).lstrip("/")
    for message in bag.messages([camera.image]):
        return str(bag.decode(message).header.frame_id).lstrip("/")
    return ""


def stamp_of(message: Any, recorded: BagMessage) -> int:
    """Return the stamp of the header [ns], or when it was recorded where nobody set it."""
    return stamp_ns(message.header.stamp) or recorded.stamp
