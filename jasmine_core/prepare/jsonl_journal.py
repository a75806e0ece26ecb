# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Append-only JSON Lines file that stays readable when its writer is killed."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Journal:
    """JSON Lines file with an exclusive lock.

    Raises:
        BlockingIOError: another process has the journal open.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise
        self._good = 0  # [bytes] length of the accepted records

    def records(self) -> Iterator[Record]:
        """Yield the records of earlier runs up to the first incomplete line."""
        self._file.seek(0)
        self._good = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
            except ValueError:
                return
            yield record
            self._good += len(line)

    def cut(self) -> None:
        """Remove the last record that `records` yielded and everything after it."""
        self._file.truncate(self._good)

    def add(self, record: Record) -> None:
        """Append a record; it survives a kill of this process from then on."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file and release its lock."""
        with suppress(OSError):  # On a full disk the last line does not fit.
            self._file.close()
