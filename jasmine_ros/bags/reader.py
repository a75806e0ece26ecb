# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of bags of ROS 1 (`.bag`) and ROS 2 (sqlite3 and mcap), compressed or not.

Only the topics that are read need be understood: a bag may hold others of any type and encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from jasmine_core.errors import BagError, FrameError
from jasmine_core.store.errors import StoreError
from jasmine_core.store.paths import is_folder
from jasmine_ros.bags.bag_message import BagMessage, type_of
from jasmine_ros.bags.bag_path import bag_path
from jasmine_ros.bags.connection import Connection, RefusedError, Storage, full_name
from jasmine_ros.bags.definitions import missing_field, typestore
from jasmine_ros.bags.mcap_file import McapFile
from jasmine_ros.bags.ros1_file import Ros1File
from jasmine_ros.bags.rosbag2_folder import Rosbag2Folder
from jasmine_ros.bags.sqlite_file import SqliteFile
from jasmine_ros.bags.video_topic import VideoTopic
from jasmine_ros.msgs.encodings import MAX_PIXELS
from jasmine_ros.msgs.video import decodes

IMAGE, COMPRESSED, CAMERA_INFO = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo")
)
_FORMATS: dict[str, Callable[[Path], Storage]] = {
    ".bag": Ros1File,
    ".mcap": McapFile,
    ".db3": SqliteFile,
}
# For a damaged file, the parsers of rosbags raise errors of their own, of Python, of SQLite and of
# the compression libraries. Their only common base is Exception.
_DAMAGE = Exception
LAST_TIME = 2**31 * 10**9 - 1  # [ns] that builtin_interfaces/Time can represent
_STRAY_SHARE = 100  # one image of so many, or a single one, may be stray at each end
_STRAY_DISTANCE = 10  # times the median distance from the median time
_STRAY_SECONDS = 600_000_000_000  # [ns] least distance of a stray image from the median time


@dataclass(frozen=True)
class Topic:
    """One topic of a bag."""

    name: str
    type: str  # of several types the most frequent one
    count: int  # messages of this type


