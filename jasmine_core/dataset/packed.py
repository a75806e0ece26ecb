# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packed sequences: tar shards that webdataset reads, with an index of the places of all files.

PACKED/packed.json    the sequences, and the shard, offset, size and CRC-32 of each file
PACKED/000000.tar     SEQUENCE/STAMP.image.png, .json, .masks.png, .teacher.png, .depth.png
"""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from jasmine_core.dataset.sequence import MAX_INDEX, DatasetError, Index, parse_index
from jasmine_core.files import json_of
from jasmine_core.store.members import Member
from jasmine_core.store.paths import files_below, read_limited, url_of

PACKED = "packed.json"
VERSION = 1
_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True)
class PackedSequence:
    """Sequence of a packed data set."""

    name: str
    index: Index
    members: Mapping[str, Member]  # by their paths in the folder of the sequence
    relative: bool


def read_packed(folder: Path) -> list[PackedSequence]:
    """Read and validate `packed.json`.

    Raises:
        DatasetError: it is damaged, or a shard is missing or of another size.
        StoreError: the store cannot be used.
    """
    path = folder / PACKED
    try:
        values = json_of(read_limited(path, MAX_INDEX))
        if values.get("version") != VERSION:
            raise ValueError(f"its format version is not {VERSION}")
        shards = {str(s["name"]): int(s["bytes"]) for s in values["shards"]}
        if any(not _is_shard(name) for name in shards):
            raise ValueError("a shard is not a .tar file in its folder")
        _expect_shards(folder, shards)
        return list(_sequences(folder, list(shards), values["sequences"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as err:
        raise DatasetError(
            f"{url_of(path)} cannot be read: {err}; pack the sequences again"
        ) from err


def _sequences(folder: Path, shards: list[str], values: Any) -> Iterator[PackedSequence]:
    paths = [folder / name for name in shards]
    for sequence in values:
        name = str(sequence["name"])
        members = {}
        for file, (shard, offset, size, crc) in sequence["members"].items():
            if min(shard, offset, size) < 0:
                raise ValueError(f"the place of {file} is negative")
            members[str(file)] = Member(
                paths[shard], int(offset), int(size), int(crc), f"{name}/{file}"
            )
        index = parse_index(sequence["index"], folder / name)
        yield PackedSequence(name, index, members, sequence.get("relative") is True)


def _expect_shards(folder: Path, shards: Mapping[str, int]) -> None:
    found = {file.path.name: file.size for file in files_below(folder)}
    for name, size in shards.items():
        if name not in found:
            raise DatasetError(f"{url_of(folder / name)} is missing; pack the sequences again")
        if found[name] != size:
            raise DatasetError(
                f"{url_of(folder / name)} has {found[name]} bytes, not {size}; copy it again, or "
                "pack the sequences again"
            )


def _is_shard(name: str) -> bool:
    return name.endswith(".tar") and not set(name) & {"/", "\\", "\0"}


class ShardWriter:
    """Writer of tar shards of a limited size; the same files give the same bytes.

    Args:
        folder: folder of the shards.
        largest: size [bytes] after which a shard ends.
    """

    def __init__(self, folder: Path, largest: int) -> None:
        self._folder, self._largest = folder, largest
        self._file: BinaryIO | None = None
        self._tar: tarfile.TarFile | None = None
        self.shards: list[dict[str, Any]] = []

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    def begin_group(self) -> None:
        """Begin files that lie in one shard; a new shard begins if this one is full."""
        if self._tar is not None and self._tar.offset >= self._largest:
            self.finish()

    def add(self, name: str, content: bytes) -> tuple[int, int, int, int]:
        """Append a file; return its shard, its offset [bytes], its size [bytes] and its CRC-32."""
        if self._tar is None:
            shard = f"{len(self.shards):06d}.tar"
            self.shards.append({"name": shard, "bytes": 0})
            self._file = (self._folder / shard).open("wb")
            self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)
        about = tarfile.TarInfo(name)
        about.size = len(content)  # Its time, owner and group are zero.
        self._tar.addfile(about, BytesIO(content))
        offset = self._tar.offset - -(-len(content) // _BLOCK) * _BLOCK
        return len(self.shards) - 1, offset, len(content), zlib.crc32(content)

    def finish(self) -> None:
        """End the last shard."""
        if self._tar is None or self._file is None:
            return
        self._tar.close()
        self.shards[-1]["bytes"] = self._file.tell()
        self._file.close()
        self._tar = self._file = None


def write_packed(folder: Path, shards: list[dict[str, Any]], sequences: list[Any]) -> None:
    """Write `packed.json` with one line for each sequence."""
    with (folder / PACKED).open("w", encoding="utf-8") as file:
        file.write(f'{{"version": {VERSION}, "shards": {json.dumps(shards)}, "sequences": [\n')
        file.write(",\n".join(json.dumps(sequence) for sequence in sequences))
        file.write("\n]}\n")
