# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera poses of the images of a bag from its odometry, for temporal metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from jasmine_core.errors import BagError
from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera
from jasmine_core.prepare.odometry import Odometry, chain
from jasmine_ros.bags.camera_topics import choose_calibrated_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.scan import find_odometry, scan_bag

_log = logging.getLogger(__name__)


def read_odometry(
    path: Path, image: str | None, info: str | None, calibration: Path | None, topic: str | None
) -> Odometry | None:
    """Return the poses of a bag's camera; without usable odometry None, and a warning.

    Args:
        path: path of the bag.
        image: image topic; None selects the only camera of the bag.
        info: CameraInfo topic; None selects the one in the namespace of the image topic.
        calibration: camera_calibration YAML file that replaces the CameraInfo of the bag.
        topic: odometry topic; "none" for no odometry; None selects /odom, or the only one.

    Raises:
        BagError: the bag has no odometry `topic`.
    """
    with Bag(path) as bag:
        try:
            name = find_odometry(bag, topic)
            if name is None:
                return None
            camera = choose_calibrated_camera(bag, image, info, calibration)
            scan = scan_bag(bag, camera, name, calibration)
        except BagError as err:
            if topic is not None:
                raise
            _log.warning("the odometry is not used for temporal metrics: %s", err)
            return None
    T_child_camera = chain(scan.transforms, scan.child, scan.frame)
    if len(scan.samples) < 2 or T_child_camera is None:
        _log.warning(
            "the odometry is not used for temporal metrics: %s has %d usable poses of %r, and %s "
            "transform from it to the camera frame %r",
            name,
            len(scan.samples),
            scan.child,
            "no" if T_child_camera is None else "a",
            scan.frame,
        )
        return None
    return Odometry(scan.samples, T_child_camera)


def with_poses(
    read: Callable[[], Iterable[Sample]], odometry: Odometry, camera: Camera
) -> Iterator[Sample]:
    """Yield samples with their poses; a jump or a gap of the odometry begins a clip.

    A sample whose ground truth does not have the size of the camera's image gets no pose.
    """
    clip, last = 0, None
    for sample in read():
        if last is not None and odometry.between(last, sample.stamp) is None:
            clip += 1
        last = sample.stamp
        T_world_camera = odometry.pose(sample.stamp)
        if T_world_camera is None or sample.ground_truth.shape[::-1] != camera.size:
            yield sample
        else:
            yield replace(sample, pose=ClipPose(clip, camera.K, T_world_camera))
