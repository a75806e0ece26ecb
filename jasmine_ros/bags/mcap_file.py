# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of MCAP files with channels of any encoding and bounded chunks.

The reader of rosbags refuses a whole file if one channel is not of ROS 2, and expands chunks
without a limit. The format is specified on https://mcap.dev/spec.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jasmine_core.store.paths import entry, open_file
from jasmine_ros.bags.connection import Connection, RefusedError, Schema, absolute
from jasmine_ros.bags.expansion import MAX_EXPANDED
from jasmine_ros.bags.mcap_records import (
    CHANNEL,
    CHUNK,
    CHUNK_INDEX,
    FOOTER,
    HEADER,
    MAGIC,
    MESSAGE,
    MESSAGE_HEADER,
    MESSAGE_INDEX,
    RECORD_HEADER,
    SCHEMA,
    STATISTICS,
    Fields,
    expanded,
    messages,
    records,
)

_RUN = 1 << 22  # [bytes] of messages outside of chunks that are read at once


@dataclass(frozen=True)
class _Part:
    """A chunk, or a run of messages outside of chunks."""

    offset: int  # of the record of the chunk, or of the first message
    length: int  # [bytes] of the chunk's record, or of all messages
    start: int  # [ns]
    stop: int  # [ns] of the last message
    is_chunk: bool = True
    index: dict[int, int] | None = None  # offset of the MessageIndex of each channel, if known


