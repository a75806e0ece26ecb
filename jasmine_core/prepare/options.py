# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a person chooses about preparing a data set; for the command line, and kept in the index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from jasmine_core.errors import ConfigError

Resize = Literal["fit", "stretch", "crop"]
Rectify = Literal["auto", "always", "never"]
Format = Literal["jpg", "png"]

SMALLEST = 32  # [px] side of an image in which motion can still be seen


@dataclass(frozen=True)
class NeighbourRules:
    """Say how far apart neighbours are; see `jasmine_core.prepare.keyframes`."""

    min_baseline: float = 0.015
    """with odometry: least translation between neighbours, over the median depth of the scene"""
    max_baseline: float = 0.15
    """with odometry: largest translation, over the median depth of the scene"""
    min_parallax: float = 0.01
    """without odometry: least parallax (upper decile of the points), share of the width"""
    min_flow: float = 0.02
    """without odometry: least displacement (upper decile), share of the width"""
    max_flow: float = 0.15
    """largest displacement (upper decile), share of the width"""
    min_overlap: float = 0.5
    """least share of the points that both images show"""
    max_gain: float = 1.25
    """largest ratio of exposures"""
    max_interval: float = 2.0
    """longest time between neighbours [s]"""

    def __post_init__(self) -> None:
        for name in ("baseline", "flow"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if not 0 < low < high:
                raise ConfigError(f"{name} {low:g}..{high:g} is no range above 0; raise its end")
        if not 0 < self.min_parallax < self.max_flow:
            raise ConfigError(
                f"min_parallax {self.min_parallax:g} must be above 0 and below max_flow "
                f"{self.max_flow:g}"
            )
        if not 0 < self.min_overlap < 1:
            raise ConfigError(f"min_overlap {self.min_overlap:g} must be between 0 and 1")
        if not self.max_gain > 1:
            raise ConfigError(f"max_gain {self.max_gain:g} must be above 1")
        if not self.max_interval > 0:
            raise ConfigError(f"max_interval {self.max_interval:g} s must be above 0")


@dataclass(frozen=True)
class PrepareOptions:
    """Say how the images of a bag become those of a sequence."""

    width: int = 0
    """of the images [px]; 0: the camera's aspect ratio, the area of 640x192, multiples of 64"""
    height: int = 0
    """of the images [px]; set with width"""
    resize: Resize = "fit"
    """how an image meets this size: fit (letterbox), stretch (as the paper), crop (centre)"""
    rectify: Rectify = "auto"
    """remove lens distortion; auto: unless the image's topic is named *rect*"""
    image_format: Format = "jpg"
    """file format of the stored images; png is lossless"""
    quality: int = 95
    """of JPEG, 1..100"""
    limit: int = 0
    """only the first so many images of a bag; 0: all"""
    neighbours: NeighbourRules = field(default_factory=NeighbourRules)

    def __post_init__(self) -> None:
        for name, kind in (("resize", Resize), ("rectify", Rectify), ("image_format", Format)):
            if (value := getattr(self, name)) not in get_args(kind):
                raise ConfigError(f"{name} is {value!r}; choose one of {', '.join(get_args(kind))}")
        if (self.width, self.height) != (0, 0) and min(self.width, self.height) < SMALLEST:
            raise ConfigError(
                f"size {self.width}x{self.height} px: set both sides, to {SMALLEST} px or more"
            )
        if self.limit < 0:
            raise ConfigError(f"limit {self.limit} cannot be negative; 0 means all images")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality {self.quality} must be in 1..100")
