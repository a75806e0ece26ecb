# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of `jasmine prepare`; they are stored in the index of each sequence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from jasmine_core.artifacts.limits import MAX_PIXELS, MAX_SIDE
from jasmine_core.errors import ConfigError

Resize = Literal["fit", "stretch", "crop"]
Rectify = Literal["auto", "always", "never"]
Format = Literal["jpg", "png"]

SMALLEST = 32  # [px] least side of an image in which motion can be measured


@dataclass(frozen=True)
class NeighbourRules:
    """Limits on the motion between a keyframe and its neighbours."""

    min_baseline: float = 0.015
    """Least translation between neighbours over the median depth of the scene, with odometry."""
    max_baseline: float = 0.15
    """Largest translation between neighbours over the median depth of the scene, with odometry."""
    min_parallax: float = 0.01
    """Least parallax (upper decile of the points) as a share of the width, without odometry."""
    min_flow: float = 0.02
    """Least flow (upper decile of the points) as a share of the width, without odometry."""
    max_flow: float = 0.15
    """Largest flow (upper decile of the points) as a share of the width."""
    min_overlap: float = 0.5
    """Least share of the points that are visible in both images."""
    max_gain: float = 1.25
    """Largest ratio of the brightness of two neighbours."""
    max_interval: float = 2.0
    """Longest time between neighbours [s]."""

    def __post_init__(self) -> None:
        for name in ("baseline", "flow"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if not 0 < low < high:
                raise ConfigError(
                    f"{name} {low:g}..{high:g} is not a range above 0; raise max_{name}"
                )
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
    """Conversion of the images of a recording to those of a sequence."""

    width: int = 0
    """Width of the images [px]; 0 keeps the aspect ratio, with the area of 640x192 px."""
    height: int = 0
    """Height of the images [px]; set it with the width."""
    resize: Resize = "fit"
    """Conversion to this size: fit (letterbox), stretch (as in the paper) or crop (centre)."""
    rectify: Rectify = "auto"
    """Removal of lens distortion; auto skips it if the name of the topic has the word rect."""
    bits: int = 0
    """Number of bits that the camera uses in 16-bit images; 0 finds one range for the recording."""
    max_image_pixels: int = 1 << 24
    """Largest number of pixels of a recorded image; larger ones are not decoded."""
    image_format: Format = "jpg"
    """File format of the stored images; png is lossless."""
    quality: int = 95
    """JPEG quality of the stored images, 1..100."""
    limit: int = 0
    """Number of images to read from the start of each bag; 0 reads all."""
    neighbours: NeighbourRules = field(default_factory=NeighbourRules)

    def __post_init__(self) -> None:
        for name, kind in (("resize", Resize), ("rectify", Rectify), ("image_format", Format)):
            if (value := getattr(self, name)) not in get_args(kind):
                raise ConfigError(f"{name} is {value!r}; choose one of {', '.join(get_args(kind))}")
        if (self.width, self.height) != (0, 0) and min(self.width, self.height) < SMALLEST:
            raise ConfigError(
                f"size {self.width}x{self.height} px is too small; set both sides to "
                f"{SMALLEST} px or more"
            )
        if max(self.width, self.height) > MAX_SIDE or self.width * self.height > MAX_PIXELS:
            raise ConfigError(
                f"size {self.width}x{self.height} px is too large; no network takes more than "
                f"{MAX_SIDE} px a side and {MAX_PIXELS} pixels"
            )
        if not 0 <= self.bits <= 16:
            raise ConfigError(f"bits {self.bits} must be in 0..16; 0 finds the range")
        if self.max_image_pixels < 1:
            raise ConfigError(f"max_image_pixels {self.max_image_pixels} must be at least 1")
        if self.limit < 0:
            raise ConfigError(f"limit {self.limit} cannot be negative; 0 means all images")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality {self.quality} must be in 1..100")
