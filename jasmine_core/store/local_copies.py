# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copies of objects on the disk, of a limited size in all: the least recently used are deleted.

CACHE/objects/HASH/NAME      HASH is that of the URL, the version and the size of the object
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from jasmine_core.cache_folder import cache_folder
from jasmine_core.errors import ConfigError, LockedError
from jasmine_core.files import atomic_file
from jasmine_core.locks import exclusive
from jasmine_core.store.errors import StoreError, changed, explained
from jasmine_core.store.paths import Entry, entry, files_below, filesystem, is_remote, url_of

LIMIT = "JASMINE_CACHE_GB"
USUAL_LIMIT = 20.0  # [GB]
_IN_USE = 10.0  # [s] after which a copy has been opened, so that it can be deleted
_FOLDER = "objects"
_log = logging.getLogger(__name__)


def cache_limit() -> int:
    """Return the largest size [bytes] of all copies: JASMINE_CACHE_GB, or 20 GB.

    Raises:
        ConfigError: it is not a positive number.
    """
    text = os.environ.get(LIMIT, "")
    try:
        limit = float(text or USUAL_LIMIT)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise ConfigError(f"{LIMIT} is {text}; it must be a positive number of gigabytes")
    return int(limit * 1e9)


def local_file(path: Path) -> Path:
    """Return the path of a file on the disk: the file itself, or a copy of an object.

    Raises:
        FileNotFoundError: there is no such object.
        StoreError: the object cannot be read, changes meanwhile, or is larger than the cache.
    """
    if not is_remote(path):
        return path
    if path.parts[0] == "file:":
        return Path("/", *path.parts[1:])
    return _copied(entry(path))


def local_folder(folder: Path) -> Path:
    """Return the path of a folder on the disk: the folder itself, or a copy from a store."""
    if not is_remote(folder):
        return folder
    if folder.parts[0] == "file:":
        return Path("/", *folder.parts[1:])
    found = files_below(folder)
    if not found:
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", url_of(folder))
    key = " ".join(f"{file.path} {file.version} {file.size}" for file in found)
    place = _place(key)
    with exclusive(place, waiting_for="copies the same folder"):
        target = place / folder.name
        if not target.is_dir():
            _make_room(sum(file.size for file in found), place, url_of(folder))
            partial = place / f".{folder.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            for file in found:
                _download(file, partial / file.path.relative_to(folder))
            partial.rename(target)
        os.utime(place)
    return target


def _copied(found: Entry) -> Path:
    place = _place(f"{found.path} {found.version} {found.size}")
    with exclusive(place, waiting_for="copies the same object"):
        target = place / found.path.name
        if not target.is_file():
            _make_room(found.size, place, url_of(found.path))
            _download(found, target)
        os.utime(place)
    return target


def _place(key: str) -> Path:
    return cache_folder() / _FOLDER / hashlib.sha256(key.encode()).hexdigest()[:32]


def _download(found: Entry, target: Path) -> None:
    fs, name = filesystem(found.path)
    url = url_of(found.path)
    try:
        with atomic_file(target) as temporary:
            with explained(url):
                fs.get_file(name, str(temporary))
            if temporary.stat().st_size != found.size or entry(found.path) != found:
                raise changed(url)
    except FileNotFoundError as err:
        raise StoreError(f"{url} was deleted while it was read") from err


def _make_room(size: int, own: Path, url: str) -> None:
    """Delete the least recently used copies until another one fits."""
    limit = cache_limit()
    if size > limit:
        raise StoreError(
            f"{url} has {size / 1e9:.1f} GB, more than the cache of {limit / 1e9:.1f} GB; set "
            f"{LIMIT} to a larger number of gigabytes"
        )
    places = []
    with suppress(OSError):
        others = [place for place in own.parent.iterdir() if place != own]
        places = [(place.stat().st_mtime, _bytes(place), place) for place in others]
    total = size + sum(used for _, used, _ in places)
    for at, used, place in sorted(places):
        if total <= limit:
            return
        time.sleep(min(_IN_USE, max(0.0, at + _IN_USE - time.time())))
        with suppress(LockedError), exclusive(place):  # Another process is copying into it.
            _log.debug("%s: deleted, because the cache of objects is full", place)
            shutil.rmtree(place, ignore_errors=True)
            total -= used


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
