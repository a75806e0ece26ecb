# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Samples of a dataset: a target image, its neighbours, labels and intrinsics.

Prepared, rendered and published datasets all give the same `Sample`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import (
    DEPTH_STEPS,
    TEACHER_UNIT,
    DatasetError,
    RgbImage,
    read_image,
    read_labels,
)
from jasmine_core.geometry.camera import Camera, ImageTransform, Size, Window, stretch
from jasmine_core.geometry.rigid import Array
from jasmine_core.store.members import File


@dataclass(frozen=True)
class Neighbour:
    """Neighbouring image of a target."""

    image: File
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
    """Target image with its neighbours and labels, as files that `read` opens."""

    image: File
    stamp: int  # [ns]; the number of the image in a dataset without timestamps
    camera: Camera | None  # of the stored images; None in test sets without calibration
    sources: tuple[Neighbour, ...] = ()  # (before, after); none in test sets
    seen: File | None = None  # PNG, zero outside the scene after rectification and letterbox
    classes: File | None = None  # PNG of Cityscapes' training classes, see SKY and MOVING
    teacher: File | None = None  # 16-bit PNG of depth, TEACHER_UNIT steps per unit
    metres_per_unit: float | None = None  # of the teacher's depth; None: unknown
    relative: bool = False  # the teacher's disparity has an unknown scale and shift
    depth: File | None = None  # 16-bit PNG of exact depth, DEPTH_STEPS per metre

    @property
    def files(self) -> list[File]:
        """Return the files that `read` opens."""
        labels = (self.seen, self.classes, self.teacher, self.depth)
        found = (self.image, *(source.image for source in self.sources), *labels)
        return [file for file in found if file is not None]

    def read(
        self,
        size: Size | None = None,
        part: Part | None = None,
        data: Mapping[File, bytes] | None = None,
    ) -> Loaded:
        """Read all images and labels.

        Args:
            size: (width, height) [px] to resize to by stretching; None keeps the stored size.
            part: crop to read; the intrinsics follow it.
            data: contents of the files that were read already.

        Raises:
            DatasetError: a file is missing, damaged or of another size.
        """
        data = data or {}
        target = read_image(self.image, data.get(self.image))
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
            image = read_image(source.image, data.get(source.image))
            _same_size(source.image, image, stored)
            sources.append(to_size.image(image))

        def nearest(path: File | None) -> NDArray[Any] | None:
            if path is None:
                return None
            values = read_labels(path, data.get(path))
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


def _same_size(path: File, values: NDArray[Any], size: Size) -> None:
    if values.shape[1::-1] != size:
        raise DatasetError(
            f"{path} is {values.shape[1]}x{values.shape[0]} px but its target is {size[0]}x"
            f"{size[1]} px; all images and labels of a sample must have one size"
        )
