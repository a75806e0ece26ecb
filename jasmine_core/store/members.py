# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files and the members of tar archives, read by range; those of a store at the same time."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from jasmine_core.store.errors import StoreError, explained
from jasmine_core.store.paths import filesystem, is_remote, read_bytes, read_limited, url_of

_GAP = 1 << 16  # [bytes] between two members up to which one request reads both
_LARGEST = 1 << 23  # [bytes] of such a request


@dataclass(frozen=True)
class Member:
    """One file of a tar archive, with its place in it."""

    shard: Path
    offset: int  # [bytes] of its content
    size: int  # [bytes]
    crc: int  # CRC-32 of its content
    name: str

    def __str__(self) -> str:
        return f"{url_of(self.shard)}:{self.name}"


File = Union[Path, Member]  # noqa: UP007  # Python 3.10 cannot pickle the other form.


def read_file(file: File, most: int) -> bytes:
    """Return the content of a file or member; raise OSError for one above `most` bytes."""
    if isinstance(file, Path):
        return read_limited(file, most)
    if file.size > most:
        raise OSError(errno.EFBIG, f"it has {file.size} bytes, {most} are read at most", str(file))
    return _checked(file, read_bytes(file.shard, file.offset, file.offset + file.size))


def fetch(files: Iterable[File]) -> dict[File, bytes]:
    """Return the contents of the files that are in a store; those on the disk are left out.

    The requests run at the same time, and members that lie close to each other share one.

    Raises:
        FileNotFoundError: an object does not exist.
        StoreError: the store cannot be used, or a shard is not the one that was packed.
    """
    wanted = {file for file in files if is_remote(_object(file))}
    if not wanted:
        return {}
    plain = [file for file in wanted if isinstance(file, Path)]
    runs = list(_runs(sorted(_members(wanted), key=lambda m: (m.shard, m.offset))))
    places = [*plain, *(run[0].shard for run in runs)]
    starts = [*(None for _ in plain), *(run[0].offset for run in runs)]
    stops = [*(None for _ in plain), *(run[-1].offset + run[-1].size for run in runs)]
    contents = _ranges(places, starts, stops)
    found: dict[File, bytes] = dict(zip(plain, contents, strict=False))
    for run, content in zip(runs, contents[len(plain) :], strict=True):
        for member in run:
            at = member.offset - run[0].offset
            found[member] = _checked(member, content[at : at + member.size])
    return found


def _object(file: File) -> Path:
    return file if isinstance(file, Path) else file.shard


def _members(files: Iterable[File]) -> Iterator[Member]:
    for file in files:
        if isinstance(file, Member):
            yield file


def _runs(members: list[Member]) -> Iterator[list[Member]]:
    """Yield lists of members that one request reads."""
    run: list[Member] = []
    for member in members:
        if run and not (
            member.shard == run[0].shard
            and member.offset - (run[-1].offset + run[-1].size) <= _GAP
            and member.offset + member.size - run[0].offset <= _LARGEST
        ):
            yield run
            run = []
        run.append(member)
    if run:
        yield run


def _ranges(places: list[Path], starts: list[int | None], stops: list[int | None]) -> list[bytes]:
    stores = {place.parts[0] for place in places}
    contents: list[bytes] = [b""] * len(places)
    for scheme in stores:
        own = [i for i, place in enumerate(places) if place.parts[0] == scheme]
        fs, _ = filesystem(places[own[0]])
        names = [fs._strip_protocol(url_of(places[i])) for i in own]
        with explained(url_of(places[own[0]].parent)):
            read = fs.cat_ranges(names, [starts[i] for i in own], [stops[i] for i in own])
        for i, content in zip(own, read, strict=True):
            if isinstance(content, Exception):
                with explained(url_of(places[i])):
                    raise content
            contents[i] = bytes(content)
    return contents


def _checked(member: Member, content: bytes) -> bytes:
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise StoreError(
            f"{member} is not what was packed: {url_of(member.shard)} was replaced or damaged; "
            "pack the sequences again"
        )
    return content
