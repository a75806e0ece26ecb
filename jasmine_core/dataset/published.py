# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""DrivingStereo and Cityscapes test sets in their original layout.

    DrivingStereo   ROOT/{sunny,cloudy,rainy,foggy}/{left-image-full-size,depth-map-full-size}
    Cityscapes      ROOT/leftImg8bit/test/CITY/NAME_leftImg8bit.png; a split file has lines
                    `CITY NAME`, and depth arrays are numbered in its order

`docs/dataset.md` names the sources of split files and depth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.samples import Sample
from jasmine_core.dataset.sequence import DatasetError, read_labels

Depth = NDArray[np.float32]


class DrivingStereo:
    """500 test images of DrivingStereo in one weather: sunny, cloudy, rainy or foggy."""

    def __init__(self, root: Path, weather: str) -> None:
        folder = root / weather
        self._images = _images(folder / "left-image-full-size")
        self._depth = folder / "depth-map-full-size"

    def __len__(self) -> int:
        return len(self._images)

    def sample(self, i: int) -> Sample:
        """Return image i."""
        return Sample(image=self._images[i], stamp=i, camera=None)

    def ground_truth(self, i: int) -> Depth:
        """Return the depth [H,W] m of image i, 0 where unknown."""
        path = self._depth / f"{self._images[i].stem}.png"
        return np.asarray(read_labels(path) / 256.0, np.float32)


class Cityscapes:
    """1525 test images of Cityscapes in the order of a split file.

    Args:
        root: folder with leftImg8bit/test.
        split: file with lines `CITY NAME`.
        depth: folder of the depth arrays NNN_depth.npy that were published with ManyDepth.
    """

    def __init__(self, root: Path, split: Path, depth: Path) -> None:
        self._depth = depth
        self._images = []
        for line in read_lines(split):
            parts = line.split()
            if len(parts) != 2:
                raise DatasetError(f"{split}: {line!r} is not `CITY NAME`")
            if any("/" in part or part == ".." for part in parts):
                raise DatasetError(f"{split}: {line!r} leads out of the folder of its city")
            city, name = parts
            self._images.append(root / "leftImg8bit" / "test" / city / f"{name}_leftImg8bit.png")

    def __len__(self) -> int:
        return len(self._images)

    def sample(self, i: int) -> Sample:
        """Return the full image i; the evaluation protocol crops the bonnet of the car."""
        return Sample(image=_existing(self._images[i]), stamp=i, camera=None)

    def ground_truth(self, i: int) -> Depth:
        """Return the depth [H,W] m of image i, 0 where unknown."""
        path = _existing(self._depth / f"{i:03d}_depth.npy")
        try:
            depth = np.load(path, allow_pickle=False)
            if depth.ndim != 2:
                raise ValueError(f"its shape is {depth.shape}")
            return np.asarray(depth, np.float32)
        except (OSError, ValueError, EOFError) as err:
            raise DatasetError(
                f"{path} cannot be read as a depth array: {err}; download it again"
            ) from err


def _images(folder: Path) -> list[Path]:
    found = sorted(f for f in folder.glob("*") if f.suffix in (".png", ".jpg"))
    if not found:
        raise DatasetError(f"{folder} has no images; unpack the dataset there")
    return found


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty."""
    try:
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except OSError as err:
        raise DatasetError(f"{path} cannot be read: {err.strerror}") from err


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; unpack the dataset there")
    return path
