# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag with their true depth, from a folder of images or from another topic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from jasmine_core.errors import BagError, FrameError
from jasmine_core.evaluate.protocols import read_depth_image
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import project_points
from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.odometry import chain
from jasmine_ros.bags.reader import IMAGE, Bag, CameraTopics, choose_camera
from jasmine_ros.bags.scan import static_transforms
from jasmine_ros.msgs.images import decode, decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.point_clouds import read_points
from jasmine_ros.msgs.rectification import View, view_from

CLOUD = "sensor_msgs/msg/PointCloud2"
TOLERANCE = 50_000_000  # [ns] between an image and the ground truth that belongs to it

Depth = NDArray[np.float32]


class BagSamples:
    """Pair the images of a bag with ground truth; each call reads the bag anew.

    `ground_truth` is a folder of 16-bit PNG (metres x 256, named by stamp), or a topic: depth
    images of the same camera, or a LiDAR's clouds, which come to the camera through /tf_static.
    """

    def __init__(self, bag: Path, ground_truth: str, image: str | None, info: str | None) -> None:
        self._path, self._ground_truth, self._image, self._info = bag, ground_truth, image, info
        with Bag(bag) as source:
            self._camera(source)  # complain before anything long begins
            self.count = self._count(source)

    def __call__(self) -> Iterator[Sample]:
        """Yield every image that has ground truth."""
        with Bag(self._path) as bag:
            camera = self._camera(bag)
            view = _first_view(bag, camera)
            ground_truths = self._folder() if Path(self._ground_truth).is_dir() else None
            latest: tuple[int, Depth] | None = None
            T_camera_lidar: Array | None = None
            waiting: tuple[int, Any] | None = None
            topics = (
                [camera.image] if ground_truths is not None else [camera.image, self._ground_truth]
            )
            for message in bag.messages(topics):
                if message.topic == camera.image:
                    image = bag.decode(message)
                    stamp = stamp_ns(image.header.stamp)
                    if ground_truths is not None:
                        if stamp in ground_truths:
                            ground_truth = read_depth_image(ground_truths[stamp])
                            yield from _sample(stamp, image, ground_truth, view, camera)
                        continue
                    waiting = stamp, image
                else:
                    measured = bag.decode(message)
                    at = stamp_ns(measured.header.stamp)
                    if message.type == CLOUD:
                        if T_camera_lidar is None:
                            T_camera_lidar = _extrinsics(bag, camera, measured.header.frame_id)
                        latest = at, _from_cloud(measured, T_camera_lidar, view, self._ground_truth)
                    else:
                        latest = (
                            at,
                            np.nan_to_num(decode_depth(measured, self._ground_truth), nan=0),
                        )
                if waiting and latest and abs(waiting[0] - latest[0]) <= TOLERANCE:
                    yield from _sample(*waiting, latest[1], view, camera)
                    waiting = None

    @property
    def camera(self) -> Camera:
        """Return the camera of the images."""
        with Bag(self._path) as bag:
            return _first_view(bag, self._camera(bag)).camera

    def _camera(self, bag: Bag) -> CameraTopics:
        camera = choose_camera(bag, self._image, self._info)
        if camera.info is None:
            raise BagError(
                f"{bag.path} has no CameraInfo beside {camera.image}; name it with --camera-info"
            )
        return camera

    def _count(self, bag: Bag) -> int:
        if Path(self._ground_truth).is_dir():
            return len(self._folder())
        if self._ground_truth not in bag.topics or bag.topics[self._ground_truth].type not in (
            IMAGE,
            CLOUD,
        ):
            usable = sorted(t.name for t in bag.topics.values() if t.type in (IMAGE, CLOUD))
            raise BagError(
                f"ground truth {self._ground_truth} is neither a folder nor a depth or LiDAR topic "
                f"of {bag.path}; its topics of that kind: {', '.join(usable) or 'none'}"
            )
        return bag.topics[self._ground_truth].count

    def _folder(self) -> dict[int, Path]:
        files = {int(f.stem): f for f in Path(self._ground_truth).glob("*.png") if f.stem.isdigit()}
        if not files:
            raise BagError(f"{self._ground_truth} holds no PNG named after a stamp in nanoseconds")
        return files


def _first_view(bag: Bag, camera: CameraTopics) -> View:
    assert camera.info is not None
    for message in bag.messages([camera.info]):
        return view_from(bag.decode(message), camera.image, camera.info)
    raise BagError(f"{camera.info} in {bag.path} holds no message")


def _sample(
    stamp: int, image: Any, ground_truth: Depth, view: View, camera: CameraTopics
) -> Iterator[Sample]:
    """Yield the sample, or nothing and a line about why."""
    try:
        rgb = view(decode(image, camera.image))
    except FrameError as err:
        tqdm.write(f"warn: {err}")
        return
    yield Sample(stamp, rgb, ground_truth, float(view.camera.K[0, 0]))


def _extrinsics(bag: Bag, camera: CameraTopics, lidar: str) -> Array:
    """Return T_camera_lidar."""
    for message in bag.messages([camera.image]):
        frame = bag.decode(message).header.frame_id.lstrip("/")
        T = chain(static_transforms(bag), frame, lidar.lstrip("/"))
        if T is not None:
            return T
        raise BagError(f"no fixed transform in {bag.path} leads from {lidar!r} to {frame!r}")
    raise BagError(f"{camera.image} in {bag.path} holds no message")


def _from_cloud(cloud: Any, T_camera_lidar: Array, view: View, topic: str) -> Depth:
    points = read_points(cloud, topic) @ T_camera_lidar[:3, :3].T + T_camera_lidar[:3, 3]
    return np.nan_to_num(project_points(points.astype(np.float32), view.camera), nan=0)
