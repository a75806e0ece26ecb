# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A file of lines that survives whatever happens to the process that writes it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Journal:
    """Append JSON records, one a line; nobody else can have it open meanwhile.

    Opening raises BlockingIOError if another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise
        self._good = 0  # [bytes] up to where the records were accepted

    def records(self) -> Iterator[Record]:
        """Yield the records of earlier runs; a line that was cut ends them."""
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
        """Forget the record that `records` gave last, and what follows it."""
        self._file.truncate(self._good)

    def add(self, record: Record) -> None:
        """Append a record; from here on even a kill cannot lose it."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Let others have it."""
        with suppress(OSError):  # on a full disk, the line that did not fit
            self._file.close()
