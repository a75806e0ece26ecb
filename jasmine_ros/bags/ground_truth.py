# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag paired with ground-truth depth, from a folder of PNG files or from a topic."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import BagError, FrameError
from jasmine_core.evaluate.pairing import later_ones, pair_nearest, smallest_gap
from jasmine_core.evaluate.protocols import read_depth_image
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import project_points
from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.odometry import chain
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import CameraTopics, choose_calibrated_camera
from jasmine_ros.bags.constant_calibration import constant_camera_info
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.reader import IMAGE, Bag
from jasmine_ros.bags.scan import fixed_transforms, frame_of, stamp_of
from jasmine_ros.msgs.encodings import MAX_PIXELS
from jasmine_ros.msgs.images import decode, decode_depth
from jasmine_ros.msgs.point_clouds import read_points
from jasmine_ros.msgs.rectification import View, view_from
from jasmine_ros.msgs.types import CameraInfo, PointCloud2

CLOUD = "sensor_msgs/msg/PointCloud2"
TOLERANCE = 50_000_000  # [ns] largest difference between the stamps of an image and its depth

Depth = NDArray[np.float32]  # [H,W] m, 0 where unknown

_log = logging.getLogger(__name__)


class BagSamples:
    """Images of a bag with their ground-truth depth; each call reads the bag again.

    Each ground truth is used once, for the image that is nearest in time, at most TOLERANCE away.
    Stamps are those of `jasmine prepare`: the time of recording replaces zero, and an image whose
    stamp is not between those around it is left out.

    Args:
        bag: path of the bag.
        ground_truth: a folder of 16-bit PNG files (depth in metres x 256, named by the stamp of the
            image in nanoseconds); or a topic with depth images of the same camera; or a topic with
            LiDAR clouds, which /tf_static relates to the camera.
        image: image topic; None selects the only camera of the bag.
        info: CameraInfo topic; None selects the one in the namespace of the image topic.
        calibration: camera_calibration YAML file that replaces the CameraInfo of the bag.
        bits: number of bits that the camera uses in 16-bit images; 0 finds the range.
        max_pixels: largest number of pixels of an image; larger ones are left out.
    """

    def __init__(
        self,
        bag: Path,
        ground_truth: str,
        image: str | None = None,
        info: str | None = None,
        calibration: Path | None = None,
        bits: int = 0,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._bits, self._max_pixels = bits, max_pixels
        self._path, self._ground_truth, self._calibration = bag, ground_truth, calibration
        self._intensities = IntensityRange(self._bits)
        self.damaged = DamagedMessages()
        self._counted: set[tuple[str, int]] = set()
        self._info: CameraInfo | None = None
        self._extrinsics: dict[str, Array] = {}  # T_camera_lidar by the frame of the LiDAR
        with Bag(bag) as source:  # errors of the user are found before a network is loaded
            self._topics = choose_calibrated_camera(source, image, info, calibration)
            self._pairs = (
                self._pair_files(source)
                if Path(ground_truth).is_dir()
                else self._pair_messages(source)
            )

    @property
    def count(self) -> int:
        """Return the number of images with ground truth."""
        return len(self._pairs)

    def __call__(self) -> Iterator[Sample]:
        """Yield every image that has ground truth and can be decoded."""
        self._intensities = IntensityRange(self._bits)
        with Bag(self._path) as bag:
            bag.decode_video(self._topics.image)
            view = self._view(bag)
            decode_pairs = (
                self._with_files if Path(self._ground_truth).is_dir() else self._with_topic
            )
            yield from decode_pairs(bag, view)

    @property
    def camera(self) -> Camera:
        """Return the camera of the rectified images."""
        with Bag(self._path) as bag:
            return self._view(bag).camera

    @property
    def assumption(self) -> str:
        """Return what was assumed about 16-bit values; empty for images of 8 bits."""
        return self._intensities.assumption

    # ------------------------------------------------------------------ pairs

    def _pair_files(self, bag: Bag) -> dict[int, tuple[int, Path]]:
        """Return {number of the image's message: its stamp [ns], its file}."""
        files = self._files()
        pairs = {}
        for number, stamp in self._stamps(bag, self._topics.image):
            if stamp in files:
                pairs[number] = stamp, files.pop(stamp)
        if not pairs:
            raise BagError(
                f"no PNG file in {self._ground_truth} has the stamp of an image on "
                f"{self._topics.image}; name each file by the stamp of its image in nanoseconds"
            )
        return pairs

    def _pair_messages(self, bag: Bag) -> dict[int, tuple[int, int]]:
        """Return {number of the image's message: its stamp [ns], number of its ground truth}."""
        self._expect_topic(bag)
        images = self._stamps(bag, self._topics.image)
        depths = self._stamps(bag, self._ground_truth)
        stamps, others = [s for _, s in images], [s for _, s in depths]
        pairs = pair_nearest(stamps, others, TOLERANCE)
        if not pairs:
            apart = ""
            if stamps and others:
                apart = f"; the smallest gap is {smallest_gap(stamps, others) / 1e9:.3f} s"
            raise BagError(
                f"no message on {self._ground_truth} is within {TOLERANCE / 1e6:.0f} ms of an "
                f"image on {self._topics.image}{apart}; stamp both with one clock"
            )
        _log.info(
            "%d of %d ground truths are within %.0f ms of an image",
            len(pairs),
            len(depths),
            TOLERANCE / 1e6,
        )
        return {images[i][0]: (images[i][1], depths[j][0]) for i, j in pairs.items()}

    def _stamps(self, bag: Bag, topic: str) -> list[tuple[int, int]]:
        """Return (number, stamp [ns]) of the messages of a topic whose stamps are in order.

        Raises:
            BagError: the stamps of most messages are not.
        """
        numbers, stamps = [], []
        for number, message in enumerate(bag.messages([topic])):
            try:
                stamps.append(stamp_of(bag.decode(message), message))
                numbers.append(number)
            except FrameError as err:
                self._skip(message, err)
        kept = later_ones(stamps)
        late = len(stamps) - len(kept)
        text = (
            f"the timestamps of {late} of {len(stamps)} messages on {topic} are out of order; "
            "check the clock of the driver"
        )
        if late > len(stamps) / 2:
            raise BagError(f"{bag.path}: {text}")
        if late:
            _log.warning("%s; they are not used", text)
        return [(numbers[i], stamps[i]) for i in kept]

    def _skip(self, message: BagMessage, err: FrameError) -> None:
        """Count a damaged message once, although the bag is read several times."""
        key = message.topic, message.stamp
        if key not in self._counted:
            self._counted.add(key)
            self.damaged.add(message.topic, str(err))

    # ------------------------------------------------------------------ samples

    def _with_files(self, bag: Bag, view: View) -> Iterator[Sample]:
        pairs = cast(dict[int, tuple[int, Path]], self._pairs)
        for number, message in enumerate(bag.messages([self._topics.image])):
            if number not in pairs:
                continue
            stamp, file = pairs[number]
            try:
                depth = read_depth_image(file)
            except FrameError as err:
                _log.warning("%s", err)
                continue
            yield from self._sample(stamp, message, depth, bag, view)

    def _with_topic(self, bag: Bag, view: View) -> Iterator[Sample]:
        pairs = cast(dict[int, tuple[int, int]], self._pairs)
        image_of = {ground_truth: number for number, (_, ground_truth) in pairs.items()}
        images: dict[int, BagMessage] = {}
        depths: dict[int, BagMessage] = {}
        counts = {self._topics.image: 0, self._ground_truth: 0}
        for message in bag.messages(list(counts)):
            number = counts[message.topic]
            counts[message.topic] += 1
            if message.topic == self._topics.image:
                if number not in pairs:
                    continue
                images[number] = message
            else:
                if number not in image_of:
                    continue
                depths[number] = message
                number = image_of[number]
            stamp, other = pairs[number]
            if number in images and other in depths:
                image, ground_truth = images.pop(number), depths.pop(other)
                try:
                    depth = self._depth(bag, ground_truth, view)
                except FrameError as err:
                    self._skip(ground_truth, err)
                    continue
                yield from self._sample(stamp, image, depth, bag, view)

    def _depth(self, bag: Bag, message: BagMessage, view: View) -> Depth:
        decoded = bag.decode(message)
        if message.type != CLOUD:
            return np.nan_to_num(decode_depth(decoded, self._ground_truth), nan=0)
        lidar = decoded.header.frame_id.lstrip("/")
        if lidar not in self._extrinsics:
            self._extrinsics[lidar] = _extrinsics(bag, self._topics, lidar, self.damaged)
        return _from_cloud(decoded, self._extrinsics[lidar], view, self._ground_truth)

    def _sample(
        self, stamp: int, message: BagMessage, depth: Depth, bag: Bag, view: View
    ) -> Iterator[Sample]:
        """Yield the sample; count the message instead if its image cannot be decoded."""
        try:
            image, topic = bag.decode(message), self._topics.image
            ranges, most = self._intensities, self._max_pixels
            rgb = view(decode(image, topic, intensities=ranges, max_pixels=most))
        except FrameError as err:
            self._skip(message, err)
            return
        yield Sample(stamp, rgb, depth, float(view.camera.K[0, 0]))

    def _view(self, bag: Bag) -> View:
        if self._info is None:
            self._info = constant_camera_info(bag, self._topics, self._calibration, self.damaged)
        source = self._topics.info or str(self._calibration)
        return view_from(self._info, self._topics.image, source)

    def _expect_topic(self, bag: Bag) -> None:
        usable = sorted(t.name for t in bag.topics.values() if t.type in (IMAGE, CLOUD))
        if self._ground_truth not in usable:
            raise BagError(
                f"ground truth {self._ground_truth} is neither a folder nor a depth or LiDAR topic "
                f"of {bag.path}; name an existing folder or one of its topics of these types: "
                f"{', '.join(usable) or 'none'}"
            )

    def _files(self) -> dict[int, Path]:
        """Return the PNG files of ground truth by stamp [ns]."""
        files = {int(f.stem): f for f in Path(self._ground_truth).glob("*.png") if f.stem.isdigit()}
        if not files:
            raise BagError(
                f"{self._ground_truth} has no PNG file named by a stamp in nanoseconds; name each "
                "file by the stamp of its image"
            )
        return files


def _extrinsics(bag: Bag, topics: CameraTopics, lidar: str, damaged: DamagedMessages) -> Array:
    """Return T_camera_lidar [4,4] from /tf_static, or from a constant transform on /tf."""
    frame = frame_of(bag, topics.image)
    T = chain(fixed_transforms(bag, damaged), frame, lidar)
    if T is None:
        raise BagError(
            f"/tf_static in {bag.path} has no transform from {lidar!r} to {frame!r}; record it "
            "with the extrinsics of the LiDAR"
        )
    return T


def _from_cloud(cloud: PointCloud2, T_camera_lidar: Array, view: View, topic: str) -> Depth:
    points = read_points(cloud, topic) @ T_camera_lidar[:3, :3].T + T_camera_lidar[:3, 3]  # [N,3]
    return np.nan_to_num(project_points(points.astype(np.float32), view.camera), nan=0)
