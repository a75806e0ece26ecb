# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of one camera of a recording, rectified and resized for a sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from jasmine_core.dataset.sequence import RgbImage
from jasmine_core.errors import BagError, FrameError
from jasmine_core.geometry.intrinsics import require_intrinsics
from jasmine_core.prepare.optical_flow import View, allowed_points, view_of
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.prepare.sequence_builder import placement
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.reader import Bag, without_strays
from jasmine_ros.bags.scan import Scan, stamp_of
from jasmine_ros.msgs.images import decode
from jasmine_ros.msgs.rectification import view_from
from jasmine_ros.msgs.types import CompressedImage, Image

_RANGE_IMAGES = 30  # images from which the range of 16-bit values is found
_VIEW_STEP = 90_000_000  # [ns] between the images that are compared with odometry


class RecordedImage(NamedTuple):
    """One image of a recording."""

    log: int  # [ns] time of recording
    stamp: int  # [ns]
    read: Callable[[], RgbImage]  # may raise FrameError
    damaged: bool = False

    @property
    def known_stamp(self) -> int | None:
        """Return the timestamp [ns], None for a message that cannot be decoded."""
        return None if self.damaged else self.stamp


class RecordedImages:
    """Images of one camera, rectified and resized."""

    def __init__(self, bag: Bag, topics: CameraTopics, scan: Scan, options: PrepareOptions) -> None:
        self.bag, self.topics, self.scan = bag, topics, scan
        self._intensities = _find_range(bag, topics.image, options)
        self._max_pixels = options.max_image_pixels
        info = topics.info or "the calibration file"
        self.view = view_from(scan.camera_info, topics.image, info, options.rectify)
        full = self.view.camera
        self.transform = placement(options, full.size)
        self.camera = self.transform.camera(full)
        require_intrinsics(self.camera.K, self.camera.size, "K of the prepared images")
        lens = self.view.seen
        valid = np.ones((full.height, full.width), np.float32) if lens is None else lens
        inside = self.transform.map(valid)
        self.seen = np.nan_to_num(inside, nan=0.0) > 0.99  # [H,W] covered by the raw image

    def read(self, message: Image | CompressedImage) -> RgbImage:
        """Return the image of a message as the sequence stores it."""
        most = self._max_pixels
        rgb = decode(message, self.topics.image, intensities=self._intensities, max_pixels=most)
        return self.transform.image(self.view(rgb))

    @property
    def input_facts(self) -> dict[str, str]:
        """Return the assumptions about the images, by subject."""
        ranges, facts = self._intensities, {"rectification": self.view.decision}
        if assumption := ranges.assumption:
            low, high = ranges.limits
            facts["input_values"] = f"{assumption}, {low} to {high} become 0 to 255"
        return facts

    def decode(self, message: BagMessage) -> RecordedImage:
        """Return the image of a message, which cannot be read if the message is damaged."""
        try:
            image = self.bag.decode(message)
        except FrameError as err:
            reason = str(err)

            def fail() -> RgbImage:
                raise FrameError(reason)

            return RecordedImage(message.stamp, message.stamp, fail, damaged=True)
        return RecordedImage(message.stamp, stamp_of(image, message), lambda: self.read(image))

    def views(self, start: int, stop: int) -> Iterator[tuple[int, View]]:
        """Yield stamp [ns] and view of some of the images recorded from start to stop [ns]."""
        allowed = allowed_points(self.camera, self.seen)
        due = start
        for message in self.bag.messages([self.topics.image], start, stop):
            if message.stamp < due:
                continue
            due = message.stamp + _VIEW_STEP
            try:
                image = self.bag.decode(message)
                view = view_of(self.read(image), self.camera, allowed)
            except FrameError:
                continue
            yield stamp_of(image, message), view


def _find_range(bag: Bag, topic: str, options: PrepareOptions) -> IntensityRange:
    """Return one range of 16-bit images for a whole recording, found from some of its images.

    A range that followed the images would depend on where an interrupted run was continued.
    """
    ranges, stamps = IntensityRange(options.bits), without_strays(bag.stamps(topic))
    chosen = np.linspace(0, len(stamps) - 1, _RANGE_IMAGES, dtype=int) if stamps else ()
    for at in sorted({stamps[i] for i in chosen}):
        with suppress(FrameError, BagError):
            message = next(bag.messages([topic], at), None)
            if message is None:
                continue
            image = bag.decode(message)
            decode(image, topic, intensities=ranges, max_pixels=options.max_image_pixels)
            if not ranges.assumption:  # the images have 8 bits
                break
    ranges.hold()
    return ranges
