# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Configuration of a rendered world, and the random numbers that decide the rest of a scene."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jasmine_core.artifacts.limits import MAX_PIXELS, MAX_SIDE
from jasmine_core.errors import ConfigError

# street, road: a vehicle's drive between houses, or along open and built-up roads of any kind;
# room, indoor: a hand-held walk in one room, or in interiors of any kind. Scores of
# `jasmine evaluate --world` are those of street and room, whose scenes never change.
Kind = Literal["street", "room", "road", "indoor"]
MAX_SEED = 1 << 62
Colour = tuple[float, float, float]  # linear RGB
Palette = tuple[Colour, Colour, Colour]  # base, ink, glass


@dataclass(frozen=True)
class WorldConfig:
    """Kind of world, camera and length of a scene; the seed decides everything else."""

    kind: Kind = "street"
    width: int = 640  # [px], at least 8
    height: int = 192  # [px], at least 8
    rate: float = 10.0  # images per second [Hz]
    frames: int = 10  # images per scene
    supersample: int = 2  # colour samples per pixel side beside the centre; 1 = the centre only
    moving_objects: bool = False  # traffic and pedestrians; people and balls in a room
    shadows: bool = True  # trace rays to the sun or the lamp
    fov: tuple[float, float] = (81.5, 81.5)  # horizontal field of view, range over seeds [deg]
    speed: tuple[float, float] = (3.0, 14.0)  # of the vehicle, range over seeds [m/s]
    hand_speed: tuple[float, float] = (0.3, 0.8)  # of the hand in a room, range over seeds [m/s]
    standing: float = 0.0  # share of outdoor scenes in which the vehicle stands, 0..1
    texture_banks: int = 4  # seeds share this many sets of textures (1 s and 26 MB each)

    def __post_init__(self) -> None:
        if self.width < 8 or self.height < 8 or self.frames < 1 or self.supersample < 1:
            raise ConfigError(
                f"{self.frames} frames of {self.width}x{self.height} px with supersample "
                f"{self.supersample} cannot be rendered; use at least 1 frame, 8x8 px, 1 sample"
            )
        if max(self.width, self.height) > MAX_SIDE or self.width * self.height > MAX_PIXELS:
            raise ConfigError(
                f"images of {self.width}x{self.height} px are too large; no network takes more "
                f"than {MAX_SIDE} px a side and {MAX_PIXELS} pixels"
            )
        if not 20 <= self.fov[0] <= self.fov[1] <= 140:
            raise ConfigError(f"field of view {self.fov} deg must be a range inside 20..140 deg")
        if self.rate <= 0 or self.texture_banks < 1:
            raise ConfigError(
                f"rate {self.rate} Hz and texture_banks {self.texture_banks} must be positive"
            )

    @property
    def duration(self) -> float:
        """Return the time from the first to the last image [s]."""
        return (self.frames - 1) / self.rate


def expect_seed(seed: int, name: str) -> None:
    """Raise ConfigError for a seed that a random number generator of 64 bits does not take."""
    if not abs(seed) < MAX_SEED:
        raise ConfigError(f"{name} is {seed}; it must be between -{MAX_SEED} and {MAX_SEED}")


class Rng(random.Random):
    """Random numbers of a scene: one stream per (seed, concern), the same on every machine."""

    def __new__(cls, seed: int, concern: str) -> Rng:
        """Create the generator; the base class would refuse the second argument."""
        return super().__new__(cls)

    def __init__(self, seed: int, concern: str) -> None:
        super().__init__(f"{seed}/{concern}")

    def chance(self, share: float) -> bool:
        """Return true with this probability."""
        return self.random() < share

    def within(self, bounds: tuple[float, float]) -> float:
        """Return a uniform number between two bounds."""
        return self.uniform(*bounds)

    def side(self) -> int:
        """Return -1 or +1."""
        return self.choice((-1, 1))

    def tinted(self, colour: Colour, spread: float = 0.15) -> Colour:
        """Return the colour with its brightness and, a third as much, its hue changed."""
        value = 1 + self.uniform(-spread, spread)
        r, g, b = (c * value * (1 + self.uniform(-spread, spread) / 3) for c in colour)
        return r, g, b

    def one_of(self, colours: Sequence[Colour], spread: float = 0.15) -> Colour:
        """Return one of the colours, tinted."""
        return self.tinted(self.choice(colours), spread)

    def palette(self, colours: Sequence[Colour], spread: float = 0.15) -> Palette:
        """Return three of the colours, tinted."""
        a, b, c = (self.one_of(colours, spread) for _ in range(3))
        return a, b, c
