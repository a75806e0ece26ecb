# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporary folder of a local Ray, and removal of those that killed commands have left.

TMPDIR/jasmine-ray-XXXX/owner     number of the process; the process holds the lock of the folder
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from jasmine_core.locks import exclusive

PREFIX = "jasmine-ray-"
OWNER = "owner"
_MOST = 100  # folders that a start looks at


@contextmanager
def ray_folder() -> Iterator[Path]:
    """Create a folder inside the block; remove those whose processes were killed before."""
    remove_abandoned(Path(gettempdir()))
    with (
        TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        exclusive(Path(name)),
    ):
        # The file follows the lock, so that no other start takes the folder for an abandoned one.
        Path(name, OWNER).write_text(f"{os.getpid()}\n")
        yield Path(name)


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of this user in `parent` whose processes have ended."""
    for folder in islice(parent.glob(f"{PREFIX}*"), _MOST):
        try:
            descriptor = os.open(
                folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except OSError:  # It is a file, a link, or that of another user.
            continue
        try:
            if os.fstat(descriptor).st_uid != os.getuid() or not (folder / OWNER).is_file():
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        except OSError:  # Its process is alive, or the file system has no locks.
            continue
        finally:
            os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder; `owner` is the last file, because the processes of Ray end a minute late."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != OWNER:
            entry.unlink()
    if [entry.name for entry in folder.iterdir()] == [OWNER]:
        shutil.rmtree(folder)
