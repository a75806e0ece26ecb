# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of files and folders: they appear completely or not at all."""

from __future__ import annotations

import ctypes
import errno
import itertools
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jasmine_core.errors import ConfigError

_number = itertools.count()  # of temporary folders: threads share a process id
_ATTEMPTS = 1000
_HERE, _RENAME_EXCHANGE = -100, 2  # AT_FDCWD and the flag of renameat2 in Linux
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
    return json_of(read_small(path, most))


def json_of(text: str | bytes) -> Any:
    """Return the content of a JSON text; raise ValueError if it cannot be parsed."""
    try:
        return json.loads(text)
    except RecursionError as err:
        raise ValueError("it is nested too deeply") from err


def found_in(folder: Path, *patterns: str) -> list[Path]:
    """Return the sorted files of a folder that match a pattern; none if it cannot be read.

    A cache of another user must not stop a node that can do without it.
    """
    try:
        return sorted(file for pattern in patterns for file in folder.glob(pattern))
    except OSError:
        return []


def expect_writable(path: Path, option: str) -> None:
    """Raise ConfigError if `atomic_file` could not write a file, before the work for it begins.

    Nothing is left on the disk, and an existing file is not opened.

    Args:
        path: file that an option names; its folder need not exist.
        option: name of the option.
    """
    try:
        reason = _refusal(path)
    except OSError as err:  # A folder cannot be searched, or a name is too long.
        reason = err.strerror
    if reason:
        raise ConfigError(
            f"{option} is {path}, which cannot be written: {reason}; choose another file, in a "
            "folder that you can write to"
        )


def _refusal(path: Path) -> str | None:
    """Return why a file cannot be written; None if it can."""
    if path.exists():
        if not path.is_file():
            return f"it is a {'directory' if path.is_dir() else 'FIFO, socket or device'}"
        if not os.access(path, os.W_OK):
            return "it is read-only"
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir():
        return f"{folder} is not a directory"
    trial = partial_path(folder / path.name)
    try:  # Permissions alone do not tell: root has all of them in /proc and on read-only disks.
        trial.touch(exist_ok=False)
    except OSError as err:
        return f"no file can be made in {folder} ({err.strerror})"
    trial.unlink()
    return None


def partial_path(path: Path) -> Path:
    """Return a hidden path beside a file, with its suffix, that no other process uses."""
    # Containers that share a network folder may have the same process id.
    own = f"{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(f".{path.stem}.partial-{own}{path.suffix}")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that replaces `path` when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = partial_path(path)
    try:
        temporary.touch()
        usual = temporary.stat().st_mode
        temporary.unlink()
        yield temporary
        _finish(temporary, usual)
        temporary.replace(path)
    except OSError as err:
        if str(err.filename) == str(temporary):  # The user knows the other name.
            err.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `path` when the block succeeds.

    Readers find the old folder or the new one at every moment; see `replace_folder`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}-{next(_number)}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    usual = temporary.stat().st_mode & 0o666  # mode of a new folder without execute permission
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _finish(file, usual)
        replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(new: Path, path: Path) -> None:
    """Give a complete folder its final name, and delete what had that name before.

    Both must be on one file system. Where the system cannot exchange two names at once, there is a
    moment in which a reader finds nothing.
    """
    for _ in range(_ATTEMPTS):  # Another writer may finish the same folder at this moment.
        try:
            if not os.path.lexists(path):
                new.rename(path)
                return
            if not _exchange(new, path):
                _exchange_in_two_steps(new, path)
        except OSError as err:
            if err.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT) and new.is_dir():
                continue
            raise
        _remove(new)
        return
    raise OSError(errno.EBUSY, "other processes replace it all the time", str(path))


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return whether the system can do that."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # glibc before 2.28, or another libc
        return False
    names = (_HERE, os.fsencode(one), _HERE, os.fsencode(other), _RENAME_EXCHANGE)
    if rename(*names) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM):
        return False  # an old kernel, or a file system without it
    raise OSError(number, os.strerror(number), str(other))


def _exchange_in_two_steps(new: Path, path: Path) -> None:
    retired = path.with_name(f".{path.name}.retired-{os.getpid()}-{next(_number)}")
    path.rename(retired)
    try:
        new.rename(path)
    except BaseException:
        if not os.path.lexists(path):
            retired.rename(path)  # interrupted between the two: the old one is all there is
        raise
    retired.rename(new)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _finish(file: Path, mode: int) -> None:
    # safetensors files are readable only by their owner, but the node often runs as another user.
    file.chmod(mode)
    # Without fsync, a power failure can leave an empty file under the new name.
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