class McapFile:
    """Open MCAP file."""

    def __init__(self, path: Path) -> None:
        self.connections: list[Connection] = []
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Connection] = {}
        self._counts: dict[int, int] = {}
        self._parts: list[_Part] = []
        self._size = entry(path).size
        self._file = open_file(path)
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of recording [ns] of the first and last message; None without messages."""
        parts = [part for part in self._parts if part.start <= part.stop]
        if not parts or not any(self._counts.values()):
            return None
        return min(part.start for part in parts), max(part.stop for part in parts)

    def messages(
        self, wanted: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, time of recording [ns], data) from start to before stop, in order."""
        channels = {c.key: c for c in wanted}
        parts = [
            part
            for part in self._parts
            if (start is None or part.stop >= start)
            and (stop is None or part.start < stop)
            and (part.index is None or not channels.keys().isdisjoint(part.index))
        ]
        waiting: list[tuple[int, int, Connection, bytes]] = []
        order = held = 0
        for part in sorted(parts, key=lambda part: part.start):
            while waiting and waiting[0][0] < part.start:
                at, _, connection, data = heapq.heappop(waiting)
                held -= len(data)
                yield connection, at, data
            for channel, at, message in messages(self._load(part)):
                if (
                    channel in channels
                    and (start is None or at >= start)
                    and (stop is None or at < stop)
                ):
                    order, held = order + 1, held + len(message)
                    heapq.heappush(waiting, (at, order, channels[channel], bytes(message)))
            if held > MAX_EXPANDED:
                raise RefusedError(f"chunks of more than {MAX_EXPANDED} bytes overlap in time")
        while waiting:
            at, _, connection, data = heapq.heappop(waiting)
            yield connection, at, data

    def stamps(self, wanted: Collection[Connection]) -> list[int]:
        """Return the times of recording [ns] of all messages of some connections."""
        channels = {c.key for c in wanted}
        found: list[int] = []
        for part in self._parts:
            if part.index is None:
                found += [at for c, at, _ in messages(self._load(part)) if c in channels]
                continue
            for channel in channels & part.index.keys():
                opcode, body = self._record(part.index[channel])
                if opcode != MESSAGE_INDEX or len(body) % 16 != 6:
                    raise ValueError("a message index is damaged")
                found += np.frombuffer(body[6:], "<u8")[::2].tolist()
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    # ------------------------------------------------------------------ opening

    def _open(self) -> None:
        if self._size == 0:
            raise ValueError("the file is empty")
        if self._read(0, 8) != MAGIC:
            raise ValueError("the file does not begin as MCAP")
        opcode, _ = self._record(8)
        if opcode != HEADER:
            raise ValueError("the header is missing")
        if self._read(self._size - 8, 8) != MAGIC:
            raise ValueError("the end of the file is missing")
        opcode, footer = self._record(self._size - 37)
        if opcode != FOOTER or len(footer) != 20:
            raise ValueError("the footer is missing")
        summary = int.from_bytes(footer[:8], "little")
        if summary:
            self._read_summary(summary)
        if not self._parts or not self._channels:
            self._scan()
        self.connections = [
            Connection(
                key=c.key,
                topic=c.topic,
                schema=c.schema,
                encoding=c.encoding,
                qos=c.qos,
                count=self._counts.get(c.key, 0),
            )
            for c in self._channels.values()
        ]

    def _read_summary(self, offset: int) -> None:
        counts: dict[int, int] | None = None
        for opcode, _, body in self._records(offset):
            if opcode == FOOTER:
                break
            if opcode in (SCHEMA, CHANNEL):
                self._describe(opcode, body)
            elif opcode == CHUNK_INDEX:
                fields = Fields(body)
                start, stop, at, length = (fields.number(8) for _ in range(4))
                table = Fields(fields.block())
                index = {table.number(2): table.number(8) for _ in range(len(table.data) // 10)}
                self._parts.append(_Part(at, length, start, stop, True, index or None))
            elif opcode == STATISTICS:
                fields = Fields(body)
                fields.take(8 + 2 + 4 * 4 + 8 + 8)
                table = Fields(fields.block())
                counts = {table.number(2): table.number(8) for _ in range(len(table.data) // 10)}
        if counts is None:
            counts = {key: len(self.stamps([c])) for key, c in self._channels.items()}
        self._counts = counts

    def _scan(self) -> None:
        """Read the whole file, because it has no index."""
        self._parts, counts = [], Counter[int]()
        run: list[int] | None = None  # offset, length, start, stop of messages outside of chunks

        def end_run() -> None:
            if run is not None:
                offset, length, start, stop = run
                self._parts.append(_Part(offset, length, start, stop, False))

        for opcode, offset, body in self._records(8, large=True):
            if opcode == MESSAGE:
                if len(body) < MESSAGE_HEADER.size:
                    raise ValueError("a message is truncated")
                channel, _, at, _ = MESSAGE_HEADER.unpack_from(body)
                counts[channel] += 1
                length = RECORD_HEADER.size + len(body)
                if run is None or run[1] > _RUN:
                    end_run()
                    run = [offset, 0, at, at]
                run = [run[0], offset + length - run[0], min(run[2], at), max(run[3], at)]
                continue
            end_run()
            run = None
            if opcode in (SCHEMA, CHANNEL):
                self._describe(opcode, body)
            elif opcode == CHUNK:
                chunk = expanded(body)
                times = []
                for inner, record in records(chunk):
                    if inner in (SCHEMA, CHANNEL):
                        self._describe(inner, bytes(record))
                for channel, at, _ in messages(chunk):
                    counts[channel] += 1
                    times.append(at)
                if times:
                    length = RECORD_HEADER.size + len(body)
                    self._parts.append(_Part(offset, length, min(times), max(times)))
            elif opcode == FOOTER:
                break
        self._counts = dict(counts)

    def _describe(self, opcode: int, body: bytes) -> None:
        """Store a schema or a channel."""
        fields = Fields(body)
        key = fields.number(2)
        if opcode == SCHEMA:
            self._schemas[key] = Schema(fields.text(), fields.text(), fields.block())
        elif key not in self._channels:
            schema = self._schemas.get(fields.number(2), Schema(""))
            topic, encoding = absolute(fields.text()), fields.text()
            table = Fields(fields.block())
            metadata = {}
            while table.at < len(table.data):
                name = table.text()
                metadata[name] = table.text()
            qos = metadata.get("offered_qos_profiles", "")
            self._channels[key] = Connection(key, topic, schema, encoding, qos)

    # ------------------------------------------------------------------ records

    def _load(self, part: _Part) -> memoryview:
        """Return the records of a part, decompressed."""
        if not part.is_chunk:
            return memoryview(self._read(part.offset, part.length))
        opcode, body = self._record(part.offset)
        if opcode != CHUNK:
            raise ValueError(f"there is no chunk at byte {part.offset}")
        return expanded(body)

    def _records(self, offset: int, large: bool = False) -> Iterator[tuple[int, int, bytes]]:
        """Yield (opcode, offset, body) of the records of the file; skip attachments."""
        while offset + RECORD_HEADER.size <= self._size:
            opcode, length = RECORD_HEADER.unpack(self._read(offset, RECORD_HEADER.size))
            known = opcode in (FOOTER, SCHEMA, CHANNEL, CHUNK_INDEX, STATISTICS)
            if known or (large and opcode in (MESSAGE, CHUNK)):
                yield opcode, offset, self._read(offset + RECORD_HEADER.size, length)
            offset += RECORD_HEADER.size + length

    def _record(self, offset: int) -> tuple[int, bytes]:
        opcode, length = RECORD_HEADER.unpack(self._read(offset, RECORD_HEADER.size))
        return opcode, self._read(offset + RECORD_HEADER.size, length)

    def _read(self, offset: int, length: int) -> bytes:
        if not 0 <= offset <= offset + length <= self._size:
            raise ValueError(f"the file has no {length} bytes at {offset}: it is truncated")
        if length > MAX_EXPANDED:
            raise RefusedError(f"a record has {length} bytes, above the limit of {MAX_EXPANDED}")
        self._file.seek(offset)
        return self._file.read(length)
