# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Format of sequences on disk: rectified images and a JSON index, see `docs/dataset.md`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.limits import MAX_PIXELS, MAX_SIDE, expect_scale
from jasmine_core.config import from_mapping, to_mapping
from jasmine_core.errors import CameraError, ConfigError, JasmineError
from jasmine_core.files import atomic_file, json_of, read_json
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.intrinsics import require_intrinsics
from jasmine_core.image_files import read_pixels
from jasmine_core.store.errors import StoreError
from jasmine_core.store.members import File
from jasmine_core.store.paths import is_remote, read_limited

VERSION = 2
INDEX, SEEN = "sequence.json", "seen.png"
IMAGES, CLASSES, TEACHER = "images", "masks", "teacher"
DEPTH, DEPTH_STEPS = "depth", 256  # folder of exact depth, its steps per metre
TEACHER_UNIT = 256  # steps of a teacher's 16-bit PNG per unit of depth; 0 = unknown
PSEUDO_LABELS = "pseudo_labels.json"  # in a folder of labels, names the network that made them
# Cityscapes' training classes without depth, and of people and vehicles
SKY = 10
MOVING = (11, 12, 13, 14, 15, 16, 17, 18)

MAX_MARK = 1 << 16  # [bytes] of the file that names a network
_NEARLY_ONE = 0.01  # largest difference of the length of a quaternion from 1
MAX_INDEX = 1 << 30  # [bytes] of an index: a million frames have about 300 MB

RgbImage = NDArray[np.uint8]


class DatasetError(JasmineError):
    """A dataset is missing, incomplete or differs from its index."""


@dataclass(frozen=True)
class FrameRecord:
    """One image of the index."""

    stamp: int  # [ns]
    segment: int  # samples never span different segments
    image: str  # path relative to the folder


@dataclass(frozen=True)
class SampleRecord:
    """One target of the index with its neighbours before and after, as indices of frames."""

    target: int
    sources: tuple[int, int]
    flow: tuple[float, float]  # upper decile, share of the width
    parallax: tuple[float, float]
    T_target_source: tuple[list[float] | None, list[float] | None]  # x, y, z [m], qx, qy, qz, qw


@dataclass(frozen=True)
class Index:
    """Content of `sequence.json`."""

    version: int
    source: dict[str, Any]  # name of the recording and its topics
    options: dict[str, Any]  # PrepareOptions
    width: int
    height: int
    K: list[list[float]]
    metric: bool  # whether T_target_source has metric translation
    frames: list[FrameRecord] = field(default_factory=list)
    samples: list[SampleRecord] = field(default_factory=list)
    # What was assumed and found about the recorded images, by subject.
    input_facts: dict[str, str] = field(default_factory=dict)
    metres_per_unit: float | None = None  # of the teacher's maps; None: unknown

    @property
    def camera(self) -> Camera:
        """Return the camera of all images."""
        return Camera(self.width, self.height, np.array(self.K, np.float64))


def labels_are_relative(folder: Path) -> bool:
    """Return whether a folder has a relative teacher's depth maps.

    Raises:
        DatasetError: the file that names the network is damaged.
    """
    path = folder / PSEUDO_LABELS
    try:
        values = _read_json(path, MAX_MARK)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as err:
        raise DatasetError(f"{path} cannot be read: {err}; make the labels again") from err
    return isinstance(values, dict) and values.get("relative") is True


def image_name(stamp: int, suffix: str) -> str:
    """Return the path of the image of a timestamp [ns]; the order of names is that of time."""
    return f"{IMAGES}/{stamp:019d}.{suffix}"


def read_index(folder: Path) -> Index:
    """Read and validate `sequence.json`.

    Raises:
        DatasetError: the file is missing, damaged or of another format version.
    """
    path = folder / INDEX
    try:
        values = _read_json(path, MAX_INDEX)
    except FileNotFoundError as err:
        raise DatasetError(f"{folder} has no {INDEX}; create it with `jasmine prepare`") from err
    except (OSError, ValueError) as err:
        raise DatasetError(f"{path} cannot be read: {err}; prepare it again") from err
    return parse_index(values, folder)


def _read_json(path: Path, most: int) -> Any:
    return json_of(read_limited(path, most)) if is_remote(path) else read_json(path, most)


