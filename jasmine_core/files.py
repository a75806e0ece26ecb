# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of files and folders: they appear completely or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_TEXT = 16 << 20  # [bytes] of a configuration


def expect_regular(path: Path) -> os.stat_result:
    """Return the status of a file; raise OSError for a FIFO, which blocks, or for a device."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        kind = "directory" if stat.S_ISDIR(found.st_mode) else "FIFO, socket or device"
        raise OSError(errno.EINVAL, f"it is a {kind}, not a file", str(path))
    return found


def read_small(path: Path, most: int = MAX_TEXT) -> str:
    """Return the text of a file of others; raise OSError for one above `most` bytes."""
    if (size := expect_regular(path).st_size) > most:
        raise OSError(errno.EFBIG, f"it has {size} bytes, {most} are read at most", str(path))
    return path.read_text(encoding="utf-8")


def read_json(path: Path, most: int = MAX_TEXT) -> Any:
    """Return the content of a JSON file; raise OSError or ValueError if it cannot be read."""
    try:
        return json.loads(read_small(path, most))
    except RecursionError as err:
        raise ValueError("it is nested too deeply") from err


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that replaces `path` when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        temporary.touch()
        usual = temporary.stat().st_mode
        temporary.unlink()
        yield temporary
        _finish(temporary, usual)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `path` when the block succeeds.

    An existing folder is removed only after the new one is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}")
    retired = path.with_name(f".{path.name}.retired-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    usual = temporary.stat().st_mode & 0o666  # mode of a new folder without execute permission
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _finish(file, usual)
        if path.exists():
            path.replace(retired)
        temporary.replace(path)
    finally:
        if retired.exists() and not path.exists():
            retired.replace(path)  # interrupted between the two renames: restore the old folder
        shutil.rmtree(temporary, ignore_errors=True)
        if retired.is_dir() and not retired.is_symlink():
            shutil.rmtree(retired, ignore_errors=True)
        else:
            retired.unlink(missing_ok=True)


def _finish(file: Path, mode: int) -> None:
    # safetensors files are readable only by their owner, but the node often runs as another user.
    file.chmod(mode)
    # Without fsync, a power failure can leave an empty file under the new name.
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
