# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of ROS messages to archetypes of Rerun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.commands.view_layout import Cloud
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.encodings import RgbImage
from jasmine_ros.msgs.images import decode, decode_depth
from jasmine_ros.msgs.point_clouds import read_colours, read_points
from jasmine_ros.msgs.transforms import TRANSFORMS, numbers_of
from jasmine_ros.node.topics import COMPRESSED_TYPE, IMAGE_TYPE, INFO_TYPE, info_beside

# What one message shows: entity, what is logged there, and whether it is valid at all times.
Shown = Iterator[tuple[str, Any, bool]]


class Converter:
    """Converter of messages to Rerun archetypes; TF frames keep their names.

    An image is shown in the image plane of the camera whose CameraInfo is beside it.

    Args:
        rerun: module of the SDK.
        most_points: largest number of points of a cloud, of which evenly spaced ones are shown;
            None shows all.
    """

    def __init__(self, rerun: Any, most_points: int | None = None) -> None:
        self._rr, self._most_points = rerun, most_points
        self._placed: dict[str, str] = {}  # entity: frame
        self._intensities: defaultdict[str, IntensityRange] = defaultdict(IntensityRange)
        self.images: set[str] = set()
        self.clouds: dict[str, Cloud] = {}
        self.kinds: dict[str, Callable[[str, Any], Shown]] = {
            IMAGE_TYPE: self._image,
            COMPRESSED_TYPE: self._compressed,
            INFO_TYPE: self._camera_info,
            "sensor_msgs/msg/PointCloud2": self._cloud,
            TRANSFORMS: self._transforms,
        }

    def __call__(self, topic: str, kind: str, message: Any) -> Shown:
        """Yield what a message shows; `kind` is a key of `kinds`."""
        return self.kinds[kind](topic, message)

    def _image(self, topic: str, message: Any) -> Shown:
        self.images.add(topic)
        yield from self._place(topic, info_beside(topic))
        if message.encoding in ("32FC1", "16UC1"):
            yield topic, self._rr.DepthImage(decode_depth(message, topic), meter=1.0), False
        else:
            yield topic, self._rr.Image(self._decode(topic, message)), False

    def _compressed(self, topic: str, message: Any) -> Shown:
        self.images.add(topic)
        yield from self._place(topic, info_beside(topic))
        data = bytes(message.data)
        if data.startswith(b"\xff\xd8"):
            yield topic, self._rr.EncodedImage(contents=data, media_type="image/jpeg"), False
        else:
            yield topic, self._rr.Image(self._decode(topic, message)), False

    def _decode(self, topic: str, message: Any) -> RgbImage:
        return decode(message, topic, intensities=self._intensities[topic])

    def _camera_info(self, topic: str, message: Any) -> Shown:
        camera = calibration_of(message, topic).rectified_camera
        pinhole = self._rr.Pinhole(
            image_from_camera=camera.K,
            width=camera.width,
            height=camera.height,
            parent_frame=message.header.frame_id.lstrip("/"),
            child_frame=topic,
        )
        yield topic, pinhole, False

    def _cloud(self, topic: str, message: Any) -> Shown:
        frame = message.header.frame_id.lstrip("/")
        yield from self._place(topic, frame)
        points, colours = read_points(message, topic), read_colours(message, topic)
        if self._most_points is not None:
            step = max(1, -(-len(points) // self._most_points))
            points, colours = points[::step], None if colours is None else colours[::step]
        known = np.isfinite(points).all(axis=1)
        if topic not in self.clouds and known.any():
            distance = float(np.median(np.linalg.norm(points[known], axis=1)))
            self.clouds[topic] = Cloud(frame, distance)
        some = None if colours is None else colours[known]
        yield topic, self._rr.Points3D(points[known], colors=some), False

    def _transforms(self, topic: str, message: Any) -> Shown:
        for stamped in message.transforms:
            parent, child = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
            numbers = numbers_of(stamped.transform.translation, stamped.transform.rotation)
            if numbers is None:
                continue
            transform = self._rr.Transform3D(
                translation=numbers[:3],
                quaternion=numbers[3:],
                parent_frame=parent,
                child_frame=child,
            )
            yield f"{topic}/{child}", transform, topic.endswith("_static")

    def _place(self, entity: str, frame: str) -> Shown:
        """Yield the frame of an entity if it is new or has changed."""
        if self._placed.get(entity) != frame:
            self._placed[entity] = frame
            yield entity, self._rr.CoordinateFrame(frame), True
