# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files of Rerun that are written while messages arrive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from jasmine_core.errors import JasmineError
from jasmine_core.files import expect_regular, expect_writable, partial_path

_MAGIC = b"RRF"  # with which files of Rerun begin
_BLOCK = 1 << 20  # [bytes] that are copied at once


@contextmanager
def written(recording: Any, path: Path, name: Path) -> Iterator[PipedFile]:
    """Write what is logged inside the block to the file `path`.

    Raises:
        OSError: the file cannot be written, after the block; it is called `name`.
    """
    file = PipedFile(path)
    recording.save(file.name)
    file.opened()
    try:
        yield file
    finally:
        recording.disconnect()
        file.close()
    file.expect_written(name)


@contextmanager
def growing(recording: Any, path: Path) -> Iterator[GrowingFile]:
    """Write what is logged inside the block to a file that takes its name when it has content.

    Live messages come only once, so that neither an error nor a kill may take them away. A file
    without content is deleted, and an earlier file of the name remains.

    Raises:
        JasmineError: the file exists and is not one of Rerun, or cannot be written.
        OSError: it cannot be written, after the block.
    """
    expect_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        with written(recording, partial, path) as piped:
            file = GrowingFile(piped, partial, path)
            yield file
        if file.has_content:
            file.keep()
    finally:
        partial.unlink(missing_ok=True)


class GrowingFile:
    """File with a temporary name until it has content."""

    def __init__(self, piped: PipedFile, partial: Path, path: Path) -> None:
        self._piped, self._partial, self._path = piped, partial, path
        self._is_named = False
        self.has_content = False

    def keep(self) -> None:
        """Note that something was logged, and give the file its name when it is on the disk."""
        self.has_content = True
        if not self._is_named and self._piped.size and not self.has_failed:
            self._partial.replace(self._path)  # What is logged later is added to it.
            self._is_named = True

    @property
    def has_failed(self) -> bool:
        """Return whether writing has failed, so that further data is of no use."""
        return self._piped.has_failed


class PipedFile:
    """File to which a thread copies what Rerun writes into a pipe.

    Rerun itself can wait forever after an error of the disk.
    """

    def __init__(self, path: Path) -> None:
        self._error: OSError | None = None
        self.size = 0  # [bytes] on the disk
        self._file = path.open("wb")
        reading, self._writing = os.pipe()
        self.name = f"/dev/fd/{self._writing}"
        self._thread = Thread(target=self._copy, args=(reading,), daemon=True)
        self._thread.start()

    def opened(self) -> None:
        """Close the own end of the pipe, when Rerun has opened it."""
        os.close(self._writing)

    def close(self) -> None:
        """Wait until everything is copied; Rerun must have closed the pipe."""
        self._thread.join()

    def expect_written(self, file: Path) -> None:
        """Raise OSError with the name of a file if its content could not be written."""
        if self._error is not None:
            raise OSError(self._error.errno, self._error.strerror, str(file))

    def _copy(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while data := pipe.read(_BLOCK):
                self._write(data)
        try:
            self._file.close()
        except OSError as err:
            self._error = self._error or err

    def _write(self, data: bytes) -> None:
        """Write data, or drop it after an error, so that Rerun can end."""
        if self._error is None:
            try:
                self._file.write(data)
                self._file.flush()  # so that an error of the disk is known at once
                self.size += len(data)
            except OSError as err:
                self._error = err

    @property
    def has_failed(self) -> bool:
        """Return whether writing has failed, so that further data is of no use."""
        return self._error is not None


def expect_replaceable(file: Path) -> None:
    """Raise JasmineError if a file cannot be written, or exists and is not one of Rerun."""
    expect_writable(file, "--save")
    with suppress(FileNotFoundError):
        expect_regular(file)
        with file.open("rb") as stream:
            if stream.read(len(_MAGIC)) not in (_MAGIC, b""):
                raise JasmineError(
                    f"{file} exists and is not a file of Rerun; move it, or choose another name"
                )
