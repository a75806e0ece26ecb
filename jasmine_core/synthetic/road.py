# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Roads in open or built-up country: curves, crests, several lanes, and far things to see."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jasmine_core.synthetic import props
from jasmine_core.synthetic.camera_motion import Motion
from jasmine_core.synthetic.carrier import carried
from jasmine_core.synthetic.config import Dice, WorldConfig
from jasmine_core.synthetic.course import BentSketch, Course, Waves
from jasmine_core.synthetic.houses import STOREY, block, facade, house
from jasmine_core.synthetic.landscape import CROPS, Terrain, landscape
from jasmine_core.synthetic.paint import (
    GREY,
    LAWNS,
    STEEL,
    STONE,
    WALLS,
    WHITE,
    Paint,
    paved,
    plain,
)
from jasmine_core.synthetic.solids import BOX, Solids
from jasmine_core.synthetic.street import (
    BEHIND,
    DETAIL,
    Plan,
    ascending,
    front,
    furniture,
    parked,
    slab,
)

SEEN = 420.0  # how far ahead the road itself is drawn [m]
MARKED = 170.0  # how far ahead its markings are drawn [m]
STYLES = ("country", "country", "motorway", "motorway", "avenue", "suburb", "village", "works")
SPEEDS = {
    "country": (6.0, 27.0), "motorway": (12.0, 36.0), "avenue": (3.0, 17.0),
    "suburb": (3.0, 14.0), "village": (4.0, 15.0), "works": (2.0, 14.0),
}  # fmt: skip
BUILT = ("avenue", "suburb", "works")


@dataclass(frozen=True)
class Section:
    """Hold the cross-section of a road."""

    lanes: tuple[int, int]  # with and against the direction of the camera
    wide: float  # of a lane [m]
    median: float  # between the directions [m]
    shoulder: float  # paved, beyond the outer lanes [m]
    hand: int  # +1: traffic keeps to the right

    @property
    def half(self) -> tuple[float, float]:
        """Return how far the asphalt reaches to the left and to the right [m]."""
        own, other = (self.median / 2 + n * self.wide + self.shoulder for n in self.lanes)
        return (other, own) if self.hand > 0 else (own, other)

    def middle(self, lane: int, own: bool = True) -> float:
        """Return the lateral position of the middle of a lane counted from the inside [m]."""
        side = self.hand if own else -self.hand
        return side * (self.median / 2 + (lane + 0.5) * self.wide)


def road(seed: int, config: WorldConfig) -> tuple[Solids, Motion]:
    """Return the road of a seed and the drive along it."""
    rng = Dice(seed, "road")
    style = rng.choice(STYLES)
    section = _section(rng, style)
    course = _course(rng, style)
    lane = section.middle(rng.randrange(section.lanes[0]))
    motion = carried(Dice(seed, "motion"), config, course, lane, SPEEDS[style])
    way = motion.speed * config.duration
    s = BentSketch(rng, course=course)
    _surface(s, section, style, way)
    edge = max(section.half) + 2.0
    if style in BUILT:
        edge = _built_up(s, section, style, way)
    else:
        _roadside(s, section, style, way)
    landscape(s, Terrain(), edge, style in BUILT)
    return s.solids(), motion


def _section(rng: Dice, style: str) -> Section:
    hand = rng.side()
    if style == "motorway":
        lanes = rng.choice((2, 2, 3, 3, 4))
        return Section(
            (lanes, lanes), rng.uniform(3.4, 3.8), rng.uniform(1.5, 8), rng.uniform(1.5, 3.2), hand
        )
    if style == "avenue":
        lanes = rng.choice((1, 2, 2, 3))
        median = rng.choice((0.0, 0.0, rng.uniform(1, 4)))
        return Section((lanes, lanes), rng.uniform(2.9, 3.5), median, rng.uniform(0.3, 0.8), hand)
    wide = rng.uniform(2.5, 3.6)
    return Section((1, 1), wide, 0.0, rng.uniform(0.1, 1.2), hand)


