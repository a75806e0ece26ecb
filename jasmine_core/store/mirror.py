# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folder of a long run, made on the disk and copied to a store each time it was saved."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jasmine_core.cache_folder import cache_folder
from jasmine_core.store.errors import explained
from jasmine_core.store.paths import files_below, filesystem, is_remote, url_of
from jasmine_core.store.results import claimed, pull

_FOLDER = "runs"
_Status = tuple[int, int]  # size [bytes] and time of the last change [ns]


class Mirror:
    """Folder on the disk with its copy in a store.

    Args:
        folder: folder on the disk.
        output: URL of the copy; the folder itself if there is none.
        last: name of the files that are uploaded after all others and deleted before them.
    """

    def __init__(self, folder: Path, output: Path, last: str) -> None:
        self.folder, self.output, self._last = folder, output, last
        self._uploaded: dict[str, _Status] = {}

    def known(self, left_out: list[str]) -> None:
        """Take the files of the folder for those in the store; the next upload deletes others."""
        self._uploaded = dict.fromkeys(left_out, (0, 0)) | self._status()

    def upload(self) -> None:
        """Upload the files that are new or changed, and delete those that this run uploaded once.

        Raises:
            StoreError: the store cannot be used; the next upload makes up for it.
        """
        if self.folder == self.output:
            return
        fs, root = filesystem(self.output)
        now = self._status()
        new = [name for name, status in now.items() if self._uploaded.get(name) != status]
        gone = [name for name in self._uploaded if name not in now]
        with claimed(self.output), explained(url_of(self.output)):
            for name in sorted(gone, key=lambda name: not self._is_last(name)):
                fs.rm_file(f"{root}/{name}")
                del self._uploaded[name]
            for name in sorted(new, key=self._is_last):
                fs.put_file(str(self.folder / name), f"{root}/{name}")
                self._uploaded[name] = now[name]

    def _is_last(self, name: str) -> bool:
        return name.rpartition("/")[2] == self._last

    def _status(self) -> dict[str, _Status]:
        found = {}
        for file in sorted(self.folder.rglob("*")):
            parts = file.relative_to(self.folder).parts
            if file.is_file() and not any(part.startswith(".") for part in parts):
                status = file.stat()
                found["/".join(parts)] = status.st_size, status.st_mtime_ns
        return found


@contextmanager
def mirrored(output: Path, last: str, skip: str = "") -> Iterator[Mirror]:
    """Yield the mirror of a folder of a run; a folder of the disk has none.

    What is in the store already is copied to the disk first.

    Args:
        output: folder of the run, perhaps a URL.
        last: name of the file that makes a part of the run complete.
        skip: name of the folders of parts, of which only the newest complete one is copied.
    """
    if not is_remote(output):
        yield Mirror(output, output, last)
        return
    place = cache_folder() / _FOLDER / hashlib.sha256(url_of(output).encode()).hexdigest()[:32]
    shutil.rmtree(place, ignore_errors=True)
    folder = place / output.name
    files = files_below(output)
    left_out: list[Path] = []
    if skip:
        parts = {file.path.parent for file in files if file.path.parent.parent.name == skip}
        complete = {file.path.parent for file in files if file.path.name == last}
        newest = max(parts & complete, default=None)
        left_out = [f.path for f in files if f.path.parent in parts - {newest}]
        files = [f for f in files if f.path not in left_out]
    pull(output, folder, [file for file in files if not file.path.name.startswith(".")])
    mirror = Mirror(folder, output, last)
    mirror.known([path.relative_to(output).as_posix() for path in left_out])
    yield mirror
    mirror.upload()
    shutil.rmtree(place, ignore_errors=True)
