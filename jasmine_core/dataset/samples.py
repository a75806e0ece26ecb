# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Samples of a dataset: a target image, its neighbours, labels and intrinsics.

Prepared, rendered and published datasets all give the same `Sample`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import (
    CLASSES,
    DEPTH,
    DEPTH_STEPS,
    IMAGES,
    INDEX,
    SEEN,
    TEACHER,
    TEACHER_UNIT,
    DatasetError,
    RgbImage,
    labels_are_relative,
    read_image,
    read_index,
    read_labels,
)
from jasmine_core.geometry.camera import Camera, ImageTransform, Size, Window, stretch
from jasmine_core.geometry.rigid import Array, from_numbers


@dataclass(frozen=True)
class Neighbour:
    """Neighbouring image of a target."""

    image: Path
    stamp: int  # [ns]
    T_target_source: Array | None = None  # [4,4] m, None without metric scale

    @property
    def distance(self) -> float | None:
        """Return the distance [m] from the target, None without metric scale."""
        T = self.T_target_source
        return None if T is None else float(np.linalg.norm(T[:3, 3]))


@dataclass(frozen=True)
class Part:
    """Crop of an image with its aspect ratio; enlarged, it has a longer focal length."""

    share: float  # of both sides, 0 (excluded) to 1
    place: tuple[float, float] = (
        0.5,
        0.5,
    )  # (x, y), from 0 (left, top) to 1

    def transform(self, source: Size, target: Size) -> ImageTransform:
        """Return the transform that enlarges the crop to the target size [px]."""
        width, height = (max(1, round(self.share * side)) for side in source)
        x = round(self.place[0] * (source[0] - width))
        y = round(self.place[1] * (source[1] - height))
        whole = stretch(source, target)
        return replace(whole, source_window=Window(x, y, width, height))


@dataclass(frozen=True)
class Sample:
    """Target image with its neighbours and labels, as paths that `read` opens."""

    image: Path
    stamp: int  # [ns]; the number of the image in a dataset without timestamps
    camera: Camera | None  # of the stored images; None in test sets without calibration
    sources: tuple[Neighbour, ...] = ()  # (before, after); none in test sets
    seen: Path | None = None  # PNG, zero outside the scene after rectification and letterbox
    classes: Path | None = None  # PNG of Cityscapes' training classes, see SKY and MOVING
    teacher: Path | None = None  # 16-bit PNG of depth, TEACHER_UNIT steps per unit
    metres_per_unit: float | None = None  # of the teacher's depth; None: unknown
    relative: bool = False  # the teacher's disparity has an unknown scale and shift
    depth: Path | None = None  # 16-bit PNG of exact depth, DEPTH_STEPS per metre

    def read(self, size: Size | None = None, part: Part | None = None) -> Loaded:
        """Read all images and labels.

        Args:
            size: (width, height) [px] to resize to by stretching; None keeps the stored size.
            part: crop to read; the intrinsics follow it.

        Raises:
            DatasetError: a file is missing, damaged or of another size.
        """
        target = read_image(self.image)
        stored = (target.shape[1], target.shape[0])
        if self.camera is not None and self.camera.size != stored:
            raise DatasetError(
                f"{self.image} is {stored[0]}x{stored[1]} px but its index has "
                f"{self.camera.width}x{self.camera.height} px; prepare the sequence again"
            )
        to_size = (
            part.transform(stored, size or stored) if part else stretch(stored, size or stored)
        )
        sources = []
        for source in self.sources:
            image = read_image(source.image)
            _same_size(source.image, image, stored)
            sources.append(to_size.image(image))

        def nearest(path: Path | None) -> NDArray[Any] | None:
            if path is None:
                return None
            values = read_labels(path)
            _same_size(path, values, stored)
            inside = values[to_size.source_window.slices]
            return cv2.resize(inside, to_size.target, interpolation=cv2.INTER_NEAREST)

        seen, classes, teacher, depth = (
            nearest(p) for p in (self.seen, self.classes, self.teacher, self.depth)
        )
        return Loaded(
            target=to_size.image(target),
            sources=tuple(sources),
            camera=self.camera and to_size.camera(self.camera),
            motions=tuple(source.T_target_source for source in self.sources),
            seen=None if seen is None else np.asarray(seen > 0, np.bool_),
            classes=None if classes is None else np.asarray(classes, np.uint8),
            teacher=None if teacher is None else np.asarray(teacher / TEACHER_UNIT, np.float32),
            depth=None if depth is None else np.asarray(depth / DEPTH_STEPS, np.float32),
        )


@dataclass(frozen=True)
class Loaded:
    """Arrays of a sample, all of one size."""

    target: RgbImage  # [H,W,3] RGB
    sources: tuple[RgbImage, ...]
    camera: Camera | None
    motions: tuple[Array | None, ...]  # T_target_source [4,4] m of each source
    seen: NDArray[np.bool_] | None  # [H,W]
    classes: NDArray[np.uint8] | None  # [H,W]
    teacher: NDArray[np.float32] | None  # [H,W] depth in the teacher's units, 0 = unknown
    depth: NDArray[np.float32] | None = None  # [H,W] exact depth [m], 0 = sky or beyond 255.99 m


class Sequence:
    """Sequence in a folder that `jasmine prepare` or `jasmine render` wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = read_index(folder)
        existing = {f.name for f in (folder / IMAGES).glob("*")}
        _expect_inside(folder, IMAGES, CLASSES, TEACHER, DEPTH)
        missing = [f for f in self.index.frames if Path(f.image).name not in existing]
        if missing:
            raise DatasetError(
                f"{folder} lacks {len(missing)} of its {len(self.index.frames)} images, the "
                f"first is {missing[0].image}; prepare it again with --overwrite"
            )
        self._labels = {
            name: {int(f.stem): f for f in (folder / name).glob("*.png") if f.stem.isdigit()}
            for name in (CLASSES, TEACHER, DEPTH)
        }
        self._seen = folder / SEEN if (folder / SEEN).is_file() else None
        self._relative = labels_are_relative(folder / TEACHER)

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

    def sample(self, i: int) -> Sample:
        """Return sample i."""
        record, frames = self.index.samples[i], self.index.frames
        target = frames[record.target]
        return Sample(
            image=self.folder / target.image,
            stamp=target.stamp,
            camera=self.camera,
            sources=tuple(
                Neighbour(
                    self.folder / frames[source].image,
                    frames[source].stamp,
                    None if T is None else from_numbers(T),
                )
                for source, T in zip(record.sources, record.T_target_source, strict=True)
            ),
            seen=self._seen,
            classes=self._labels[CLASSES].get(target.stamp),
            teacher=self._labels[TEACHER].get(target.stamp),
            metres_per_unit=self.index.metres_per_unit,
            relative=self._relative,
            depth=self._labels[DEPTH].get(target.stamp),
        )


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
    """Open a sequence, or all sequences in a folder."""
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is not a directory; create it with `jasmine prepare BAG -o {folder}`"
        )
    places = [folder] if (folder / INDEX).is_file() else sorted(folder.iterdir())
    found = [Sequence(place) for place in places if (place / INDEX).is_file()]
    if not found:
        raise DatasetError(
            f"{folder} has no sequence; create one with `jasmine prepare BAG -o {folder}`"
        )
    return [sequence for sequence in found if not sequence.folder.name.startswith(".")]


def _same_size(path: Path, values: NDArray[Any], size: Size) -> None:
    if values.shape[1::-1] != size:
        raise DatasetError(
            f"{path} is {values.shape[1]}x{values.shape[0]} px but its target is {size[0]}x"
            f"{size[1]} px; all images and labels of a sample must have one size"
        )
