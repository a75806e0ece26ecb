# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of bags of ROS 1 (`.bag`) and ROS 2 (sqlite3 and mcap), compressed or not."""

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
# For a damaged file, the parsers of rosbags raise errors of their own, of Python, of SQLite and of
# the compression libraries. Their only common base is Exception.
_DAMAGE = Exception


@dataclass(frozen=True)
class Topic:
    """One topic of a bag."""

    name: str
    type: str
    count: int  # messages


@dataclass(frozen=True)
class BagMessage:
    """One serialized message of a bag; `Bag.decode` deserializes it."""

    connection: Connection
    stamp: int  # [ns] time of recording
    raw: bytes

    @property
    def topic(self) -> str:
        """Name of the topic."""
        return self.connection.topic

    @property
    def type(self) -> str:
        """Name of the type, such as `sensor_msgs/msg/Image`."""
        return self.connection.msgtype


class Bag:
    """Reader of one bag; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: AnyReader | None = None
        self.topics: dict[str, Topic] = {}

    def __enter__(self) -> Bag:
        file = _bag_file(self.path)
        try:
            # Bags of Humble and earlier do not contain message definitions.
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
        """Reader of rosbags, while the bag is open."""
        if self._reader is None:
            raise BagError(f"{self.path} is not open")
        return self._reader

    @property
    def start(self) -> int:
        """Time of recording [ns] of the first message."""
        return self.reader.start_time

    @property
    def stop(self) -> int:
        """Time [ns] after the last message was recorded."""
        return self.reader.end_time

    def messages(
        self, topics: Collection[str] = (), start: int | None = None, stop: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics in the order of recording.

        Args:
            topics: names of the topics; all topics if empty.
            start: first time of recording [ns].
            stop: time of recording [ns] before which the last message lies.

        Raises:
            BagError: the file is damaged; the messages before the damage are yielded first.
        """
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
        """Deserialize a message; raise FrameError if its bytes do not fit its type."""
        try:
            return self.reader.deserialize(message.raw, message.type)
        except _DAMAGE as err:
            raise FrameError(
                f"{message.topic}: message at {message.stamp} ns is not a {message.type}: "
                f"{_reason(err)}"
            ) from err


def expect_sqlite_name(path: Path) -> None:
    """Raise BagError for a name that is not UTF-8: SQLite cannot open it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as err:
        raise BagError(
            f"{str(path)!a} is not a UTF-8 name, which SQLite cannot open; rename it"
        ) from err


def _bag_file(path: Path) -> Path:
    """Return the path that rosbags can open: a file, or a rosbag2 folder with its metadata."""
    if not path.exists():
        raise BagError(
            f"{path} does not exist; give a .bag, .mcap or .db3 file or a rosbag2 folder"
        )
    if path.is_file():
        if path.suffix not in (".bag", ".mcap", ".db3"):
            raise BagError(
                f"{path} is not a bag; give a .bag, .mcap or .db3 file or a rosbag2 folder"
            )
        return path
    for file in path.iterdir() if path.is_dir() else [path]:
        if not file.is_file() and not file.is_dir():
            raise BagError(
                f"{file} is a dangling link, a FIFO or a device; a bag consists of regular files"
            )
        if file.suffix == ".db3":
            expect_sqlite_name(file)
    if (path / "metadata.yaml").is_file():
        return path
    files = sorted(f for f in path.iterdir() if f.suffix in (".mcap", ".db3", ".bag"))
    if len(files) != 1:
        raise BagError(
            f"{path} has no metadata.yaml and {len(files)} bag files; write the metadata with "
            f"`ros2 bag reindex {path}`, or give one of the files"
        )
    return files[0]


def _reason(err: BaseException) -> str:
    return str(err).rstrip(".") or type(err).__name__


def _remedy(path: Path) -> str:
    if path.suffix == ".bag":
        return "if the recording was interrupted, `rosbag reindex` repairs it"
    return "if the recording was interrupted, `mcap recover` or `ros2 bag reindex` repairs it"
