# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sequences on disk: rectified images, one JSON index, samples of an image and its neighbours.

`docs/dataset.md` describes the folder. Every data set, prepared from a bag or published by others,
gives the same `Sample`s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.config import from_mapping, to_mapping
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.files import atomic_file
from jasmine_core.geometry.camera import Camera, ImageTransform, Size, Window, stretch
from jasmine_core.geometry.rigid import Array, from_numbers

VERSION = 2
INDEX, SEEN = "sequence.json", "seen.png"
IMAGES, CLASSES, TEACHER = "images", "masks", "teacher"
DEPTH, DEPTH_STEPS = "depth", 256  # folder of exact depth, and its steps per metre
TEACHER_UNIT = 256  # steps of a teacher's 16-bit PNG per unit of depth; 0 = unknown
SKY = 10  # Cityscapes' training classes: what moves by itself, and what has no depth
MOVING = (11, 12, 13, 14, 15, 16, 17, 18)

RgbImage = NDArray[np.uint8]


class DatasetError(JasmineError):
    """A data set that is missing, incomplete or not what its index says."""


@dataclass(frozen=True)
class FrameRecord:
    """One image of the index."""

    stamp: int  # [ns]
    segment: int  # images of different segments were never compared
    image: str  # path inside the folder


@dataclass(frozen=True)
class SampleRecord:
    """One target of the index with its neighbours before and after, as indices of frames."""

    target: int
    sources: tuple[int, int]
    flow: tuple[float, float]  # upper decile, share of the width
    parallax: tuple[float, float]
    T_target_source: tuple[list[float] | None, list[float] | None]  # seven numbers each [m]


@dataclass(frozen=True)
class Index:
    """What `sequence.json` holds."""

    version: int
    source: dict[str, Any]  # the bag and its topics
    options: dict[str, Any]  # how it was prepared
    width: int
    height: int
    K: list[list[float]]
    metric: bool  # T_target_source are believed to be metres
    frames: list[FrameRecord] = field(default_factory=list)
    samples: list[SampleRecord] = field(default_factory=list)
    metres_per_unit: float | None = None  # of the teacher's maps; None: unknown

    @property
    def camera(self) -> Camera:
        """Return the camera of all images."""
        return Camera(self.width, self.height, np.array(self.K, np.float64))


@dataclass(frozen=True)
class Neighbour:
    """An image that shows the target's scene from elsewhere."""

    image: Path
    stamp: int  # [ns]
    T_target_source: Array | None = None  # [4,4] in metres, where odometry is believed

    @property
    def distance(self) -> float | None:
        """Return how far the camera moved [m]."""
        T = self.T_target_source
        return None if T is None else float(np.linalg.norm(T[:3, 3]))


@dataclass(frozen=True)
class Part:
    """A rectangle of an image in its aspect ratio; enlarged it shows a longer focal length."""

    share: float  # of both sides, above 0, up to 1
    place: tuple[float, float] = (0.5, 0.5)  # 0..1 of the way along each free side (x, y)

    def transform(self, source: Size, target: Size) -> ImageTransform:
        """Return the transform that fills the target with the part."""
        width, height = (max(1, round(self.share * side)) for side in source)
        x = round(self.place[0] * (source[0] - width))
        y = round(self.place[1] * (source[1] - height))
        whole = stretch(source, target)
        return replace(whole, source_window=Window(x, y, width, height))


