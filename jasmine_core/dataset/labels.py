# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Masks and teacher depth of a sequence, from a folder of PNG files named by timestamp."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import CLASSES, IMAGES, DatasetError, read_labels
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.files import replace_folder
from jasmine_core.geometry.camera import ImageTransform
from jasmine_core.outputs import expect_own, record

Labels = NDArray[Any]
_DTYPES = {CLASSES: np.uint8}  # TEACHER: uint16


def place(labels: Labels, transform: ImageTransform) -> Labels:
    """Transform labels [H,W] like their rectified image; 0 outside the image."""
    window = transform.target_window
    inner = cv2.resize(
        labels[transform.source_window.slices],
        (window.width, window.height),
        interpolation=cv2.INTER_NEAREST_EXACT,  # Classes and depth edges must not blend.
    )
    result = np.zeros(transform.target[::-1], labels.dtype)
    result[window.slices] = inner
    return result


def labels_in(
    folder: Path, kind: str, sequence: Sequence, transform: ImageTransform | None
) -> Callable[[int], Labels | None]:
    """Return a function from a timestamp [ns] to its labels in a folder, None without a file.

    Args:
        folder: PNG files named by timestamp.
        kind: CLASSES or TEACHER.
        sequence: the sequence to label.
        transform: from the camera's images to those of the sequence. With it, labels may also have
            the size of the camera's images.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; give a folder of PNG files")
    files = {int(f.stem): f for f in folder.glob("*.png") if f.stem.isdigit()}
    dtype = np.dtype(_DTYPES.get(kind, np.uint16))

    def find(stamp: int) -> Labels | None:
        if stamp not in files:
            return None
        labels = read_labels(files[stamp])
        if labels.dtype != dtype:
            raise DatasetError(f"{files[stamp]} is {labels.dtype}; {kind} must be {dtype}")
        size = (labels.shape[1], labels.shape[0])
        if size == sequence.camera.size:
            return labels
        if transform is not None and size == transform.source:
            return place(labels, transform)
        own = sequence.camera
        raise DatasetError(
            f"{files[stamp]} is {size[0]}x{size[1]} px; make labels of the {own.width}x"
            f"{own.height} px images in {sequence.folder / IMAGES}"
        )

    return find


def attach(sequence: Sequence, kind: str, find: Callable[[int], Labels | None]) -> int:
    """Store labels in the folder of a sequence, all or none, and return their number."""
    target = sequence.folder / kind
    partial = sequence.folder / f".{kind}.partial"
    expect_own(target)
    shutil.rmtree(partial, ignore_errors=True)
    count = 0
    try:
        partial.mkdir()
        for frame in sequence.index.frames:
            labels = find(frame.stamp)
            if labels is not None:
                name = Path(frame.image).with_suffix(".png").name
                (partial / name).write_bytes(cv2.imencode(".png", labels)[1].tobytes())
                count += 1
        if not count:
            expected = Path(sequence.index.frames[0].image).with_suffix(".png").name
            raise DatasetError(
                f"no PNG file has the timestamp of an image of {sequence.folder}; name them like "
                f"{expected}"
            )
        record(partial)
        replace_folder(partial, target)
    except OSError as err:
        raise DatasetError(f"{target} cannot be written: {err.strerror}") from err
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return count
