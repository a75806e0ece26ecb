# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writer of rosbag2 bags that stay readable if the disk is full or the run is interrupted.

rosbags writes the index of a bag at its end, so that an error before leaves a file that cannot be
opened. The storages in this file keep their last consistent state, return to it after an error, and
write the index there.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

from rosbags.convert.converter import LATCH, generate_message_converter
from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter, PendingChunk
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from jasmine_core.errors import BagError
from jasmine_ros.bags.reader import Bag, BagMessage, expect_sqlite_name
from jasmine_ros.msgs.types import Message

RESERVE = 2**20  # [bytes] of a file that is deleted on a full disk, for index and metadata
STORAGES = ("mcap", "sqlite3")
# Up to Iron, readers expect the QoS profiles as text, which version 9 no longer writes.
METADATA: Literal[8] = 8
_Convert = Callable[[bytes], memoryview | bytes]  # from a message of a bag to ROS 2
_FULL = (OSError, sqlite3.Error)  # errors of the file system and of SQLite on a full disk


class BagWriter:
    """Writer of one rosbag2 folder; use it as a context manager.

    The bag is readable after the block, also if an error was raised inside.

    Args:
        path: folder of the new bag.
        storage: "mcap" or "sqlite3".
        compress: compress with zstd.

    Raises:
        BagError: the folder exists or cannot be written, or the storage is unknown.
    """

    def __init__(self, path: Path, storage: str = "mcap", compress: bool = False) -> None:
        if storage not in STORAGES:
            raise BagError(f"storage {storage!r} is not one of {', '.join(STORAGES)}")
        if storage == "sqlite3":
            expect_sqlite_name(path)
        if path.exists():
            raise BagError(f"{path} exists already; remove it or choose another folder")
        self.path = path
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        self._writer = _Writer(
            path, version=METADATA, storage_plugin=StoragePlugin[storage.upper()]
        )
        if compress:
            mode = CompressionMode.STORAGE if storage == "mcap" else CompressionMode.MESSAGE
            self._writer.set_compression(mode, CompressionFormat.ZSTD)
        self._connections: dict[str, Connection] = {}
        self._copies: dict[int, tuple[Connection, _Convert]] = {}
        self._reserve = path / ".reserve"

    def __enter__(self) -> BagWriter:
        try:
            self._writer.open()
            self._reserve.write_bytes(bytes(RESERVE))
        except OSError as err:
            raise BagError(f"{self.path} cannot be written: {err}") from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reserve.unlink(missing_ok=True)
        failure: Exception | None = None
        for _ in range(3):  # each attempt keeps fewer messages, so that the index fits
            try:
                self._writer.close()
                break
            except _FULL as err:
                failure = failure or err
                self._writer.go_back(further=failure is not err)
        else:
            self._writer.abort()
        if failure and not isinstance(error, BagError):
            raise BagError(f"{self.path}: {failure}; {self._kept()}") from failure

    def add(self, topic: str, kind: str) -> None:
        """Declare a topic of a standard ROS 2 type."""
        self._connections[topic] = self._writer.add_connection(
            topic, kind, typestore=self.typestore
        )

    def write(self, topic: str, stamp: int, message: Message) -> None:
        """Serialize and write a message with its time of recording [ns]."""
        connection = self._connections[topic]
        self._write(connection, stamp, self.typestore.serialize_cdr(message, connection.msgtype))

    def copy(self, message: BagMessage, source: Bag) -> None:
        """Write a message of another bag unchanged; a ROS 1 message becomes a ROS 2 message."""
        key = message.connection.id
        if key not in self._copies:
            self._copies[key] = self._add_copy(message.connection, source)
        connection, convert = self._copies[key]
        self._write(connection, message.stamp, convert(message.raw))

    def _add_copy(self, origin: Connection, source: Bag) -> tuple[Connection, _Convert]:
        kind, store = origin.msgtype, source.reader.typestore
        if source.reader.is2:
            connection = self._writer.add_connection(
                origin.topic,
                kind,
                typestore=store,
                offered_qos_profiles=_offered(origin),
            )
            return connection, memoryview
        if kind not in self.typestore.fielddefs:
            _register_missing(self.typestore, store, kind)
        convert = generate_message_converter(
            store, self.typestore, kind, kind, {}, src_is2=False, dst_is2=True
        )
        connection = self._writer.add_connection(
            origin.topic, kind, typestore=self.typestore, offered_qos_profiles=_offered(origin)
        )
        return connection, convert

    def _write(self, connection: Connection, stamp: int, data: memoryview | bytes) -> None:
        try:
            self._writer.write(connection, stamp, data)
        except _FULL as err:
            self._reserve.unlink(missing_ok=True)
            self._writer.go_back()
            raise BagError(f"{self.path}: {err}; {self._kept()}") from err

    def _kept(self) -> str:
        return f"the first {sum(self._writer.counts.values())} messages stay readable"


