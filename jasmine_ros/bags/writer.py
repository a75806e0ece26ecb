# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writer of rosbag2 bags that stay readable if the disk is full or the run is interrupted.

rosbags writes the index of a bag at its end, so that an error before leaves a file that cannot be
opened. The storages in this file keep their last consistent state, return to it after an error, and
write the index there.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rosbags.convert.converter import generate_message_converter
from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
    Qos,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.metadata import dump_qos_v8
from rosbags.rosbag2.storage_mcap import McapWriter, PendingChunk, write_schema
from rosbags.rosbag2.storage_mcap import Schema as McapSchema
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from jasmine_core.errors import BagError, FrameError
from jasmine_ros.bags.connection import Connection as Origin
from jasmine_ros.bags.connection import Schema, full_name
from jasmine_ros.bags.definitions import typestore
from jasmine_ros.bags.qos import offered_qos, usual_qos
from jasmine_ros.bags.reader import Bag, BagMessage, expect_sqlite_name
from jasmine_ros.msgs.types import Message

RESERVE = 2**20  # [bytes] of a file that is deleted on a full disk, for index and metadata
STORAGES = ("mcap", "sqlite3")
# Up to Iron, readers expect the QoS profiles as text, which version 9 no longer writes.
METADATA: Literal[8] = 8
_Convert = Callable[[bytes], memoryview | bytes]  # from a message of a bag to ROS 2
_DAMAGE = Exception  # the parsers and converters of rosbags have no other common base
_log = logging.getLogger(__name__)
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
        self._copies: dict[Origin, tuple[Connection, _Convert]] = {}
        self._raw: dict[tuple[str, str, str], Connection] = {}  # by topic, type and encoding
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
            topic,
            kind,
            typestore=self.typestore,
            offered_qos_profiles=usual_qos(topic),
        )

    def write(self, topic: str, stamp: int, message: Message) -> None:
        """Serialize and write a message with its time of recording [ns]."""
        connection = self._connections[topic]
        self._write(connection, stamp, self.typestore.serialize_cdr(message, connection.msgtype))

    def copy(self, message: BagMessage, source: Bag) -> None:
        """Write a message of another bag unchanged; a ROS 1 message becomes a ROS 2 message.

        Messages of any type and encoding are copied, as bytes with their schema.
        """
        origin = message.connection
        if origin not in self._copies:
            self._copies[origin] = self._add_copy(message)
        connection, convert = self._copies[origin]
        try:
            data = convert(message.raw)
        except _DAMAGE as err:
            raise FrameError(
                f"{message.topic}: message at {message.stamp} ns is not copied: it is not a "
                f"{message.type}: {err}"
            ) from err
        self._write(connection, message.stamp, data)

    def _add_copy(self, message: BagMessage) -> tuple[Connection, _Convert]:
        origin, kind = message.connection, message.type
        qos = offered_qos(origin)
        if origin.encoding == "ros1" and origin.schema.encoding == "ros1msg":
            try:
                return self._add_converted(origin, kind, qos)
            except _DAMAGE as err:
                _log.warning("%s is copied as ROS 1 messages: %s", origin.topic, err)
        same = (origin.topic, origin.schema.name, origin.encoding)
        if same not in self._raw:
            self._raw[same] = self._writer.add_raw(_described(origin), qos)
        return self._raw[same], memoryview

    def _add_converted(
        self, origin: Origin, kind: str, qos: list[Qos]
    ) -> tuple[Connection, _Convert]:
        store = typestore(origin.schema, True)
        if kind not in self.typestore.fielddefs:
            _register_missing(self.typestore, store, kind)
        convert = generate_message_converter(
            store,
            self.typestore,
            full_name(origin.schema.name),
            kind,
            {},
            src_is2=False,
            dst_is2=True,
        )
        same = (origin.topic, kind, "cdr")
        if same not in self._raw:
            self._raw[same] = self._writer.add_connection(
                origin.topic, kind, typestore=self.typestore, offered_qos_profiles=qos
            )
        return self._raw[same], convert

    def _write(self, connection: Connection, stamp: int, data: memoryview | bytes) -> None:
        try:
            self._writer.write(connection, stamp, data)
        except _FULL as err:
            self._reserve.unlink(missing_ok=True)
            self._writer.go_back()
            raise BagError(f"{self.path}: {err}; {self._kept()}") from err

    def _kept(self) -> str:
        return f"the first {sum(self._writer.counts.values())} messages stay readable"


def _described(origin: Origin) -> Origin:
    """Return a connection with its definition and hash, if they are missing and can be found."""
    schema = origin.schema
    if origin.encoding != "cdr" or (schema.data and schema.digest):
        return origin
    try:
        store = typestore(schema, False)
        text, _ = store.generate_msgdef(schema.name, ros_version=2)
        digest = schema.digest or store.hash_rihs01(schema.name)
    except _DAMAGE:
        return origin
    if schema.data:
        return replace(origin, schema=replace(schema, digest=digest))
    return replace(origin, schema=Schema(schema.name, "ros2msg", text.encode(), digest))


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


class _RawText(str):
    """Text of a schema that is written as the bytes from which it was read."""

    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> _RawText:
        """Return a text for bytes, which need not be UTF-8."""
        text = cls(raw.decode(errors="replace"))
        text.raw = raw
        return text

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the original bytes."""
        return self.raw


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

    def add_schema(self, schema: Schema) -> None:
        """Add the description of a type in any format."""
        number = len(self.schemas) + 1
        entry = McapSchema(number, schema.name, schema.encoding, _RawText.of(schema.data))
        self.schemas.append(entry)
        write_schema(self.chunk.bio, entry)

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

    def add_schema(self, schema: Schema) -> None:
        """Add the description of a type in any format."""
        try:
            text: str | bytes = schema.data.decode()
        except UnicodeDecodeError:
            text = schema.data
        self.cursor.execute(
            "INSERT INTO message_definitions (topic_type, encoding, encoded_message_definition, "
            "type_description_hash) VALUES (?, ?, ?, ?)",
            (schema.name, schema.encoding, text, schema.digest),
        )

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

    def add_raw(self, origin: Origin, qos: list[Qos]) -> Connection:
        """Add a topic of any type and encoding; rosbags only adds those of ROS 2."""
        connection = Connection(
            id=len(self.connections) + 1,
            topic=origin.topic,
            msgtype=origin.schema.name,
            msgdef=MessageDefinition(MessageDefinitionFormat.NONE, ""),
            digest=origin.schema.digest,
            msgcount=0,
            ext=ConnectionExtRosbag2(origin.encoding, qos),
            owner=self,
        )
        if origin.schema.name not in self.added_types:
            self.storage.add_schema(origin.schema)
            self.added_types.add(origin.schema.name)
        self.storage.add_connection(connection, dump_qos_v8(qos))
        self.connections.append(connection)
        self.counts[connection.id] = 0
        return connection

    def go_back(self, further: bool = False) -> None:
        """Return to the last consistent state of the storage, and of the message counts."""
        mark = self.storage.go_back(further)
        self.counts = {c: mark.counts.get(c, 0) for c in self.counts}
        self.max_timestamp = mark.end
