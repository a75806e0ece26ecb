# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cross-section of a road, and its surface: ground, asphalt, markings."""

from __future__ import annotations

from dataclasses import dataclass

from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.paint import LAWNS, STONE, Paint, paved, plain
from jasmine_core.synthetic.street import slab
from jasmine_core.synthetic.street_plan import BEHIND
from jasmine_core.synthetic.terrain import CROPS

SEEN = 420.0  # how far ahead the road itself is drawn [m]
MARKED = 170.0  # how far ahead its markings are drawn [m]


@dataclass(frozen=True)
class Section:
    """Lanes, median and shoulders of a road."""

    lanes: tuple[int, int]  # with and against the direction of the camera
    wide: float  # of a lane [m]
    median: float  # between the directions [m]
    shoulder: float  # paved, beyond the outer lanes [m]
    hand: int  # +1: traffic keeps to the right
    style: str  # country, motorway, village, avenue, suburb, works

    @property
    def built(self) -> bool:
        """Return whether houses line the road."""
        return self.style in ("avenue", "suburb", "works")

    @property
    def half(self) -> tuple[float, float]:
        """Return how far the asphalt reaches to the left and to the right [m]."""
        own, other = (self.median / 2 + n * self.wide + self.shoulder for n in self.lanes)
        return (other, own) if self.hand > 0 else (own, other)

    def middle(self, lane: int, own: bool = True) -> float:
        """Return the lateral position of the middle of a lane counted from the inside [m]."""
        side = self.hand if own else -self.hand
        return side * (self.median / 2 + (lane + 0.5) * self.wide)


def surface(s: BentSketch, section: Section, way: float) -> None:
    """Draw the ground, the asphalt and its markings."""
    rng = s.rng
    lawn = rng.one_of(LAWNS)
    grass = Paint("grass", (lawn, rng.one_of(CROPS), (0.16, 0.11, 0.07)), rng.uniform(5, 10))
    s.ground(grass, 0.06)
    tar = rng.tinted(rng.choice(((0.11, 0.11, 0.115), (0.2, 0.2, 0.195), (0.07, 0.07, 0.075))), 0.3)
    asphalt = paved(rng, "asphalt", (tar,), rng.uniform(4, 8))
    left, right = section.half
    ends = (-BEHIND - 10, way + SEEN)
    slab(s, (-left, right), ends, 0.0, asphalt)
    if not section.built and rng.chance(0.6):  # gravel beside the asphalt
        gravel = paved(rng, "asphalt", ((0.3, 0.27, 0.22),), 3.0)
        slab(s, (-left - rng.uniform(0.4, 1.5), right + rng.uniform(0.4, 1.5)), ends, -0.03, gravel)
    white = plain(rng.tinted((0.62, 0.62, 0.58), 0.2), "asphalt", 3.0)
    yellow = plain((0.55, 0.38, 0.05), "asphalt", 3.0)

    def line(x: float, paint: Paint, dash: float = 0.0, period: float = 0.0) -> None:
        wide, z = rng.uniform(0.1, 0.16), ends[0] + rng.uniform(0, period + 0.1)
        if not dash:
            slab(s, (x - wide / 2, x + wide / 2), (ends[0], way + SEEN), 0.004, paint)
        while dash and z < way + MARKED:
            slab(s, (x - wide / 2, x + wide / 2), (z, z + dash), 0.004, paint)
            z += period

    dashes = rng.choice(((3.0, 9.0), (3.0, 12.0), (6.0, 18.0), (4.0, 10.0)))
    centre = rng.choice((white, white, yellow))
    marked = section.style == "motorway" or rng.chance(0.8)
    for side, lanes in ((section.hand, section.lanes[0]), (-section.hand, section.lanes[1])):
        inner = section.median / 2
        for i in range(1, lanes):
            line(side * (inner + i * section.wide), white, *dashes)
        if marked:
            line(side * (inner + lanes * section.wide), white)
        if section.median:
            line(side * inner, centre)
    if not section.median:
        kind = rng.choice(("dashes", "dashes", "solid", "double", "none"))
        if kind == "dashes":
            line(0.0, centre, *dashes)
        elif kind == "solid" or sum(section.lanes) > 2:
            line(0.0, centre)
        elif kind == "double":
            line(-0.12, centre)
            line(0.12, centre)
    elif section.median > 1:
        x = section.median / 2 - 0.3
        green = rng.chance(0.5) and section.median > 2
        top = 0.12 if section.style == "avenue" else -0.02 if green else 0.002
        paint = grass if green else paved(rng, "concrete", STONE, 3.0)
        slab(s, (-x, x), ends, top, paint)
    for _ in range(rng.randint(1, 6)):  # repairs
        x, z = rng.uniform(-0.8, 0.6) * left, rng.uniform(3, 60)
        patch = paved(rng, "asphalt", (rng.tinted((0.08, 0.08, 0.085), 0.5),), 3.0)
        slab(s, (x, x + rng.uniform(0.4, 1.5)), (z, z + rng.uniform(0.8, 12)), 0.002, patch)
