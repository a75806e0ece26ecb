# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read bags of any kind: ROS 1 `.bag`, ROS 2 sqlite3 and mcap, compressed or not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from jasmine_core.errors import BagError, FrameError

IMAGE, COMPRESSED, CAMERA_INFO = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo")
)
# A damaged file makes the parsers underneath raise whatever their language has: their own errors,
# struct.error, KeyError, those of SQLite and of the compressors. They share no other base.
_DAMAGE = Exception


@dataclass(frozen=True)
class Topic:
    """Describe one topic of a bag."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class BagMessage:
    """Hold one message as it lies in the bag; `Bag.decode` reads it."""

    connection: Connection
    stamp: int  # [ns] when it was recorded
    raw: bytes

    @property
    def topic(self) -> str:
        """Return the topic's name."""
        return self.connection.topic

    @property
    def type(self) -> str:
        """Return the type's name, such as `sensor_msgs/msg/Image`."""
        return self.connection.msgtype


class Bag:
    """Stream the messages of one bag; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: AnyReader | None = None
        self.topics: dict[str, Topic] = {}

    def __enter__(self) -> Bag:
        file = _bag_file(self.path)
        try:
            # Bags of Humble and before carry no message definitions.
            reader = AnyReader([file], default_typestore=get_typestore(Stores.ROS2_HUMBLE))
            reader.open()
        except _DAMAGE as err:
            raise BagError(f"{file} cannot be read: {_reason(err)}; {_remedy(file)}") from err
        self._reader = reader
        self.topics = {
            name: Topic(name, info.msgtype or "", info.msgcount)
            for name, info in reader.topics.items()
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.reader.close()
        self._reader = None

    @property
    def reader(self) -> AnyReader:
        """Return the open reader underneath."""
        if self._reader is None:
            raise BagError(f"{self.path} is not open")
        return self._reader

    @property
    def start(self) -> int:
        """Return the stamp [ns] of the first message."""
        return self.reader.start_time

    @property
    def stop(self) -> int:
        """Return the stamp [ns] after the last message."""
        return self.reader.end_time

    def messages(
        self, topics: Collection[str] = (), start: int | None = None, stop: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics, or all, with start <= stamp < stop, in order."""
        connections = [c for c in self.reader.connections if not topics or c.topic in topics]
        count = 0
        try:
            for connection, stamp, raw in self.reader.messages(connections, start, stop):
                yield BagMessage(connection, stamp, raw)
                count += 1
        except _DAMAGE as err:
            raise BagError(
                f"{self.path} is damaged after {count} messages: {_reason(err)}; "
                f"{_remedy(self.path)}"
            ) from err

    def decode(self, message: BagMessage) -> Any:
        """Deserialise a message; raise FrameError if its bytes do not fit its type."""
        try:
            return self.reader.deserialize(message.raw, message.type)
        except _DAMAGE as err:
            raise FrameError(
                f"{message.topic}: message at {message.stamp} ns is no {message.type}: "
                f"{_reason(err)}"
            ) from err


def _bag_file(path: Path) -> Path:
    """Return what the reader opens: a file, or a rosbag2 folder, with or without metadata."""
    if not path.exists():
        raise BagError(
            f"{path} does not exist; give a .bag, .mcap or .db3 file or a rosbag2 folder"
        )
    if path.is_file():
        if path.suffix not in (".bag", ".mcap", ".db3"):
            raise BagError(f"{path} is not a bag: expected .bag, .mcap, .db3 or a rosbag2 folder")
        return path
    if (path / "metadata.yaml").is_file():
        return path
    files = sorted(f for f in path.iterdir() if f.suffix in (".mcap", ".db3", ".bag"))
    if len(files) != 1:
        raise BagError(
            f"{path} has no metadata.yaml and {len(files)} bag files; `ros2 bag reindex {path}` "
            "writes one, or give one file"
        )
    return files[0]


def _reason(err: BaseException) -> str:
    return str(err).rstrip(".") or type(err).__name__


def _remedy(path: Path) -> str:
    if path.suffix == ".bag":
        return "if the recording was cut short, `rosbag reindex` repairs it"
    return "if the recording was cut short, `mcap recover` or `ros2 bag reindex` repairs it"
