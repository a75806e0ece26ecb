# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages of a recording in Rerun: images, depth, point clouds, frames and curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from tqdm import tqdm

from jasmine_core.errors import BagError, CameraError, FrameError, JasmineError
from jasmine_core.runtime.statistics import median_depth
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.reader import IMAGE, Bag
from jasmine_ros.bags.scan import ODOMETRY
from jasmine_ros.commands.view_messages import Converter
from jasmine_ros.commands.view_sampling import Sampler
from jasmine_ros.commands.view_target import Target
from jasmine_ros.commands.view_topics import (
    MOST_POINTS,
    Chosen,
    choose_messages,
    choose_topics,
    shown_size,
    time_of,
)
from jasmine_ros.msgs.images import decode_depth
from jasmine_ros.msgs.transforms import TRANSFORMS, numbers_of
from jasmine_ros.node.topics import DEPTH, LATENCY, OUTPUTS

CURVES = "/curves"  # entity above all curves
Show = Callable[[Target], None]


def recording_view(path: Path) -> Show:
    """Return a function that shows a recording.

    Raises:
        BagError: the recording cannot be read, or has nothing to show.
    """
    with Bag(path) as bag:
        chosen = choose_topics(bag)

    def show(target: Target) -> None:
        show_recording(target, path, chosen)

    return show


def show_recording(
    target: Target, path: Path, chosen: Chosen, stamps: Collection[int] = ()
) -> Sampler:
    """Log the messages of a recording one after the other; damaged ones are left out.

    Args:
        target: recording of Rerun.
        path: recording.
        chosen: topics to show.
        stamps: stamps [ns] of the images to show; by default they are evenly spaced.

    Returns:
        The messages that were chosen.
    """
    with Bag(path) as bag:
        if chosen.video:
            bag.decode_video(chosen.video)
        player = _Player(target, bag, choose_messages(bag, chosen, target.max_frames), stamps)
        total = sum(bag.topics[name].count for name in chosen.names)
        messages = bag.messages(chosen.names)
        try:
            for message in tqdm(messages, total=total, unit="message", desc="view", leave=False):
                player(message)
                if target.is_full:
                    break
        except BagError as err:  # The messages before the damage are shown.
            target.warn("damage", str(err))
        player.finish()
    return player.sampler


class _Player:
    """Conversion of the messages of one recording."""

    def __init__(self, target: Target, bag: Bag, sampler: Sampler, stamps: Collection[int]) -> None:
        self.sampler = sampler
        self._target, self._bag, self._stamps = target, bag, set(stamps)
        self._converter = Converter(target.rr, MOST_POINTS)

    def __call__(self, message: BagMessage) -> None:
        """Log a message, or warn once of a topic whose messages are damaged."""
        try:
            self._log(message)
        except (BagError, FrameError, CameraError) as err:  # These name the topic.
            self._target.warn(message.topic, str(err))
        except JasmineError:
            raise
        except Exception as err:  # Damaged bytes may raise anything in a parser.
            text = f"a message on {message.topic} cannot be shown: {err}"
            self._target.warn(message.topic, text)

    def finish(self) -> None:
        """Give the images and clouds that were shown a place in the layout."""
        self._target.images.extend(self._converter.images)
        self._target.clouds.update(self._converter.clouds)

    def _log(self, message: BagMessage) -> None:
        topic, kind = message.topic, message.type if message.image is None else IMAGE
        if kind == TRANSFORMS:
            self._log_transforms(message)
            return
        decoded = self._bag.decode(message)
        stamp = time_of(decoded, message)
        if self._stamps and stamp not in self._stamps:
            return
        if not self.sampler.takes(topic, stamp):
            return
        self._target.at(stamp)
        if kind == OUTPUTS[LATENCY]:
            if math.isfinite(decoded.data):
                self._target.curve(f"{CURVES}{topic}", float(decoded.data))
        elif kind == ODOMETRY:
            self._log_odometry(topic, decoded)
        else:
            for entity, archetype, static in self._converter(topic, kind, decoded):
                self._target.log(entity, archetype, shown_size(decoded), static)
            if topic.endswith(DEPTH) and kind == IMAGE:
                median = median_depth(decode_depth(decoded, topic))
                if median is not None:
                    self._target.curve(f"{CURVES}{topic}/median", median)

    def _log_transforms(self, message: BagMessage) -> None:
        decoded = self._bag.decode(message)
        stamp = time_of(decoded, message)
        for entity, archetype, static in self._converter(message.topic, TRANSFORMS, decoded):
            if self.sampler.takes(entity, stamp):
                if not static:
                    self._target.at(stamp)
                self._target.log(entity, archetype, shown_size(decoded), static)

    def _log_odometry(self, topic: str, message: Any) -> None:
        """Log the pose of an Odometry as the transform between its frames."""
        pose, parent = message.pose.pose, message.header.frame_id.lstrip("/")
        numbers = numbers_of(pose.position, pose.orientation)
        if numbers is None:
            return
        transform = self._target.rr.Transform3D(
            translation=numbers[:3],
            quaternion=numbers[3:],
            parent_frame=parent,
            child_frame=message.child_frame_id.lstrip("/"),
        )
        self._target.log(topic, transform, shown_size(message))
