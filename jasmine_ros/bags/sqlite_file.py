# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of the SQLite files of rosbag2, with topics of any encoding."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jasmine_core.store.local_copies import local_file
from jasmine_ros.bags.connection import Connection, RefusedError, Schema, absolute

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


class SqliteFile:
    """Open SQLite file of rosbag2, of any version."""

    def __init__(self, path: Path) -> None:
        path = local_file(path)
        if path.stat().st_size == 0:
            raise ValueError("the file is empty")
        self._size = path.stat().st_size  # [bytes]; no stored message is larger
        uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
        self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._database.text_factory = lambda text: text.decode(errors="replace")
        try:
            # Views, generated columns and triggers of an untrusted file may never end.
            self._database.execute("PRAGMA trusted_schema = OFF")
            self.connections = self._read_connections()
        except BaseException:
            self._database.close()
            raise

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of recording [ns] of the first and last message; None without messages."""
        query = (
            "SELECT min(timestamp), max(timestamp) FROM messages "
            "WHERE typeof(timestamp) = 'integer'"
        )
        first, last = self._database.execute(query).fetchone()
        return None if first is None else (_time(first), _time(last))

    def messages(
        self, wanted: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, time of recording [ns], data) from start to before stop, in order."""
        topics = {c.key: c for c in wanted}
        where, arguments = _in(topics)
        for comparison, limit in ((">=", start), ("<", stop)):
            if limit is not None:
                where += f" AND timestamp {comparison} ?"
                arguments.append(limit)
        rows = self._database.execute(
            "SELECT topic_id, timestamp, length(data), "
            f"CASE WHEN length(data) <= {self._size} THEN data END "
            f"FROM messages WHERE {where} ORDER BY timestamp, rowid",
            arguments,
        )
        for topic, stamp, length, data in rows:
            if data is None:
                raise RefusedError(f"a message has {length} bytes, more than the file")
            yield topics[topic], _time(stamp), data if isinstance(data, bytes) else b""

    def stamps(self, wanted: Collection[Connection]) -> list[int]:
        """Return the times of recording [ns] of all messages of some connections."""
        where, arguments = _in({c.key: c for c in wanted})
        rows = self._database.execute(f"SELECT timestamp FROM messages WHERE {where}", arguments)
        return [_time(stamp) for (stamp,) in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _read_connections(self) -> list[Connection]:
        tables = {name for (name,) in self._database.execute(_TABLES)}
        if missing := {"messages", "topics"} - tables:
            raise ValueError(f"the database has no table {' and '.join(sorted(missing))}")
        topics = self._rows("topics", ("id", "name", "type", "serialization_format"))
        schemas: dict[str, Schema] = {}
        if "message_definitions" in tables:
            columns = ("topic_type", "encoding", "encoded_message_definition")
            for row in self._rows("message_definitions", columns):
                kind, encoding, text = (row[name] for name in columns)
                data = text if isinstance(text, bytes) else str(text or "").encode()
                digest = str(row.get("type_description_hash") or "")
                schemas.setdefault(kind, Schema(str(kind), str(encoding), data, digest))
        counts = dict(
            self._database.execute("SELECT topic_id, count(*) FROM messages GROUP BY topic_id")
        )
        return [
            Connection(
                key=row["id"],
                topic=absolute(str(row["name"])),
                schema=schemas.get(
                    row["type"],
                    Schema(str(row["type"]), digest=str(row.get("type_description_hash") or "")),
                ),
                encoding=str(row["serialization_format"]),
                qos=str(row.get("offered_qos_profiles") or ""),
                count=counts.get(row["id"], 0),
            )
            for row in topics
        ]

    def _rows(self, table: str, required: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the rows of a small table as mappings from the names of its columns."""
        cursor = self._database.execute(f"SELECT * FROM {table} LIMIT 100000")
        names = [column[0] for column in cursor.description]
        if missing := set(required) - set(names):
            raise ValueError(f"table {table} has no column {' and '.join(sorted(missing))}")
        return [dict(zip(names, row, strict=True)) for row in cursor]


def _time(value: Any) -> int:
    """Return a time of recording [ns]; 0 for damage, as columns of SQLite hold any type."""
    return int(value) if isinstance(value, (int, float)) and abs(value) < 2**63 else 0


def _in(topics: dict[int, Connection]) -> tuple[str, list[int]]:
    return f"topic_id IN ({','.join('?' * len(topics))})", list(topics)