def _course(rng: Dice, style: str) -> Course:
    """Draw curves and crests; half of the roads are straight, as long views need."""
    flat = style in BUILT
    turns: Waves = ()
    if rng.chance(0.3 if flat else 0.6):
        # With amplitude a and frequency k the tightest radius is 1 / (a k^2).
        k = 2 * math.pi / rng.uniform(260, 900)
        radius = rng.uniform(700, 3000) if style == "motorway" else rng.uniform(130, 900)
        amplitude = min(1 / (radius * k * k), 0.25 / k)
        turns = ((amplitude, k, rng.uniform(0, 2 * math.pi)),)
    rises: Waves = ()
    if rng.chance(0.35 if flat else 0.65):
        k = 2 * math.pi / rng.uniform(160, 700)
        steepest = rng.uniform(0.01, 0.035 if flat or style == "motorway" else 0.08)
        rises = ((steepest / k, k, rng.uniform(0, 2 * math.pi)),)
    return Course(turns, rises)


def _surface(s: BentSketch, section: Section, style: str, way: float) -> None:
    """Draw the ground, the asphalt and its markings."""
    rng = s.dice
    lawn = rng.one_of(LAWNS)
    grass = Paint("grass", (lawn, rng.one_of(CROPS), (0.16, 0.11, 0.07)), rng.uniform(5, 10))
    s.ground(grass, 0.06)
    tar = rng.tinted(rng.choice(((0.11, 0.11, 0.115), (0.2, 0.2, 0.195), (0.07, 0.07, 0.075))), 0.3)
    asphalt = paved(rng, "asphalt", (tar,), rng.uniform(4, 8))
    left, right = section.half
    ends = (-BEHIND - 10, way + SEEN)
    slab(s, (-left, right), ends, 0.0, asphalt)
    if style not in BUILT and rng.chance(0.6):  # gravel beside the asphalt
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
    marked = style == "motorway" or rng.chance(0.8)
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
        top = 0.12 if style == "avenue" else -0.02 if green else 0.002
        paint = grass if green else paved(rng, "concrete", STONE, 3.0)
        slab(s, (-x, x), ends, top, paint)
    for _ in range(rng.randint(1, 6)):  # repairs
        x, z = rng.uniform(-0.8, 0.6) * left, rng.uniform(3, 60)
        patch = paved(rng, "asphalt", (rng.tinted((0.08, 0.08, 0.085), 0.5),), 3.0)
        slab(s, (x, x + rng.uniform(0.4, 1.5)), (z, z + rng.uniform(0.8, 12)), 0.002, patch)


