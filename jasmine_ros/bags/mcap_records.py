# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records of MCAP: their fields, the records of a chunk, and its messages."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from zlib import crc32

from jasmine_ros.bags.expansion import expand

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
STATISTICS = 0x0B
RECORD_HEADER = Struct("<BQ")  # opcode, length
MESSAGE_HEADER = Struct("<HIQQ")  # channel, sequence, time of recording, time of publication


class Fields:
    """Fields of a record, read one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        end = self.at + length
        if end > len(self.data):
            raise ValueError("a record is truncated")
        found, self.at = self.data[self.at : end], end
        return found

    def number(self, length: int) -> int:
        """Return the next number, of `length` bytes."""
        return int.from_bytes(self.take(length), "little")

    def block(self, size_bytes: int = 4) -> bytes:
        """Return the next bytes, which are stored after their number."""
        return self.take(self.number(size_bytes))

    def text(self) -> str:
        """Return the next text."""
        return self.block().decode(errors="replace")


def expanded(chunk: bytes) -> memoryview:
    """Return the records of a chunk."""
    fields = Fields(chunk)
    fields.take(16)
    size, checksum, compression = fields.number(8), fields.number(4), fields.text()
    data = expand(fields.block(8), compression, size)
    if checksum and crc32(data) != checksum:
        raise ValueError("a chunk has another checksum than is stored")
    return memoryview(data)


def records(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield (opcode, body) of each record."""
    at = 0
    while at < len(data):
        if at + RECORD_HEADER.size > len(data):
            raise ValueError("a record is truncated")
        opcode, length = RECORD_HEADER.unpack_from(data, at)
        end = at + RECORD_HEADER.size + length
        if end > len(data):
            raise ValueError("a record is truncated")
        yield opcode, data[at + RECORD_HEADER.size : end]
        at = end


def messages(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Yield (channel, time of recording [ns], data) of the messages among some records."""
    for opcode, body in records(data):
        if opcode == MESSAGE:
            if len(body) < MESSAGE_HEADER.size:
                raise ValueError("a message is truncated")
            channel, _, at, _ = MESSAGE_HEADER.unpack_from(body)
            yield channel, at, body[MESSAGE_HEADER.size :]
