# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Write rosbag2 bags that stay readable when the disk fills up or the run is stopped.

rosbags writes the index at the end, so an error in the middle would leave a file that nobody can
open. Here the storages remember the last state that was whole, go back to it, and close there.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.convert.converter import generate_message_converter
from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter, PendingChunk
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from jasmine_core.errors import BagError
from jasmine_ros.bags.reader import Bag, BagMessage

RESERVE = 2**20  # [bytes] kept free for the index and metadata.yaml of a bag whose disk is full
STORAGES = ("mcap", "sqlite3")
_FULL = (OSError, sqlite3.Error)  # how a file system and how SQLite say that they cannot write


class BagWriter:
    """Write one rosbag2 folder; use it as a context manager.

    Leaving the block closes the bag properly, whatever happened inside.
    """

    def __init__(self, path: Path, storage: str = "mcap", compress: bool = False) -> None:
        if storage not in STORAGES:
            raise BagError(f"storage {storage!r} is not one of {', '.join(STORAGES)}")
        if path.exists():
            raise BagError(f"{path} exists already; remove it or write elsewhere")
        self.path = path
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        self._writer = _Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
        if compress:
            mode = CompressionMode.STORAGE if storage == "mcap" else CompressionMode.MESSAGE
            self._writer.set_compression(mode, CompressionFormat.ZSTD)
        self._connections: dict[str, Connection] = {}
        self._copies: dict[int, tuple[Connection, Any]] = {}
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
        for _ in range(3):  # each time with less in the bag, so that the index finds room
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

    def write(self, topic: str, stamp: int, message: Any) -> None:
        """Serialise and write a message with its recording stamp [ns]."""
        connection = self._connections[topic]
        self._write(connection, stamp, self.typestore.serialize_cdr(message, connection.msgtype))

    def copy(self, message: BagMessage, source: Bag) -> None:
        """Write another bag's message as it is; ROS 1 messages become ROS 2 messages."""
        key = message.connection.id
        if key not in self._copies:
            self._copies[key] = self._add_copy(message.connection, source)
        connection, convert = self._copies[key]
        self._write(connection, message.stamp, convert(message.raw))

    def _add_copy(self, origin: Connection, source: Bag) -> tuple[Connection, Any]:
        kind, store = origin.msgtype, source.reader.typestore
        if source.reader.is2:
            connection = self._writer.add_connection(
                origin.topic,
                kind,
                typestore=store,
                offered_qos_profiles=getattr(origin.ext, "offered_qos_profiles", ()),
            )
            return connection, memoryview
        if kind not in self.typestore.fielddefs:
            _register_missing(self.typestore, store, kind)
        convert = generate_message_converter(
            store, self.typestore, kind, kind, {}, src_is2=False, dst_is2=True
        )
        return self._writer.add_connection(origin.topic, kind, typestore=self.typestore), convert

    def _write(self, connection: Connection, stamp: int, data: memoryview | bytes) -> None:
        try:
            self._writer.write(connection, stamp, data)
        except _FULL as err:
            self._reserve.unlink(missing_ok=True)
            self._writer.go_back()
            raise BagError(f"{self.path}: {err}; {self._kept()}") from err

    def _kept(self) -> str:
        return f"the {sum(self._writer.counts.values())} messages written before stay readable"


def _register_missing(store: Typestore, source: Typestore, kind: str) -> None:
    """Teach `store` a type and its parts from another bag; parts it knows keep their ROS 2 form."""
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
    """Remember a state in which the storage was whole."""

    offset: int  # [bytes] of the file
    counts: dict[int, int]  # messages of each connection
    end: int  # [ns] stamp of the last message


class _Mcap(McapWriter):
    """Remember where each whole chunk ends."""

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
        """Cut the file after its last whole chunk, or after the one before that."""
        if further and len(self._marks) > 1:
            self._marks.pop()
        mark = self._marks[-1]
        self.chunks = self.chunks[: len(self._marks) - 1]
        self.chunk = PendingChunk(2**63 - 1, 0, BytesIO(), defaultdict(list))
        self.channel_stats = {c: mark.counts.get(c, 0) for c in self.channel_stats}
        self.message_end_time = mark.end
        # The old stream still buffers bytes that did not fit: they must never reach the file.
        self.bio.raw.close()
        self.bio = self.path.open("r+b")  # type: ignore[assignment]
        self.bio.truncate(mark.offset)
        self.bio.seek(mark.offset)
        return mark


class _Sqlite3(Sqlite3Writer):
    """Commit whenever a megabyte has gathered; rosbags alone commits once, at the end."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self._counts: dict[int, int] = defaultdict(int)
        self._end, self._gathered = 0, 0
        self._mark = _Mark(0, {}, 0)

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        super().write(connection, timestamp, data)
        self._counts[connection.id] += 1
        self._end = max(self._end, timestamp)
        self._gathered += len(data)
        if self._gathered > 2**20:
            self.conn.commit()
            self._mark = _Mark(0, dict(self._counts), self._end)
            self._gathered = 0

    def go_back(self, further: bool) -> _Mark:
        """Forget what was not committed."""
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
        """Return to the storage's last whole state, in the books as well."""
        mark = self.storage.go_back(further)
        self.counts = {c: mark.counts.get(c, 0) for c in self.counts}
        self.max_timestamp = mark.end