def _roadside(s: BentSketch, section: Section, style: str, way: float) -> None:
    """Draw guard rails, posts, signs, lamps and telephone poles beside an open road."""
    rng = s.dice
    left, right = section.half
    steel = plain(rng.tinted(STEEL), "concrete", 2.0)

    def rail(x: float, z: tuple[float, float]) -> None:
        s.box((x, 0.45, sum(z) / 2), (0.08, 0.32, z[1] - z[0]), steel)
        at = z[0]
        while at < min(z[1], way + 80):
            s.box((x, 0.0, at), (0.1, 0.7, 0.1), steel)
            at += 4.0

    if section.median > 1:
        kind = rng.choice(("rail", "rail", "wall", "hedge"))
        ends = (-BEHIND, way + SEEN)
        if kind == "rail":
            for x in (-0.3, 0.3) if section.median > 2 else (0.0,):
                rail(x, ends)
        elif kind == "wall":
            barrier = plain((0.4, 0.39, 0.37), "concrete", 3.0)
            s.box((0, 0, sum(ends) / 2), (0.5, 0.9, ends[1] - ends[0]), barrier)
        else:
            s.box(
                (0, 0, sum(ends) / 2), (0.9, rng.uniform(0.8, 1.6), ends[1] - ends[0]),
                Paint("leaves", ((0.07, 0.13, 0.03), (0.12, 0.2, 0.05), (0.02, 0.03, 0.01)), 2.5),
            )  # fmt: skip
    for side, half in ((-1, left), (1, right)):
        x = side * (half + 0.9)
        if rng.chance(0.55 if style == "motorway" else 0.25):
            z0 = rng.choice((-BEHIND, rng.uniform(0, 60)))
            rail(x, (z0, z0 + rng.uniform(40, 300)))
        if rng.chance(0.4):
            step, z = rng.choice((25.0, 50.0)), rng.uniform(-10, 20)
            while z < way + 260:
                s.box((x, 0.0, z), (0.12, 1.0, 0.08), plain(WHITE, "stripes", 1.0))
                z += step
        if rng.chance(0.3):
            wood, step, z = plain((0.2, 0.15, 0.1), "bark"), rng.uniform(30, 55), rng.uniform(0, 40)
            out, tall = side * (half + rng.uniform(2, 8)), rng.uniform(6, 9)
            while z < way + 400:
                s.at(out, z).pole((0, 0, 0), tall, 0.24, wood)
                s.at(out, z).box((0, tall - 0.6, 0), (1.8, 0.12, 0.12), wood)
                z += step
        if rng.chance(0.3):
            step, z = rng.uniform(25, 60), rng.uniform(0, 40)
            while z < way + 300:
                props.street_lamp(s.at(side * (half + 1.4), z), -side)
                z += step
        for _ in range(rng.randint(0, 3)):
            sign = s.at(side * (half + rng.uniform(1.2, 2.5)), rng.uniform(6, 150))
            props.traffic_sign(sign)
        if rng.chance(0.25):
            _board(s.at(side * (half + rng.uniform(2.5, 5)), rng.uniform(25, 160)))


def _board(s: BentSketch) -> None:
    """Draw a large direction board on two posts."""
    rng = s.dice
    colour = rng.choice(((0.02, 0.06, 0.35), (0.02, 0.2, 0.08), (0.6, 0.6, 0.6), (0.6, 0.4, 0.02)))
    wide, tall, low = rng.uniform(2, 4.5), rng.uniform(1.5, 3.2), rng.uniform(1.5, 2.5)
    ink = WHITE if sum(colour) < 0.6 else (0.05, 0.05, 0.05)
    s.box((0, low, 0), (wide, tall, 0.08), Paint("sign", (colour, ink, ink), wide, aligned=True))
    for x in (-0.35, 0.35):
        s.pole((x * wide, 0, 0.1), low + tall, 0.12, plain(STEEL))


def _built_up(s: BentSketch, section: Section, style: str, way: float) -> float:
    """Draw kerbs, pavements, parked cars and houses with gaps; return where they end [m]."""
    rng = s.dice
    parking = (rng.chance(0.6), rng.chance(0.6))
    kerb = max(section.half) + (2.2 if any(parking) else 0.0)
    wall = kerb + rng.uniform(1.5, 4.5)
    line = wall + rng.uniform(*{"avenue": (0, 3), "suburb": (2, 8), "works": (2, 14)}[style])
    length = way + rng.uniform(120, 300)
    plan = Plan(
        section.wide, kerb, wall, line, section.hand, parking, min(length, way + 160), 2 * length,
        way + DETAIL, "town" if style == "avenue" else style,
    )  # fmt: skip
    paving = paved(rng, "slabs", STONE, rng.uniform(2.0, 4.0))
    edge = plain(rng.tinted((0.38, 0.37, 0.35)), "concrete", 1.6)
    tar = paved(rng, "asphalt", (rng.tinted((0.11, 0.11, 0.115), 0.3),), 5.0)
    lawn = rng.one_of(LAWNS)
    grass = Paint("grass", (lawn, rng.one_of(LAWNS), (0.16, 0.11, 0.07)), rng.uniform(4, 8))
    ends = (-BEHIND, length + 20)
    for side, half in ((-1, section.half[0]), (1, section.half[1])):
        slab(s, ascending(side * half, side * kerb), ends, -0.002, tar)
        slab(s, ascending(side * kerb, side * (kerb + 0.15)), ends, 0.125, edge)
        slab(s, ascending(side * (kerb + 0.15), side * wall), ends, 0.12, paving)
        front_paint = grass if style == "suburb" or rng.chance(0.3) else paving
        slab(s, ascending(side * wall, side * (line + 14)), ends, 0.10, front_paint)
        _rows(s, plan, side, style, length)
        if rng.chance(0.7):
            front(s, plan, side)
        furniture(s, plan, side)
        if parking[side > 0]:
            parked(s, plan, side)
    return line + 14


