# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag paired with ground-truth depth, from a folder of PNG files or from a topic."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import BagError, FrameError
from jasmine_core.evaluate.protocols import read_depth_image
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import project_points
from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.odometry import chain
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.bags.camera_topics import (
    CameraTopics,
    choose_calibrated_camera,
    first_camera_info,
)
from jasmine_ros.bags.reader import IMAGE, Bag
from jasmine_ros.bags.scan import static_transforms
from jasmine_ros.msgs.images import decode, decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.point_clouds import read_points
from jasmine_ros.msgs.rectification import View, view_from
from jasmine_ros.msgs.types import CompressedImage, Image, PointCloud2

CLOUD = "sensor_msgs/msg/PointCloud2"
TOLERANCE = 50_000_000  # [ns] largest difference between the stamps of an image and its depth

Depth = NDArray[np.float32]  # [H,W] m, 0 where unknown

_log = logging.getLogger(__name__)


class BagSamples:
    """Images of a bag with their ground-truth depth; each call reads the bag again.

    Args:
        bag: path of the bag.
        ground_truth: a folder of 16-bit PNG files (depth in metres x 256, named by the stamp of the
            image in nanoseconds); or a topic with depth images of the same camera; or a topic with
            LiDAR clouds, which /tf_static relates to the camera.
        image: image topic; None selects the only camera of the bag.
        info: CameraInfo topic; None selects the one in the namespace of the image topic.
        calibration: camera_calibration YAML file that replaces the CameraInfo of the bag.
    """

    def __init__(
        self,
        bag: Path,
        ground_truth: str,
        image: str | None = None,
        info: str | None = None,
        calibration: Path | None = None,
    ) -> None:
        self._path, self._ground_truth, self._calibration = bag, ground_truth, calibration
        self._intensities = IntensityRange()
        with Bag(bag) as source:  # errors of the user are found before a network is loaded
            self._topics = choose_calibrated_camera(source, image, info, calibration)
            self.count = self._count(source)

    def __call__(self) -> Iterator[Sample]:
        """Yield every image that has ground truth and can be decoded."""
        self._intensities = IntensityRange()
        with Bag(self._path) as bag:
            pairs = self._with_files if Path(self._ground_truth).is_dir() else self._with_topic
            yield from pairs(bag, self._view(bag))

    @property
    def camera(self) -> Camera:
        """Return the camera of the rectified images."""
        with Bag(self._path) as bag:
            return self._view(bag).camera

    def _with_files(self, bag: Bag, view: View) -> Iterator[Sample]:
        files = self._files()
        for message in bag.messages([self._topics.image]):
            image: Image | CompressedImage = bag.decode(message)
            stamp = stamp_ns(image.header.stamp)
            if stamp in files:
                depth = read_depth_image(files[stamp])
                yield from self._sample(stamp, image, depth, view)

    def _with_topic(self, bag: Bag, view: View) -> Iterator[Sample]:
        waiting: tuple[int, Image | CompressedImage] | None = None
        latest: tuple[int, Depth] | None = None
        T_camera_lidar: Array | None = None
        for message in bag.messages([self._topics.image, self._ground_truth]):
            decoded = bag.decode(message)
            stamp = stamp_ns(decoded.header.stamp)
            if message.topic == self._topics.image:
                waiting = stamp, decoded
            elif message.type == CLOUD:
                if T_camera_lidar is None:
                    T_camera_lidar = _extrinsics(bag, self._topics, decoded.header.frame_id)
                latest = stamp, _from_cloud(decoded, T_camera_lidar, view, self._ground_truth)
            else:
                latest = stamp, np.nan_to_num(decode_depth(decoded, self._ground_truth), nan=0)
            if waiting and latest and abs(waiting[0] - latest[0]) <= TOLERANCE:
                yield from self._sample(*waiting, latest[1], view)
                waiting = None

    def _sample(
        self, stamp: int, image: Image | CompressedImage, depth: Depth, view: View
    ) -> Iterator[Sample]:
        """Yield the sample; log a warning instead if its image cannot be decoded."""
        try:
            rgb = view(decode(image, self._topics.image, intensities=self._intensities))
        except FrameError as err:
            _log.warning("%s", err)
            return
        yield Sample(stamp, rgb, depth, float(view.camera.K[0, 0]))

    def _view(self, bag: Bag) -> View:
        info = first_camera_info(bag, self._topics, self._calibration)
        source = self._topics.info or str(self._calibration)
        return view_from(info, self._topics.image, source)

    def _count(self, bag: Bag) -> int:
        if Path(self._ground_truth).is_dir():
            return len(self._files())
        usable = {t.name: t.count for t in bag.topics.values() if t.type in (IMAGE, CLOUD)}
        if self._ground_truth not in usable:
            raise BagError(
                f"ground truth {self._ground_truth} is neither a folder nor a depth or LiDAR topic "
                f"of {bag.path}; its topics of these types: {', '.join(sorted(usable)) or 'none'}"
            )
        return usable[self._ground_truth]

    def _files(self) -> dict[int, Path]:
        """Return the PNG files of ground truth by stamp [ns]."""
        files = {int(f.stem): f for f in Path(self._ground_truth).glob("*.png") if f.stem.isdigit()}
        if not files:
            raise BagError(
                f"{self._ground_truth} has no PNG file named by a stamp in nanoseconds; name each "
                "file by the stamp of its image"
            )
        return files


def _extrinsics(bag: Bag, topics: CameraTopics, lidar: str) -> Array:
    """Return T_camera_lidar [4,4] from /tf_static."""
    for message in bag.messages([topics.image]):
        frame = bag.decode(message).header.frame_id.lstrip("/")
        T = chain(static_transforms(bag), frame, lidar.lstrip("/"))
        if T is not None:
            return T
        raise BagError(
            f"/tf_static in {bag.path} has no transform from {lidar!r} to {frame!r}; record it "
            "with the extrinsics of the LiDAR"
        )
    raise BagError(f"{topics.image} in {bag.path} has no messages")


def _from_cloud(cloud: PointCloud2, T_camera_lidar: Array, view: View, topic: str) -> Depth:
    points = read_points(cloud, topic) @ T_camera_lidar[:3, :3].T + T_camera_lidar[:3, 3]  # [N,3]
    return np.nan_to_num(project_points(points.astype(np.float32), view.camera), nan=0)
