# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sequences for training: from folders, or packed into tar shards; on the disk or in a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jasmine_core.dataset.packed import PACKED, read_packed
from jasmine_core.dataset.samples import Neighbour, Sample
from jasmine_core.dataset.sequence import (
    CLASSES,
    DEPTH,
    IMAGES,
    INDEX,
    SEEN,
    TEACHER,
    DatasetError,
    Index,
    labels_are_relative,
    read_index,
)
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.rigid import from_numbers
from jasmine_core.store.members import File
from jasmine_core.store.paths import is_file, is_folder, is_remote, names_in, url_of

LABELS = (CLASSES, TEACHER, DEPTH)


@dataclass(frozen=True)
class Contents:
    """Index of a sequence with its files, by their paths relative to the folder."""

    index: Index
    files: Mapping[str, File]
    relative: bool  # the teacher's disparity has an unknown scale and shift


class Sequence:
    """Sequence in a folder that `jasmine prepare` or `jasmine render` wrote, or packed.

    Args:
        folder: folder of the sequence; of a packed one, the folder of the shards and its name.
        contents: what a packed sequence consists of; by default the folder is read.
    """

    def __init__(self, folder: Path, contents: Contents | None = None) -> None:
        self.folder = folder
        contents = contents or _contents_of(folder)
        self.index, self.files, self.relative = contents.index, contents.files, contents.relative
        missing = [f for f in self.index.frames if f.image not in self.files]
        if missing:
            raise DatasetError(
                f"{url_of(folder)} lacks {len(missing)} of its {len(self.index.frames)} images, "
                f"the first is {missing[0].image}; prepare it again with --overwrite"
            )
        self._labels: dict[str, dict[int, File]] = {kind: {} for kind in LABELS}
        for name, file in self.files.items():
            kind, _, label = name.partition("/")
            stem, _, suffix = label.rpartition(".")
            if kind in self._labels and suffix == "png" and stem.isdigit():
                self._labels[kind][int(stem)] = file

    @property
    def camera(self) -> Camera:
        """Return the camera of all images."""
        return self.index.camera

    @property
    def metric(self) -> bool:
        """Return whether the motion between neighbours is metric."""
        return self.index.metric

    def __len__(self) -> int:
        return len(self.index.samples)

    def label(self, kind: str, stamp: int) -> File | None:
        """Return the label of a kind in LABELS of the image at a timestamp [ns], if it has one."""
        return self._labels[kind].get(stamp)

    def sample(self, i: int) -> Sample:
        """Return sample i."""
        record, frames = self.index.samples[i], self.index.frames
        target = frames[record.target]
        return Sample(
            image=self.files[target.image],
            stamp=target.stamp,
            camera=self.camera,
            sources=tuple(
                Neighbour(
                    self.files[frames[source].image],
                    frames[source].stamp,
                    None if T is None else from_numbers(T),
                )
                for source, T in zip(record.sources, record.T_target_source, strict=True)
            ),
            seen=self.files.get(SEEN),
            classes=self.label(CLASSES, target.stamp),
            teacher=self.label(TEACHER, target.stamp),
            metres_per_unit=self.index.metres_per_unit,
            relative=self.relative,
            depth=self.label(DEPTH, target.stamp),
        )


def _contents_of(folder: Path) -> Contents:
    """Return what the folder of a sequence consists of."""
    index = read_index(folder)
    if not is_remote(folder):
        _expect_inside(folder, IMAGES, *LABELS)
    places = [f"{place}/{name}" for place in (IMAGES, *LABELS) for name in names_in(folder / place)]
    files: dict[str, File] = {name: folder / name for name in places}
    if is_file(folder / SEEN):
        files[SEEN] = folder / SEEN
    return Contents(index, files, labels_are_relative(folder / TEACHER))


def _expect_inside(folder: Path, *names: str) -> None:
    """Raise DatasetError for links in folders of a sequence that lead out of it."""
    root = folder.resolve()
    for place in map(folder.joinpath, names):
        for path in (place, *place.glob("*")):
            if path.is_symlink() and root not in path.resolve().parents:
                raise DatasetError(
                    f"{path} is a link that leads out of {folder}; copy the file into the sequence"
                )


def open_sequences(folder: Path) -> list[Sequence]:
    """Open a sequence, all sequences in a folder, or those that are packed in it."""
    if not is_folder(folder):
        raise DatasetError(
            f"{url_of(folder)} is not a directory; create it with `jasmine prepare BAG -o "
            f"{url_of(folder)}`"
        )
    names = names_in(folder)
    if PACKED in names:
        return [
            Sequence(folder / packed.name, Contents(packed.index, packed.members, packed.relative))
            for packed in read_packed(folder)
        ]
    places = [folder] if INDEX in names else [folder / name for name in names]
    found = [Sequence(place) for place in places if is_file(place / INDEX)]
    if not found:
        raise DatasetError(
            f"{url_of(folder)} has no sequence; create one with `jasmine prepare BAG -o "
            f"{url_of(folder)}`"
        )
    return [sequence for sequence in found if not sequence.folder.name.startswith(".")]
