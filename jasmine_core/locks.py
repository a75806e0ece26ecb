# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Advisory locks of output folders, so that two processes do not write into one.

The lock is a `flock` of the directory itself: it leaves no file behind, and the kernel releases it
when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jasmine_core.errors import LockedError

_held: set[int] = set()  # file descriptors
_log = logging.getLogger(__name__)


@contextmanager
def exclusive(folder: Path, waiting_for: str = "", shown: Path | None = None) -> Iterator[None]:
    """Hold the lock of an output folder, which is created if it is missing.

    Args:
        folder: the folder.
        waiting_for: what another holder of the lock does, for a line of the log; then this process
            waits for it.
        shown: name for the error, where the folder is a hidden one.

    Raises:
        LockedError: another process holds the lock, and `waiting_for` is empty.
    """
    missing = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            other = holder(descriptor)
            if not waiting_for:
                raise LockedError(
                    f"{shown or folder} is being written by {other}; wait until it ends, or choose "
                    "another folder with -o"
                ) from err
            _log.warning("waiting for %s, which %s", other, waiting_for)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as err:  # Some network file systems have no locks for directories.
            _log.warning("%s cannot be locked: %s", folder, err.strerror)
        _held.add(descriptor)
        try:
            yield
        finally:
            _held.discard(descriptor)
    finally:
        os.close(descriptor)
        if missing:
            with suppress(OSError):  # Something was written.
                folder.rmdir()


def holder(descriptor: int) -> str:
    """Return "process PID" for the process that locks an open file, "another process" else."""
    found = os.fstat(descriptor)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if "FLOCK" in words and place in words and "->" not in words:
                return f"process {words[words.index(place) - 1]}"
    return "another process"


def _release() -> None:
    """Close the locks of the parent in a forked process, which may outlive it."""
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_release)
