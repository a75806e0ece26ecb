# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packing of sequences into tar shards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from jasmine_core.config import to_mapping
from jasmine_core.dataset.packed import ShardWriter, write_packed
from jasmine_core.dataset.sequence import SEEN, DatasetError, FrameRecord
from jasmine_core.dataset.sequences import LABELS, Sequence
from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_folder
from jasmine_core.image_files import MAX_BYTES
from jasmine_core.outputs import expect_own, record
from jasmine_core.store.members import File, fetch, read_file
from jasmine_core.store.paths import url_of

_BATCH = 64  # frames that are read at the same time


def pack(
    sequences: list[Sequence],
    folder: Path,
    largest: int,
    progress: Callable[[int], object] = lambda frames: None,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Pack sequences into a folder, which appears when it is complete.

    Args:
        sequences: the sequences.
        folder: folder of the shards; an earlier packed data set in it is replaced.
        largest: size [bytes] after which a shard ends.
        progress: called with numbers of packed images.
        stop: called before each sequence; True ends the packing without a result.

    Returns:
        Whether the packing is complete.

    Raises:
        ConfigError: two sequences have the same name.
        DatasetError: an image cannot be read.
    """
    by_name = {sequence.folder.name: sequence for sequence in sequences}
    if len(by_name) < len(sequences):
        names = [sequence.folder.name for sequence in sequences]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two sequences are named {twice}; rename the folder of one")
    expect_own(folder)
    with suppress(_StoppedError), atomic_folder(folder) as partial:
        with ShardWriter(partial, largest) as writer:
            packed = []
            for name in sorted(by_name):
                if stop():
                    raise _StoppedError
                packed.append(_pack_one(by_name[name], writer, progress))
        write_packed(partial, writer.shards, packed)
        record(partial)
        return True
    return False


class _StoppedError(Exception):
    """The packing shall end."""


def _pack_one(
    sequence: Sequence, writer: ShardWriter, progress: Callable[[int], object]
) -> dict[str, Any]:
    """Append one sequence; return its part of `packed.json`."""
    name = sequence.folder.name
    members: dict[str, tuple[int, int, int, int]] = {}
    frames = sequence.index.frames
    about = _descriptions(sequence)
    for first in range(0, len(frames), _BATCH):
        batch = frames[first : first + _BATCH]
        contents = _Contents([file for frame in batch for _, file in _files(sequence, frame)])
        for i, frame in enumerate(batch, first):
            writer.begin_group()
            key = f"{name}/{frame.stamp:019d}"
            for path, file in _files(sequence, frame):
                kind = "image" if path == frame.image else Path(path).parts[0]
                suffix = Path(path).suffix
                members[path] = writer.add(f"{key}.{kind}{suffix}", contents(file))
            if i == 0 and (seen := sequence.files.get(SEEN)) is not None:
                members[SEEN] = writer.add(f"{key}.seen.png", _Contents([seen])(seen))
            writer.add(f"{key}.json", json.dumps(about[i]).encode())
        progress(len(batch))
    return {
        "name": name,
        "relative": sequence.relative,
        "index": to_mapping(sequence.index),
        "members": members,
    }


def _files(sequence: Sequence, frame: FrameRecord) -> Iterator[tuple[str, File]]:
    """Yield the relative path and the file of an image and of its labels."""
    yield frame.image, sequence.files[frame.image]
    for kind in LABELS:
        if (file := sequence.label(kind, frame.stamp)) is not None:
            yield f"{kind}/{frame.stamp:019d}.png", file


def _descriptions(sequence: Sequence) -> list[dict[str, Any]]:
    """Return the JSON of each frame for readers of the shards alone."""
    index = sequence.index
    K = index.camera.K.tolist()
    found: list[dict[str, Any]] = [
        {"stamp": frame.stamp, "segment": frame.segment, "K": K, "metric": index.metric}
        for frame in index.frames
    ]
    for sample in index.samples:
        found[sample.target] |= {
            "sources": [
                f"{sequence.folder.name}/{index.frames[source].stamp:019d}"
                for source in sample.sources
            ],
            "T_target_source": list(sample.T_target_source),
        }
    return found


class _Contents:
    """Contents of some files, those of a store read at the same time."""

    def __init__(self, files: list[File]) -> None:
        self._fetched = fetch(files)

    def __call__(self, file: File) -> bytes:
        if (content := self._fetched.get(file)) is not None:
            return content
        try:
            return read_file(file, MAX_BYTES)
        except FileNotFoundError as err:
            raise DatasetError(f"{_shown(file)} does not exist; prepare it again") from err


def _shown(file: File) -> str:
    return url_of(file) if isinstance(file, Path) else str(file)