def parse_index(values: Any, folder: Path) -> Index:
    """Validate the content of the `sequence.json` of a folder.

    Raises:
        DatasetError: it is damaged or of another format version.
    """
    path = folder / INDEX
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise DatasetError(
            f"{path} is not of format version {VERSION}; move {folder} away, and repeat "
            "`jasmine prepare` or `jasmine render`"
        )
    try:
        index = from_mapping(Index, values, str(path))
    except ConfigError as err:
        raise DatasetError(f"{err}; prepare it again") from err
    for frame in index.frames:
        if not _is_image_name(frame.image):
            raise DatasetError(
                f"{path}: image {frame.image!r} is not a file name in {IMAGES}/; prepare it again"
            )
    try:
        require_intrinsics(np.array(index.K, np.float64), (index.width, index.height))
    except CameraError as err:
        raise DatasetError(f"{path}: {err}") from err
    except ValueError as err:
        raise DatasetError(f"{path}: K is not a matrix of 3x3 numbers; prepare it again") from err
    _expect_poses(index, path)
    count = len(index.frames)
    for record in index.samples:
        if not all(0 <= i < count for i in (record.target, *record.sources)):
            raise DatasetError(
                f"{path}: {record} has an index outside its {count} frames; prepare it again"
            )
    return index


def _expect_poses(index: Index, path: Path) -> None:
    """Raise DatasetError for poses that are not rigid, and for an impossible size or scale."""
    if max(index.width, index.height) > MAX_SIDE or index.width * index.height > MAX_PIXELS:
        raise DatasetError(
            f"{path}: images of {index.width}x{index.height} px are larger than any network's; "
            "prepare it again"
        )
    given = [T for s in index.samples for T in s.T_target_source if T is not None]
    try:
        expect_scale("metres_per_unit", index.metres_per_unit)
        poses = np.array(given, np.float64).reshape(len(given), 7)
    except ConfigError as err:
        raise DatasetError(f"{path}: {err}") from err
    except ValueError:
        poses = np.full((1, 7), np.nan)
    lengths = np.linalg.norm(poses[:, 3:], axis=1)
    if not (np.isfinite(poses).all() and (np.abs(lengths - 1) < _NEARLY_ONE).all()):
        raise DatasetError(
            f"{path}: a T_target_source is not of 7 finite numbers x y z qx qy qz qw with a unit "
            "quaternion; prepare it again"
        )


def _is_image_name(name: str) -> bool:
    """Return whether a path of the index is a file name in the folder of images."""
    folder, _, file = name.partition("/")
    return folder == IMAGES and file not in ("", ".", "..") and not set(file) & {"/", "\\", "\0"}


def write_index(index: Index, folder: Path) -> None:
    """Write `sequence.json` with one line for each frame and each sample."""
    values = to_mapping(index)
    lines = {name: values.pop(name) for name in ("frames", "samples")}
    text = json.dumps(values, indent=2)[:-2]
    for name, records in lines.items():
        rows = ",\n".join("    " + json.dumps(record) for record in records)
        text += f',\n  "{name}": [\n{rows}\n  ]'
    with atomic_file(folder / INDEX) as temporary:
        temporary.write_text(text + "\n}\n")


def read_image(path: File, data: bytes | None = None) -> RgbImage:
    """Read an image as RGB [H,W,3]; `data` is the content of the file, if it was read already."""
    pixels = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION, data)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def read_labels(path: File, data: bytes | None = None) -> NDArray[Any]:
    """Read a PNG file with one channel [H,W] without conversion, as uint8 or uint16."""
    values = _decode(path, cv2.IMREAD_UNCHANGED, data)
    if values.ndim != 2 or values.dtype not in (np.uint8, np.uint16):
        raise DatasetError(
            f"{path} is {values.dtype} {list(values.shape)}; labels must be PNG files with "
            "one channel of 8-bit classes or 16-bit depth"
        )
    return values


def _decode(path: File, mode: int, data: bytes | None) -> NDArray[Any]:
    try:
        pixels = read_pixels(path, mode, data)
    except StoreError:
        raise
    except OSError as err:
        raise DatasetError(f"{path} cannot be read: {err.strerror}") from err
    if pixels is None:
        raise DatasetError(f"{path} cannot be decoded as an image; prepare the sequence again")
    return np.asarray(pixels)
