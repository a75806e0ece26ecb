# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Storages of a rosbag2 writer that return to their last consistent state after an error.

rosbags writes the index of a bag at its end, so that an error before leaves a file that cannot be
opened. The index of these storages is written after the last consistent state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
    Qos,
)
from rosbags.rosbag2 import CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.metadata import dump_qos_v8
from rosbags.rosbag2.storage_mcap import McapWriter, PendingChunk, write_schema
from rosbags.rosbag2.storage_mcap import Schema as McapSchema
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer

from jasmine_ros.bags.connection import Connection as Origin
from jasmine_ros.bags.connection import Schema


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


class RecoverableWriter(Writer):
    """Writer of rosbags that copies topics of any encoding and can discard the latest messages."""

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