def _offered(origin: Connection) -> Sequence[Qos]:
    """Return the QoS of a copied topic; latched topics of ROS 1 become transient local.

    So does `/tf_static` of a bag without QoS, since listeners of tf2 accept nothing else.
    """
    if offered := getattr(origin.ext, "offered_qos_profiles", ()):
        return cast("Sequence[Qos]", offered)
    latched = bool(getattr(origin.ext, "latching", None)) or origin.topic == "/tf_static"
    return LATCH if latched else ()


def _register_missing(store: Typestore, source: Typestore, kind: str) -> None:
    """Add a type of another bag and the types of its fields to `store`, unless it has them."""
    known = set(store.fielddefs)
    wanted: dict[str, Any] = {}

    def collect(name: str) -> None:
        if name in known or name in wanted:
            return
        wanted[name] = source.fielddefs[name]
        for _, (_, description) in source.fielddefs[name][1]:
            while isinstance(description, tuple) and isinstance(description[0], tuple):
                description = description[0][1]  # the element of an array or sequence
            if isinstance(description, str) and description in source.fielddefs:
                collect(description)

    collect(kind)
    store.register(wanted)


@dataclass(frozen=True)
class _Mark:
    """Consistent state of a storage."""

    offset: int  # [bytes] of the file
    counts: dict[int, int]  # messages of each connection
    end: int  # [ns] stamp of the last message


class _Mcap(McapWriter):
    """MCAP storage that can return to the end of an earlier chunk."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self.bio.flush()
        self._marks = [_Mark(self.bio.tell(), {}, 0)]

    def close_chunk(self) -> None:
        super().close_chunk()
        self.bio.flush()
        mark = _Mark(self.bio.tell(), dict(self.channel_stats), self.message_end_time)
        self._marks.append(mark)

    def go_back(self, further: bool) -> _Mark:
        """Truncate the file after its last complete chunk, or after the chunk before that."""
        if further and len(self._marks) > 1:
            self._marks.pop()
        mark = self._marks[-1]
        self.chunks = self.chunks[: len(self._marks) - 1]
        self.chunk = PendingChunk(2**63 - 1, 0, BytesIO(), defaultdict(list))
        self.channel_stats = {c: mark.counts.get(c, 0) for c in self.channel_stats}
        self.message_end_time = mark.end
        # The old stream buffers bytes that did not fit on the disk. Closing its raw file discards
        # them.
        self.bio.raw.close()
        self.bio = self.path.open("r+b")  # type: ignore[assignment]
        self.bio.truncate(mark.offset)
        self.bio.seek(mark.offset)
        return mark


class _Sqlite3(Sqlite3Writer):
    """SQLite storage that commits after each MiB; rosbags commits once, at the end."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self._counts: dict[int, int] = defaultdict(int)
        self._end, self._uncommitted = 0, 0
        self._mark = _Mark(0, {}, 0)

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        super().write(connection, timestamp, data)
        self._counts[connection.id] += 1
        self._end = max(self._end, timestamp)
        self._uncommitted += len(data)
        if self._uncommitted > 2**20:
            self.conn.commit()
            self._mark = _Mark(0, dict(self._counts), self._end)
            self._uncommitted = 0

    def go_back(self, further: bool) -> _Mark:
        """Discard what is not committed."""
        self.conn.rollback()
        self._counts = defaultdict(int, self._mark.counts)
        return self._mark


class _Writer(Writer):
    STORAGE_PLUGINS: Mapping[StoragePlugin, Any] = {
        StoragePlugin.MCAP: _Mcap,
        StoragePlugin.SQLITE3: _Sqlite3,
    }
    storage: Any
    counts: dict[int, int]

    def go_back(self, further: bool = False) -> None:
        """Return to the last consistent state of the storage, and of the message counts."""
        mark = self.storage.go_back(further)
        self.counts = {c: mark.counts.get(c, 0) for c in self.counts}
        self.max_timestamp = mark.end
