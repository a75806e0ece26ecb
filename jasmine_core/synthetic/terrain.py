# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Relief of a landscape: hills and banks, and the height of what stands on them.

Positions are those of a course (x from the centreline, z along it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from jasmine_core.synthetic.config import Colour, Rng
from jasmine_core.synthetic.course import BentSketch, Course
from jasmine_core.synthetic.paint import LAWNS, LEAVES, Paint, foliage
from jasmine_core.synthetic.solids import BOX, ELLIPSOID, turn

CROPS: tuple[Colour, ...] = (
    (0.33, 0.26, 0.10), (0.42, 0.36, 0.16), (0.16, 0.10, 0.06), (0.09, 0.16, 0.04),
    (0.14, 0.20, 0.05), (0.45, 0.42, 0.06), (0.22, 0.15, 0.09),
)  # fmt: skip
ROAD = 600.0  # hills keep clear of the road as far as this [m]


@dataclass(frozen=True)
class Hill:
    """Ellipsoid whose lower part is in the ground, in world coordinates."""

    x: float  # of the centre [m]
    z: float
    base: float  # height of the ground around it [m]
    wide: float  # half axes of the ellipsoid [m]
    deep: float
    tall: float
    sunk: float  # centre below the base [m]

    def height(self, x: float, z: float) -> float:
        """Return the height of its surface, minus infinity beside it [m]."""
        inside = 1 - ((x - self.x) / self.wide) ** 2 - ((z - self.z) / self.deep) ** 2
        if inside <= 0:
            return -math.inf
        return self.base + self.tall * math.sqrt(inside) - self.sunk

    @property
    def foot(self) -> tuple[float, float]:
        """Return the half axes of the ellipse in which it cuts the ground [m]."""
        share = math.sqrt(1 - (self.sunk / self.tall) ** 2)
        return self.wide * share, self.deep * share


@dataclass(frozen=True)
class Bank:
    """Slope that rises away from the road on one side, from `foot` on."""

    side: int
    foot: float  # distance from the centreline [m]
    angle: float  # [rad]
    wide: float  # of the slope itself [m]
    span: tuple[float, float]  # along the road [m]

    def height(self, x: float, z: float) -> float:
        """Return the height of its surface, 0 beside it [m]."""
        way = self.side * x - self.foot
        if not self.span[0] < z < self.span[1] or not 0 < way < self.wide * math.cos(self.angle):
            return 0.0
        return way * math.tan(self.angle)


@dataclass
class Terrain:
    """Hills and banks above the ground of a course."""

    hills: list[Hill] = field(default_factory=list)
    banks: list[Bank] = field(default_factory=list)

    def height(self, course: Course, x: float, z: float) -> float:
        """Return the height of the surface at a place beside the course, above its ground [m]."""
        there = course.place(x, z)
        ground = course.height(there[1])
        on_hills = (hill.height(*there) - ground for hill in self.hills)
        on_banks = (bank.height(x, z) for bank in self.banks)
        return max((0.0, *on_hills, *on_banks))

    def at(self, s: BentSketch, x: float, z: float, yaw: float = 0.0) -> BentSketch:
        """Return a sketch on the surface, a little in it because surfaces slope."""
        height = self.height(s.course, x, z)
        return s.at(x, z, yaw, height - min(0.3, height))


def bank(s: BentSketch, land: Terrain, here: Bank, paint: Paint) -> None:
    """Draw a bank; what is under its surface is filled."""
    c, sn = math.cos(here.angle), math.sin(here.angle)
    thick = here.wide * math.tan(here.angle) + 1.0
    middle = (here.foot + here.wide / 2 * c + thick / 2 * sn, here.wide / 2 * sn - thick / 2 * c)
    up = middle[1] / c
    place = (here.side * (middle[0] + sn * up), up - thick / 2, sum(here.span) / 2)
    size = (here.wide, thick, here.span[1] - here.span[0])
    s.add(BOX, place, size, paint, roll=-here.side * here.angle, casts=False)
    land.banks.append(here)


def hill(s: BentSketch, land: Terrain, here: Hill, paint: Paint) -> None:
    """Draw a hill."""
    size = (2 * here.wide, 2 * here.tall, 2 * here.deep)
    centre = (here.x, here.sunk - here.base, here.z)
    s.append(ELLIPSOID, centre, size, turn(), paint, s.look(paint), casts=False)
    land.hills.append(here)


def far_cover(rng: Rng) -> Paint:
    """Return the paint of a hill: woods, meadows or a patchwork of fields between hedges."""
    kind = rng.choice(("wood", "wood", "meadow", "fields"))
    if kind == "wood":
        return foliage(rng, rng.uniform(25, 70))
    a, b = rng.one_of(LAWNS), rng.one_of(CROPS)
    hedge = rng.one_of(LEAVES)
    if kind == "meadow":
        return Paint("grass", (a, b, hedge), rng.uniform(30, 80))
    return Paint("stones", (a, hedge, b), rng.uniform(300, 700))


def hills(s: BentSketch, land: Terrain, count: int, nearest: float, farthest: float) -> None:
    """Draw hills ahead and on both sides, steep ones far and flat ones near."""
    rng = s.rng
    for _ in range(count):
        away = math.exp(rng.uniform(math.log(nearest), math.log(farthest)))
        bearing = rng.uniform(-1.0, 1.0) ** 3 * 1.3 + rng.gauss(0, 0.15)
        tall = away * rng.uniform(0.03, 0.16)
        wide = tall * rng.uniform(3.0, 9.0)
        x, z = away * math.sin(bearing), away * math.cos(bearing)
        sunk, deep = tall * rng.uniform(0.0, 0.5), wide * rng.uniform(0.6, 1.8)
        here = Hill(x, z, s.course.height(z), wide, deep, tall, sunk)
        # The road passes beside hills as long as it is drawn.
        across, along = here.foot
        start, end = max(z - along, -50.0), min(z + along, ROAD)
        if start < end:
            way = [s.course.x(start + (end - start) * i / 20) for i in range(21)]
            clear = across + rng.uniform(14, 60)
            if min(way) - clear < x < max(way) + clear:
                x = max(way) + clear if x > 0 else min(way) - clear
        hill(s, land, replace(here, x=x), far_cover(rng))
