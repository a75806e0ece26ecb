# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published test sets as samples with ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jasmine_core.dataset.kitti import KittiRaw
from jasmine_core.dataset.published import Cityscapes, DrivingStereo
from jasmine_core.dataset.sequence import read_image
from jasmine_core.errors import ConfigError
from jasmine_core.evaluate.run import Sample

Published = Literal["kitti", "sunny", "cloudy", "rainy", "foggy", "cityscapes"]


@dataclass(frozen=True)
class PublishedSet:
    """Downloaded test set: KITTI raw, one weather of DrivingStereo, or Cityscapes."""

    name: Published
    root: Path
    split: Path | None = None  # split file of KITTI or Cityscapes
    depth: Path | None = None  # folder of Cityscapes' depth arrays

    @property
    def protocol(self) -> str:
        """Return the protocol that papers use for this test set."""
        own = {"kitti": "eigen", "cityscapes": "cityscapes"}
        return own.get(self.name, "driving_stereo")

    def __len__(self) -> int:
        return len(self._open())

    def __call__(self) -> Iterator[Sample]:
        """Yield each image with its ground truth; the timestamp is the number of the image."""
        data = self._open()
        for i in range(len(data)):
            yield Sample(i, read_image(data.sample(i).image), data.ground_truth(i))

    def _open(self) -> KittiRaw | DrivingStereo | Cityscapes:
        if self.name not in ("kitti", "cityscapes"):
            return DrivingStereo(self.root, self.name)
        if self.split is None:
            raise ConfigError(f"--dataset {self.name} needs its split file; add --split FILE")
        if self.name == "kitti":
            return KittiRaw(self.root, self.split, neighbours=False)
        if self.depth is None:
            raise ConfigError(
                "--dataset cityscapes needs the folder of its depth; add --ground-truth DIR"
            )
        return Cityscapes(self.root, self.split, self.depth)