@dataclass(frozen=True)
class Sample:
    """A target image and what is known about it; paths are opened by `read`."""

    image: Path
    stamp: int  # [ns]; the number of the image where a data set has no clock
    camera: Camera | None  # of the stored images; None in test sets without calibration
    sources: tuple[Neighbour, ...] = ()  # (before, after); none in test sets
    seen: Path | None = None  # PNG, zero where rectification or letterbox left nothing of the scene
    classes: Path | None = None  # PNG of Cityscapes' training classes, see SKY and MOVING
    teacher: Path | None = None  # 16-bit PNG of depth, TEACHER_UNIT steps per unit
    metres_per_unit: float | None = None  # of the teacher's depth; None: unknown
    depth: Path | None = None  # 16-bit PNG of exact depth, DEPTH_STEPS per metre

    def read(self, size: Size | None = None, part: Part | None = None) -> Loaded:
        """Read everything, resized to (width, height) by stretching if a size is given.

        `part` is what is read of it, with the intrinsics of that part.
        """
        target = read_image(self.image)
        stored = (target.shape[1], target.shape[0])
        if self.camera is not None and self.camera.size != stored:
            raise DatasetError(
                f"{self.image} is {stored[0]}x{stored[1]} px but its index says "
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
    """The arrays of a sample, all of one size."""

    target: RgbImage  # [H,W,3] RGB
    sources: tuple[RgbImage, ...]
    camera: Camera | None
    motions: tuple[Array | None, ...]  # T_target_source [4,4] of each source, in metres
    seen: NDArray[np.bool_] | None  # [H,W]
    classes: NDArray[np.uint8] | None  # [H,W]
    teacher: NDArray[np.float32] | None  # [H,W] depth in the teacher's units, 0 = unknown
    depth: NDArray[np.float32] | None = None  # [H,W] exact depth [m], 0 = sky or beyond 255.99 m


class Sequence:
    """Read a folder that `jasmine prepare` wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = read_index(folder)
        there = {f.name for f in (folder / IMAGES).glob("*")}
        missing = [f for f in self.index.frames if Path(f.image).name not in there]
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

    @property
    def camera(self) -> Camera:
        """Return the camera of all images."""
        return self.index.camera

    @property
    def metric(self) -> bool:
        """Tell whether the distances to the neighbours are known."""
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
            depth=self._labels[DEPTH].get(target.stamp),
        )


def open_sequences(folder: Path) -> list[Sequence]:
    """Open a sequence, or all sequences of a folder that `jasmine prepare` wrote."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder; `jasmine prepare BAG -o {folder}` makes one")
    places = [folder] if (folder / INDEX).is_file() else sorted(folder.iterdir())
    found = [Sequence(place) for place in places if (place / INDEX).is_file()]
    if not found:
        raise DatasetError(
            f"{folder} holds no sequence; `jasmine prepare BAG -o {folder}` makes one"
        )
    return [sequence for sequence in found if not sequence.folder.name.startswith(".")]


def image_name(stamp: int, suffix: str) -> str:
    """Return where the image of a stamp [ns] lies; names sort as time does."""
    return f"{IMAGES}/{stamp:019d}.{suffix}"


def read_index(folder: Path) -> Index:
    """Read `sequence.json`."""
    path = folder / INDEX
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError as err:
        raise DatasetError(f"{folder} has no {INDEX}; `jasmine prepare` makes it") from err
    except (OSError, ValueError) as err:
        raise DatasetError(f"{path} cannot be read: {err}; prepare it again") from err
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise DatasetError(
            f"{path} is not of format version {VERSION}; prepare it again with "
            "`jasmine prepare ... --overwrite` or `jasmine render`"
        )
    try:
        index = from_mapping(Index, values, str(path))
    except ConfigError as err:
        raise DatasetError(str(err)) from err
    count = len(index.frames)
    for record in index.samples:
        if not all(0 <= i < count for i in (record.target, *record.sources)):
            raise DatasetError(f"{path}: sample {record} points outside its {count} frames")
    return index


def write_index(index: Index, folder: Path) -> None:
    """Write `sequence.json`, a line for each frame and each sample."""
    values = to_mapping(index)
    lines = {name: values.pop(name) for name in ("frames", "samples")}
    text = json.dumps(values, indent=2)[:-2]
    for name, records in lines.items():
        rows = ",\n".join("    " + json.dumps(record) for record in records)
        text += f',\n  "{name}": [\n{rows}\n  ]'
    with atomic_file(folder / INDEX) as temporary:
        temporary.write_text(text + "\n}\n")


def read_image(path: Path) -> RgbImage:
    """Read an image as RGB [H,W,3]."""
    pixels = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def read_labels(path: Path) -> NDArray[Any]:
    """Read a PNG of one channel [H,W] as it is stored."""
    values = _decode(path, cv2.IMREAD_UNCHANGED)
    if values.ndim != 2 or values.dtype not in (np.uint8, np.uint16):
        raise DatasetError(
            f"{path} is {values.dtype} {list(values.shape)}; labels are PNG of one channel, 8-bit "
            "classes or 16-bit depth"
        )
    return values


def _decode(path: Path, mode: int) -> NDArray[Any]:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as err:
        raise DatasetError(f"{path} cannot be read: {err.strerror}") from err
    pixels = cv2.imdecode(data, mode) if data.size else None
    if pixels is None:
        raise DatasetError(f"{path} is no image that can be read; prepare the sequence again")
    return np.asarray(pixels)


def _same_size(path: Path, values: NDArray[Any], size: Size) -> None:
    if values.shape[1::-1] != size:
        raise DatasetError(
            f"{path} is {values.shape[1]}x{values.shape[0]} px but its target {size[0]}x{size[1]} "
            "px; all images of a sample have one size"
        )