class Bag:
    """Reader of one bag; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._storage: Storage | None = None
        self.topics: dict[str, Topic] = {}
        self._video: VideoTopic | None = None

    def __enter__(self) -> Bag:
        file = bag_path(self.path)
        try:
            folder = file.suffix not in _FORMATS or is_folder(file)
            self._storage = Rosbag2Folder(file) if folder else _FORMATS[file.suffix](file)
        except StoreError:
            raise
        except _DAMAGE as err:
            raise BagError(f"{file} cannot be read: {_explained(err, file)}") from err
        counts: dict[str, dict[str, int]] = {}
        for c in self.connections:
            of_topic = counts.setdefault(c.topic, {})
            of_topic[type_of(c)] = of_topic.get(type_of(c), 0) + c.count
        self.topics = {
            name: Topic(name, *max(types.items(), key=lambda item: item[1]))
            for name, types in sorted(counts.items())
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.storage.close()
        self._storage = None

    @property
    def storage(self) -> Storage:
        """Files of the bag, while it is open."""
        if self._storage is None:
            raise BagError(f"{self.path} is not open")
        return self._storage

    @property
    def connections(self) -> list[Connection]:
        """Topics of the bag as its files store them."""
        return self.storage.connections

    @property
    def start(self) -> int:
        """Time of recording [ns] of the first message, 0 without messages."""
        return self._span()[0]

    @property
    def stop(self) -> int:
        """Time [ns] after the last message was recorded, 0 without messages."""
        return self._span()[1]

    def _span(self) -> tuple[int, int]:
        try:
            span = self.storage.span
        except _DAMAGE as err:
            raise BagError(f"{self.path} cannot be read: {_explained(err, self.path)}") from err
        return (_possible(span[0]), _possible(span[1]) + 1) if span else (0, 0)

    def decode_video(self, topic: str, max_pixels: int = MAX_PIXELS) -> None:
        """Let `messages` decode an image topic, if it is a video stream.

        Args:
            topic: name of the topic.
            max_pixels: largest number of pixels of a decoded image.
        """
        if decodes(self.topics[topic].type):
            self._video = VideoTopic(self, topic, max_pixels)

    def image_type(self, topic: str) -> str:
        """Return the type of the decoded messages of an image topic."""
        return IMAGE if self._video and self._video.topic == topic else self.topics[topic].type

    def messages(
        self, topics: Collection[str] = (), start: int | None = None, stop: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics in the order of recording.

        Those of the topic of `decode_video` hold images.

        Args:
            topics: names of the topics, of which only messages of `Topic.type` are read; empty
                reads all messages.
            start: first time of recording [ns].
            stop: time of recording [ns] before which the last message lies.

        Raises:
            BagError: the file is damaged; the messages before the damage are yielded first.
        """
        stored = self._stored(self._chosen(topics) if topics else self.connections, start, stop)
        if self._video is None or (topics and self._video.topic not in topics):
            return stored
        return self._video.with_images(stored, start)

    def packets(self, topic: str, start: int | None, stop: int | None) -> Iterator[BagMessage]:
        """Yield the messages of a topic as they are stored; see `messages`."""
        return self._stored(self._chosen([topic]), start, stop)

    def _stored(
        self, wanted: Collection[Connection], start: int | None, stop: int | None
    ) -> Iterator[BagMessage]:
        count = 0
        try:
            for connection, stamp, raw in self.storage.messages(wanted, start, stop):
                yield BagMessage(connection, _possible(stamp), raw)
                count += 1
        except _DAMAGE as err:
            raise BagError(
                f"{self.path} cannot be read after {count} messages: {_explained(err, self.path)}"
            ) from err

    def stamps(self, topic: str) -> list[int]:
        """Return the times of recording [ns] of the messages of a topic, in order.

        Raises:
            BagError: the file is damaged.
        """
        try:
            return sorted(map(_possible, self.storage.stamps(self._chosen([topic]))))
        except _DAMAGE as err:
            raise BagError(f"{self.path} cannot be read: {_explained(err, self.path)}") from err

    def decode(self, message: BagMessage) -> Any:
        """Deserialize a message; raise FrameError if its bytes do not fit its type."""
        if message.image is not None:
            return message.image()
        connection = message.connection
        try:
            if connection.encoding not in ("cdr", "ros1"):
                raise ValueError(f"messages encoded as {connection.encoding!r} cannot be read")
            ros1 = connection.encoding == "ros1"
            store = typestore(connection.schema, ros1)
            if lacking := missing_field(connection.schema, ros1):
                raise ValueError(f"its definition in the bag lacks the usual field {lacking}")
            store.max_sequence_length = max(1, len(message.raw))
            deserialize = store.deserialize_ros1 if ros1 else store.deserialize_cdr
            return deserialize(message.raw, full_name(connection.schema.name))
        except _DAMAGE as err:
            raise FrameError(
                f"{message.topic}: message at {message.stamp} ns is not a {message.type}: "
                f"{_reason(err)}"
            ) from err

    def _chosen(self, topics: Collection[str]) -> list[Connection]:
        return [
            c
            for c in self.connections
            if c.topic in topics and type_of(c) == self.topics[c.topic].type
        ]


def _possible(at: int) -> int:
    """Return the nearest time [ns] that a message can have; a damaged bag has others."""
    return min(max(at, 0), LAST_TIME)


def without_strays(stamps: list[int]) -> list[int]:
    """Return ordered times [ns] without single ones that are far from all others.

    A clock that is set while recording leaves such messages, for example one at time 0.
    """
    if len(stamps) < 3:
        return stamps
    times = np.array(stamps, np.int64)
    middle = times[len(times) // 2]
    distances = np.abs(times - middle)
    limit = max(_STRAY_DISTANCE * int(np.sort(distances)[len(times) // 2]), _STRAY_SECONDS)
    most = max(1, len(times) // _STRAY_SHARE)
    first = int(np.argmax(distances <= limit))
    last = len(times) - int(np.argmax(distances[::-1] <= limit))
    return stamps[first if first <= most else 0 : last if len(times) - last <= most else None]


def _reason(err: BaseException) -> str:
    return str(err).rstrip(".") or type(err).__name__


def _explained(err: Exception, path: Path) -> str:
    """Return what is wrong with a bag, with a remedy if the bag is damaged."""
    if isinstance(err, (OSError, RefusedError)):  # A StoreError is an OSError.
        return _reason(err)
    return f"{_reason(err)}; {_remedy(path)}"


def _remedy(path: Path) -> str:
    if path.suffix == ".bag":
        return "if the recording was interrupted, `rosbag reindex` repairs it"
    if path.suffix == ".mcap":
        return "if the recording was interrupted, `mcap recover` repairs it"
    return "if the recording was interrupted, `mcap recover` or `ros2 bag reindex` repairs it"
