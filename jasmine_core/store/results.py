# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results whose folder is in an object store: made on the disk, and uploaded when complete.

A result has one file that makes it complete, such as `sequence.json` or `report.json`. It is
uploaded last and deleted first, so that no reader takes a part of a result for the whole.

CACHE/results/HASH/NAME      result that is being made, or whose upload failed
STORE/NAME/.jasmine.upload   claim of the process that uploads a result
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jasmine_core.cache_folder import cache_folder
from jasmine_core.errors import JasmineError, LockedError
from jasmine_core.outputs import MARKER
from jasmine_core.store.errors import StoreError, explained
from jasmine_core.store.paths import (
    Entry,
    entry,
    files_below,
    filesystem,
    is_remote,
    read_bytes,
    url_of,
)

CLAIM = ".jasmine.upload"
_CLAIM_AGE = 3600.0  # [s] after which the claim of a process that was killed is ignored
_FOLDER = "results"


@contextmanager
def staged(output: Path, last: str, whole: bool = False, failure: str = "") -> Iterator[Path]:
    """Yield the folder on the disk in which a result is made, and upload it after the block.

    A folder that is not in a store is yielded as it is. The folder of an interrupted result, or of
    one whose upload failed, is yielded again. Of a complete result in the store, the file `last`
    and the record of its files are there; what the block changes replaces it.

    Args:
        output: folder of the result, perhaps a URL.
        last: name of the file that makes a result complete.
        whole: whether all files of a complete result are copied to the disk.
        failure: name of a file that states why there is no result; it is uploaded as well.

    Raises:
        StoreError: the store cannot be used; the result stays on the disk.
        LockedError: another process uploads the same result.
        JasmineError: objects that this program did not write are in the place of the result.
    """
    if not is_remote(output):
        yield output
        return
    results = cache_folder() / _FOLDER
    results.mkdir(parents=True, exist_ok=True)
    earlier = files_below(output)
    ends = [last, failure] if failure else [last]
    if {output / end for end in ends} & {file.path for file in earlier}:
        with TemporaryDirectory(prefix="complete-", dir=results) as temporary:
            folder = Path(temporary) / output.name
            wanted = [f for f in earlier if whole or f.path.name in (MARKER, *ends)]
            pull(output, folder, wanted)
            before = _state(folder)
            with _shown_as(folder, output):
                yield folder
            after = _state(folder)
            if after.get(last) != before.get(last):
                publish(folder, output, ends)
            elif after != before:
                _change(folder, output, before, after)
        return
    place = results / hashlib.sha256(url_of(output).encode()).hexdigest()[:32]
    place.mkdir(exist_ok=True)
    folder = place / output.name
    with _shown_as(folder, output):
        yield folder
    if any((folder / end).is_file() for end in ends):
        publish(folder, output, ends)
        shutil.rmtree(place, ignore_errors=True)


def pull(source: Path, folder: Path, files: list[Entry]) -> None:
    """Copy some files of a folder in a store to a folder on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        target = folder / file.path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read_bytes(file.path))


def publish(folder: Path, output: Path, ends: list[str]) -> None:
    """Upload a result; what this program wrote there before is replaced.

    The files of `ends`, which make it complete, are uploaded last and deleted first. The record of
    its files is uploaded before them, so that the next run knows an incomplete upload as one of
    this program.
    """
    fs, root = filesystem(output)
    new = {file.path.relative_to(folder).as_posix() for file in files_below(folder)}
    with claimed(output), explained(url_of(output)):
        old = _expect_own(output)
        stale = [name for name in old if name not in new and name not in ends]
        for name in [*(end for end in ends if end in old), *stale]:
            fs.rm_file(f"{root}/{name}")
        records = sorted(name for name in new if name.rpartition("/")[2] == MARKER)
        for names in (records, sorted(new - {*ends, *records}), sorted(new & {*ends})):
            if names:
                fs.put([str(folder / name) for name in names], [f"{root}/{n}" for n in names])


def _expect_own(output: Path) -> list[str]:
    """Return the names of the objects of an earlier result; raise JasmineError for others."""
    found = {
        file.path.relative_to(output).as_posix(): file
        for file in files_below(output)
        if file.path.name != CLAIM
    }
    recorded: set[str] = set()
    for name, file in found.items():
        if file.path.name != MARKER:
            continue
        inside = name.removesuffix(MARKER)
        recorded.add(name)
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            files = json.loads(read_bytes(file.path))["files"]
            recorded |= {inside + own for own in files}
    if foreign := sorted(found.keys() - recorded):
        raise JasmineError(
            f"{url_of(output / foreign[0])} is in the place of a result, but this program did not "
            "write it; move it, or choose another folder with -o"
        )
    return sorted(found)


@contextmanager
def claimed(output: Path) -> Iterator[None]:
    """Hold the claim to upload a result, so that two processes do not mix theirs."""
    fs, name = filesystem(output / CLAIM)
    url = url_of(output / CLAIM)
    content = json.dumps({"host": socket.gethostname(), "process": os.getpid(), "at": time.time()})
    try:
        with explained(url):
            fs.pipe_file(name, content.encode(), mode="create")
    except (FileExistsError, StoreError) as err:
        if (other := _other_claim(output / CLAIM)) is None:
            raise
        if time.time() - other.get("at", 0) < _CLAIM_AGE:
            raise LockedError(
                f"{url_of(output)} is being uploaded by process {other.get('process')} of "
                f"{other.get('host')}; wait until it ends, or delete {url} if it was killed"
            ) from err
        with explained(url):
            fs.pipe_file(name, content.encode())
    try:
        yield
    finally:
        with suppress(FileNotFoundError, StoreError), explained(url):
            fs.rm_file(name)


def _other_claim(path: Path) -> dict[str, Any] | None:
    """Return the content of a claim; None if there is none."""
    try:
        entry(path)
        other = dict(json.loads(read_bytes(path)))
        return other | {"at": float(other["at"])}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return {}


_State = dict[str, tuple[int, int]]  # size [bytes] and time of the last change [ns] by name


def _state(folder: Path) -> _State:
    found = [(f, f.stat()) for f in sorted(folder.rglob("*")) if f.is_file()]
    return {
        file.relative_to(folder).as_posix(): (status.st_size, status.st_mtime_ns)
        for file, status in found
    }


def _change(folder: Path, output: Path, before: _State, after: _State) -> None:
    """Upload the files of a complete result that are new or changed, and delete others."""
    fs, root = filesystem(output)
    with claimed(output), explained(url_of(output)):
        for name in before.keys() - after.keys():
            fs.rm_file(f"{root}/{name}")
        if names := sorted(name for name in after if before.get(name) != after[name]):
            fs.put([str(folder / name) for name in names], [f"{root}/{n}" for n in names])


@contextmanager
def _shown_as(folder: Path, output: Path) -> Iterator[None]:
    """Let the errors of the block name the result in the store."""
    try:
        yield
    except JasmineError as err:
        shown = str(err).replace(str(folder), url_of(output))
        err.args = (shown,) if not isinstance(err, OSError) else err.args
        raise