def _rows(s: BentSketch, plan: Plan, side: int, style: str, length: float) -> None:
    """Draw houses along one side; between groups of them lie yards, parks and car parks."""
    rng, z = s.dice, -BEHIND
    typical = rng.randint(2, 5)
    together = rng.uniform(12, 70)  # usual length of a group of houses [m]
    while z < length:
        end = z + together * rng.uniform(0.5, 1.5)
        while z < min(end, length):
            long = 3.0 * rng.randint(2, 7 if style == "avenue" else 4)
            x, middle = plan.line + rng.choice((0.0, rng.uniform(0, 2))), z + long / 2
            if style == "avenue":
                floors = max(1, typical + rng.randint(-1, 2))
                block(s, side, x, middle, long, floors, 10.0)
            elif style == "works":
                pattern = rng.choice(("concrete", "shutter", "bricks", "facade"))
                paint = facade(rng) if pattern == "facade" else paved(rng, pattern, WALLS, 3.5)
                long = rng.uniform(14, 45)
                hall = (rng.uniform(12, 24), rng.uniform(3.5, 11), long)
                s.box((side * (x + hall[0] / 2), 0, z + long / 2), hall, paint)
            else:
                house(s, side, x, middle, long, rng.randint(1, 2), rng.uniform(7, 10))
            z += long + (rng.uniform(2, 9) if style != "avenue" else rng.choice((0.0, 0.0, 4.0)))
        gap = rng.choice((0.0, rng.uniform(8, 25), rng.uniform(20, 90)))
        if gap > 15 and rng.chance(0.5):  # a car park: an open view with cars in rows
            asphalt = paved(rng, "asphalt", ((0.14, 0.14, 0.14),), 5.0)
            inner = plan.line
            slab(s, ascending(side * inner, side * (inner + 40)), (z, z + gap), 0.11, asphalt)
            for row in range(rng.randint(1, 3)):
                at = z + 3.0
                while at < z + gap - 2:
                    if rng.chance(0.6):
                        x = side * (inner + 6 + 11 * row)
                        yaw = math.pi / 2 * rng.side() + rng.gauss(0, 0.03)
                        props.car(s.at(x, at, yaw, 0.11), at < 25 and row == 0)
                    at += 2.7
        elif gap > 15:
            for _ in range(rng.randint(0, 8)):
                x = side * (plan.line + rng.uniform(3, 40))
                tall = rng.uniform(5, 14)
                props.tree(s.at(x, z + rng.uniform(0, gap)), tall, z < 30)
        z += gap
    if rng.chance(0.5):
        at = (side * (plan.line + 6), 0.0, length + 30)
        s.box(at, (12, STOREY * rng.randint(2, 8), 12), facade(rng))
    if style == "works" and rng.chance(0.6):
        fence = plain(GREY, "shutter", 0.5)
        z0 = rng.uniform(-5, 60)
        s.add(
            BOX, (side * (plan.wall + 0.3), 0.1, z0 + 30), (0.05, rng.uniform(1.2, 2.2), 60), fence
        )
