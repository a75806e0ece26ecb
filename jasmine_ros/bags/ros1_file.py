# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of the bags of ROS 1, with bounded chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import cast

from rosbags.interfaces import ConnectionExtRosbag1
from rosbags.rosbag1 import Reader
from rosbags.rosbag1.reader import decompressors

from jasmine_core.store.local_copies import local_file
from jasmine_ros.bags.connection import Connection, Schema, absolute
from jasmine_ros.bags.expansion import expand


class Ros1File:
    """Open bag of ROS 1."""

    def __init__(self, path: Path) -> None:
        self._reader = _Reader(local_file(path))
        self._reader.open()
        self._of_reader = {c.id: c for c in self._reader.connections}
        self.connections = [
            Connection(
                key=c.id,
                topic=absolute(c.topic),
                schema=Schema(c.msgtype, "ros1msg", c.msgdef.data.encode()),
                encoding="ros1",
                latched=bool(cast(ConnectionExtRosbag1, c.ext).latching),
                count=c.msgcount,
            )
            for c in self._reader.connections
        ]

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of recording [ns] of the first and last message; None without messages."""
        first, end = self._reader.start_time, self._reader.end_time
        return (first, end - 1) if first < end else None

    def messages(
        self, wanted: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, time of recording [ns], data) from start to before stop, in order."""
        if not wanted:
            return  # The reader of rosbags yields all messages then.
        keys = {c.key: c for c in wanted}
        of_reader = [self._of_reader[key] for key in keys]
        for connection, stamp, data in self._reader.messages(of_reader, start, stop):
            yield keys[connection.id], stamp, data

    def stamps(self, wanted: Collection[Connection]) -> list[int]:
        """Return the times of recording [ns] of all messages of some connections."""
        return [entry.time for c in wanted for entry in self._reader.indexes[c.key]]

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class _Reader(Reader):
    """Reader of rosbags whose chunks expand by a limited factor."""

    def read_chunk(self):  # type: ignore[no-untyped-def]  # its type is private
        """Read a chunk record header from the current position."""
        chunk = super().read_chunk()
        name = next(n for n, function in decompressors.items() if function is chunk.decompressor)
        return chunk._replace(decompressor=lambda data: expand(data, name))
