# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Segments of a recording with the signals of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import BagError, FrameError
from jasmine_core.evaluate.mining import Segment, segment_of
from jasmine_core.prepare.options import PrepareOptions
from jasmine_ros.bags.camera_topics import choose_calibrated_camera
from jasmine_ros.bags.find import Recording
from jasmine_ros.bags.reader import Bag, without_strays
from jasmine_ros.bags.recorded_images import RecordedImages
from jasmine_ros.bags.scan import scan_bag

if TYPE_CHECKING:
    from jasmine_core.evaluate.unknowns import Signals, UnknownsMeter

_APART = 80_000_000  # [ns] least time between the two images of a pair
_LONGEST = 1_000_000_000  # [ns] largest time between them


@dataclass(frozen=True)
class MineOptions:
    """Topics, and the parts of recordings that are measured."""

    image: str | None = None  # topic; None: the only camera of the bag
    camera_info: str | None = None
    calibration: Path | None = None
    seconds: float = 5.0  # length of a segment
    rate: float = 1.0  # [Hz] of measured pairs of images
    width: int = 0  # [px] of the images; 0: that of `jasmine prepare`
    height: int = 0


@dataclass(frozen=True)
class MinedSegment:
    """Segment with its middle image."""

    segment: Segment
    image: NDArray[np.uint8]  # [H,W,3]


def mine_bag(
    recording: Recording,
    meter: UnknownsMeter,
    options: MineOptions,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[MinedSegment]:
    """Yield the segments of a recording that have a pair of usable images.

    Raises:
        BagError: the recording cannot be used.
    """
    with Bag(recording.path) as bag:
        camera = choose_calibrated_camera(
            bag, options.image, options.camera_info, options.calibration
        )
        scan = scan_bag(bag, camera, None, options.calibration)
        prepared = PrepareOptions(width=options.width, height=options.height)
        images = RecordedImages(bag, camera, scan, prepared)
        stamps = without_strays(bag.stamps(camera.image))
        if not stamps:
            raise BagError(f"{recording.path} has no images in {camera.image}")
        length = round(options.seconds * 1e9)
        for start in range(stamps[0], stamps[-1] + 1, length):
            found: list[tuple[Signals, NDArray[np.uint8]]] = []
            for before, image in _pairs(images, start, start + length, options.rate):
                if stop():
                    return
                try:
                    found.append((meter(before, image, images.camera), image))
                except FrameError:
                    continue
            if found:
                signals = [one for one, _ in found]
                segment = segment_of(recording.name, start, start + length, signals)
                yield MinedSegment(segment, found[len(found) // 2][1])


def _pairs(
    images: RecordedImages, start: int, stop: int, rate: float
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield pairs of images that were recorded shortly after each other."""
    due, first = start, None
    for message in images.bag.messages([images.topics.image], start, stop):
        if first is None and message.stamp < due:
            continue
        if first is not None and message.stamp - first[0] < _APART:
            continue
        try:
            image = images.read(images.bag.decode(message))
        except FrameError:
            continue
        if first is None or message.stamp - first[0] > _LONGEST:
            first = message.stamp, image
            continue
        yield first[1], image
        due, first = first[0] + round(1e9 / rate), None
