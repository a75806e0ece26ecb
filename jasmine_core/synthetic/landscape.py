# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Far geometry with exact depth: fields, banks, hills, tree lines, woods, villages, towers.

Positions are those of a course (x from the centreline, z along it). Heights come from a `Terrain`,
so that trees and houses stand on the banks and hills that are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from jasmine_core.synthetic import props
from jasmine_core.synthetic.config import Colour, Dice
from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.houses import STOREY, facade
from jasmine_core.synthetic.paint import (
    DARK,
    GREY,
    LAWNS,
    LEAVES,
    ROOFS,
    STEEL,
    WALLS,
    WHITE,
    Paint,
    foliage,
    paved,
    plain,
)
from jasmine_core.synthetic.solids import BOX, CYLINDER, ELLIPSOID, TAPER

CROPS: tuple[Colour, ...] = (
    (0.33, 0.26, 0.10), (0.42, 0.36, 0.16), (0.16, 0.10, 0.06), (0.09, 0.16, 0.04),
    (0.14, 0.20, 0.05), (0.45, 0.42, 0.06), (0.22, 0.15, 0.09),
)  # fmt: skip
CASTS = 120.0  # what is farther throws no shadow that matters [m]


@dataclass(frozen=True)
class Hill:
    """An ellipsoid whose lower part is in the ground."""

    x: float
    z: float
    wide: float  # half axes of the ellipsoid [m]
    deep: float
    tall: float
    sunk: float  # centre below the ground [m]

    def height(self, x: float, z: float) -> float:
        """Return the height of its surface, negative outside [m]."""
        inside = 1 - ((x - self.x) / self.wide) ** 2 - ((z - self.z) / self.deep) ** 2
        return self.tall * math.sqrt(max(inside, 0.0)) - self.sunk


@dataclass(frozen=True)
class Bank:
    """A slope that rises away from the road on one side, from `foot` on."""

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
    """Hold what rises above the ground of the course."""

    hills: list[Hill] = field(default_factory=list)
    banks: list[Bank] = field(default_factory=list)

    def height(self, x: float, z: float) -> float:
        """Return the height of the surface above the ground of the course [m]."""
        return max(0.0, *(h.height(x, z) for h in (*self.hills, *self.banks)), 0.0)

    def at(self, s: BentSketch, x: float, z: float, yaw: float = 0.0) -> BentSketch:
        """Return a sketch on the surface, a little in it because surfaces slope."""
        height = self.height(x, z)
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
    place = (here.x, -here.sunk - here.tall, here.z)
    s.add(ELLIPSOID, place, size, paint, casts=False)
    land.hills.append(here)


def far_cover(rng: Dice) -> Paint:
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
    rng = s.dice
    for _ in range(count):
        away = math.exp(rng.uniform(math.log(nearest), math.log(farthest)))
        bearing = rng.uniform(-1.0, 1.0) ** 3 * 1.3 + rng.gauss(0, 0.15)
        tall = away * rng.uniform(0.03, 0.16)
        wide = tall * rng.uniform(3.0, 9.0)
        x, z = away * math.sin(bearing), away * math.cos(bearing)
        if abs(x) < wide + 12 and z < 700:  # the road passes beside it
            x = math.copysign(wide + rng.uniform(14, 60), x)
        sunk = tall * rng.uniform(0.0, 0.5)
        hill(s, land, Hill(x, z, wide, wide * rng.uniform(0.6, 1.8), tall, sunk), far_cover(rng))


def fields(s: BentSketch, side: int, start: float, length: float, far: float) -> None:
    """Draw patches of crops beside the road; some stand knee-high or higher."""
    rng, z = s.dice, rng_start(s.dice)
    while z < far:
        long, wide = rng.uniform(25, 120), rng.uniform(40, 160)
        if rng.chance(0.75):
            base = rng.one_of(CROPS, 0.2)
            dark = (0.5 * base[0], 0.6 * base[1], 0.5 * base[2])
            pattern = rng.choice(("grass", "planks", "planks", "weave"))
            tall = rng.choice((0.02, 0.02, 0.05, 0.4, 0.9, rng.uniform(0.3, 2.2)))
            paint = Paint(pattern, (base, dark, dark), rng.uniform(4, 14))
            x = side * (start + length + wide / 2)
            s.add(BOX, (x, tall - 1.0, z + long / 2), (wide, 1.0, long), paint, casts=False)
        z += long + rng.choice((0.0, rng.uniform(2, 12)))


def rng_start(rng: Dice) -> float:
    """Return where behind the camera a row begins [m]."""
    return -rng.uniform(10, 40)


def crown(s: BentSketch, tall: float, wide: float, paint: Paint, casts: bool, shape: str) -> None:
    """Draw a tree that is seen from afar: one or two solids."""
    rng = s.dice
    if shape == "cone":
        s.add(
            TAPER, (0, 0, 0), (0.6 * wide, tall, 0.6 * wide), paint, yaw=rng.random() * 3,
            taper=(0.92, 0.92), casts=casts,
        )  # fmt: skip
        return
    low = 0.0 if shape == "bush" else tall * rng.uniform(0.0, 0.12)
    s.add(ELLIPSOID, (0, low, 0), (wide, tall - low, wide), paint, casts=casts)
    if shape == "round":
        x, z = (wide * rng.uniform(-0.35, 0.35) for _ in range(2))
        size = wide * rng.uniform(0.5, 0.8)
        s.add(ELLIPSOID, (x, tall * 0.3, z), (size, tall * 0.62, size), paint, casts=casts)


def tree_line(
    s: BentSketch, land: Terrain, start: tuple[float, float], end: tuple[float, float], tall: float
) -> None:
    """Draw a row of trees or a hedge from `start` to `end`, (x, z) each, of about this height."""
    rng = s.dice
    shape = "bush" if tall < 3 else rng.choice(("round", "round", "oval", "oval", "cone"))
    paints = [foliage(rng, rng.uniform(2.0, 5.0)) for _ in range(3)]
    if shape == "cone":
        paints = paints[:1]
    spread = rng.uniform(0.45, 0.9) * (2.0 if shape == "bush" else 1.0)
    spacing = tall * spread * rng.choice((0.55, 0.7, 0.7, 1.2))
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    for i in range(min(70, int(length / spacing) + 1)):
        share = (i + rng.uniform(-0.3, 0.3)) * spacing / length
        x, z = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        size = tall * rng.uniform(0.7, 1.15)
        here = land.at(s, x + rng.gauss(0, 0.8), z + rng.gauss(0, 0.8))
        if shape != "bush" and z < 60 and abs(x) < 50:
            bark = plain((0.12, 0.09, 0.06), "bark", 0.8)
            here.pole((0, 0, 0), 0.5 * size, 0.03 * size, bark)
        crown(here, size, size * spread, rng.choice(paints), math.hypot(x, z) < CASTS, shape)


def wood(
    s: BentSketch, land: Terrain, side: int, foot: float, z: tuple[float, float], tall: float
) -> None:
    """Draw the edge of a wood along the road, and the mass of leaves behind it."""
    rng = s.dice
    tree_line(s, land, (side * foot, z[0]), (side * foot, z[1]), tall)
    if land.height(side * (foot + 10), sum(z) / 2) > 0.5:
        return
    deep = rng.uniform(20, 60)
    place = (side * (foot + 0.25 * tall + deep / 2), 0.0, sum(z) / 2)
    s.box(place, (deep, tall * rng.uniform(0.7, 0.85), z[1] - z[0]), foliage(rng, 5.0))


def cottage(s: BentSketch) -> None:
    """Draw a house that is seen from afar: walls with windows and a gabled roof."""
    rng = s.dice
    wide, long = rng.uniform(7, 11), 3.0 * rng.randint(3, 5)
    height = STOREY * rng.choice((1, 1.5, 2, 2))
    s.box((0, -0.5, 0), (wide, height + 0.5, long), facade(rng))
    roof = (wide + 0.8, rng.uniform(2.2, 4.0), long + 0.8)
    taper = rng.choice(((1.0, 0.0), (1.0, 0.0), (1.0, 0.3)))
    s.add(TAPER, (0, height, 0), roof, paved(rng, "roof", ROOFS, 4.0), taper=taper)


def barn(s: BentSketch) -> None:
    """Draw a barn, and perhaps its silo."""
    rng = s.dice
    wide, long, height = rng.uniform(9, 16), rng.uniform(14, 30), rng.uniform(3.5, 6)
    boards = paved(rng, rng.choice(("planks", "shutter", "bricks")), WALLS, rng.uniform(3, 6))
    s.box((0, -0.5, 0), (wide, height + 0.5, long), boards)
    roof = paved(rng, rng.choice(("roof", "shutter")), ROOFS, 4.0)
    s.add(TAPER, (0, height, 0), (wide + 1, wide * 0.3, long + 1), roof, taper=(1.0, 0.0))
    if rng.chance(0.4):
        s.pole((wide / 2 + 3, 0, 0), rng.uniform(7, 14), rng.uniform(3, 5), plain(STEEL, "shutter"))


def village(s: BentSketch, land: Terrain, x: float, z: float, count: int) -> None:
    """Draw houses around a place, with trees between them and perhaps a church."""
    rng = s.dice
    reach = 9.0 * math.sqrt(count)
    for _ in range(count):
        px, pz = x + rng.gauss(0, reach), z + rng.gauss(0, reach)
        if abs(px) < 16:
            continue
        house = land.at(s, px, pz, rng.choice((0.0, math.pi / 2)) + rng.gauss(0, 0.3))
        (barn if rng.chance(0.15) else cottage)(house)
        if rng.chance(0.6):
            tx, tz = px + rng.uniform(-12, 12), pz - rng.uniform(4, 12)
            if abs(tx) > 12:
                tall = rng.uniform(4, 10)
                crown(land.at(s, tx, tz), tall, 0.7 * tall, foliage(rng), True, "round")
    if rng.chance(0.35) and abs(x) > 20:
        church = land.at(s, x, z, rng.uniform(0, 3))
        stone = paved(rng, rng.choice(("stones", "plaster")), WALLS, 3.0)
        tall = rng.uniform(14, 26)
        church.box((0, 0, 0), (5, tall, 5), stone)
        spire = paved(rng, "roof", ROOFS, 4.0)
        church.add(TAPER, (0, tall, 0), (5.4, rng.uniform(4, 14), 5.4), spire, taper=(1.0, 1.0))
        church.box((0, 0, 11), (9, 8, 17), stone)
        church.add(TAPER, (0, 8, 11), (9.6, 5, 17.6), spire, taper=(1.0, 0.0))


def towers(s: BentSketch, land: Terrain, x: float, z: float, count: int) -> None:
    """Draw tower blocks, offices and halls around a place."""
    rng = s.dice
    for _ in range(count):
        px, pz = x + rng.gauss(0, 45), z + rng.gauss(0, 45)
        wide, deep = 3.0 * rng.randint(3, 9), 3.0 * rng.randint(3, 7)
        if abs(px) < 22 + wide / 2:
            continue
        floors = rng.choice((2, 4, 5, 6, 8, 10, 14, 18))
        tower = land.at(s, px, pz, rng.choice((0.0, math.pi / 2, rng.uniform(0, 3))))
        tower.box((0, -0.5, 0), (wide, floors * STOREY + 0.5, deep), facade(rng))
        tower.box((0, floors * STOREY, 0), (0.5 * wide, 2.5, 0.5 * deep), plain(GREY, "concrete"))


def landmark(s: BentSketch, land: Terrain, x: float, z: float) -> None:
    """Draw a mast, a chimney, a water tower or a wind turbine."""
    rng, here = s.dice, land.at(s, x, z, s.dice.uniform(0, 3))
    kind, grey = rng.randint(0, 3), plain(rng.one_of((WHITE, GREY, STEEL)), "concrete", 4.0)
    tall = rng.uniform(18, 50)
    if kind == 0:
        for side in (-1, 1):
            here.add(
                BOX, (side * 2.2, 0, 0), (0.5, tall, 0.5), grey, roll=side * 4.0 / tall, casts=False
            )
            here.add(
                BOX,
                (0, 0, side * 2.2),
                (0.5, tall, 0.5),
                grey,
                pitch=side * 4.0 / tall,
                casts=False,
            )
        for level in (0.3, 0.5, 0.7, 0.8, 0.9):
            wide = 5 * (1 - level) if level < 0.65 else 13 * (1.4 - level)
            here.box((0, level * tall, 0), (wide, 0.4, 0.5), grey)
    elif kind == 1:
        here.add(TAPER, (0, 0, 0), (4, tall, 4), paved(rng, "bricks", WALLS, 4), taper=(0.5, 0.5))
    elif kind == 2:
        here.pole((0, 0, 0), 0.6 * tall, 3.0, grey)
        here.add(CYLINDER, (0, 0.6 * tall, 0), (0.4 * tall, 5.0, 0.4 * tall), grey)
    else:
        here.add(TAPER, (0, 0, 0), (2.4, tall, 2.4), grey, taper=(0.5, 0.5))
        turn = rng.uniform(0, 2)
        for i in range(3):
            angle = turn + i * 2 * math.pi / 3
            reach = 0.25 * tall
            place = (-reach * math.sin(angle), tall + reach * (math.cos(angle) - 1.0), -1.4)
            here.add(BOX, place, (0.9, 2 * reach, 0.25), plain(WHITE), roll=-angle, casts=False)


def landscape(s: BentSketch, land: Terrain, edge: float, built: bool) -> None:
    """Draw all that is seen beside and beyond the road, from `edge` [m] outwards.

    Args:
        s: sketch of the scene.
        land: terrain, to which banks and hills are added.
        edge: where on both sides the road's own things end [m].
        built: whether houses stand along the road; far things then rise behind them.
    """
    rng = s.dice
    lawn = rng.one_of(LAWNS)
    grass = Paint("grass", (lawn, rng.one_of(CROPS), rng.one_of(CROPS)), rng.uniform(6, 12))
    # 1. Relief: a bank on one side or on both, hills.
    for side in (-1, 1):
        if not built and rng.chance(0.22):
            z0 = rng.choice((-40.0, rng.uniform(10, 120)))
            cover = rng.choice((grass, foliage(rng, 4.0), paved(rng, "stones", WALLS, 8.0)))
            here = Bank(
                side, edge + rng.uniform(1, 18), math.radians(rng.choice((5, 9, 14, 22, 32))),
                rng.uniform(12, 60), (z0, z0 + rng.uniform(80, 400)),
            )  # fmt: skip
            bank(s, land, here, cover)
    if rng.chance(0.7):
        hills(s, land, rng.randint(1, 6), 110, 1500)
    # 2. Along the road: crops, woods and hedges; lines of trees behind them at any distance.
    for side in (-1, 1):
        open_side = not any(b.side == side for b in land.banks)
        if open_side and not built and rng.chance(0.7):
            fields(s, side, edge, rng.uniform(0.5, 6), 260)
        if not built and rng.chance(0.3):
            z0 = rng.choice((-30.0, rng.uniform(20, 150)))
            reach = (z0, z0 + rng.uniform(40, 200))
            wood(s, land, side, edge + rng.uniform(3, 30), reach, rng.uniform(7, 18))
        for _ in range(rng.randint(1, 3)):
            foot = math.exp(rng.uniform(math.log(max(28, edge + 4)), math.log(230)))
            z0 = rng.uniform(-20, 160)
            z1 = z0 + rng.uniform(40, 260)
            skew = rng.gauss(0, 25)
            far = (side * max(foot + skew, edge + 8), z1)
            tree_line(s, land, (side * foot, z0), far, rng.choice((2.5, rng.uniform(5, 16))))
        if not built and rng.chance(0.6):  # a hedge or an avenue of trees away from the road
            z0 = rng.uniform(25, 200)
            end = (side * (edge + rng.uniform(60, 200)), z0 + rng.gauss(0, 15))
            tree_line(s, land, (side * (edge + 4), z0), end, rng.choice((2.0, 8.0, 12.0)))
    # 3. What closes the view where the road goes, if anything does.
    if rng.chance(0.45):
        z = rng.uniform(130, 420)
        for side in (-1, 1):
            start = (side * (edge + 3), z + rng.uniform(-20, 20))
            end = (side * (edge + rng.uniform(60, 220)), z + rng.uniform(-60, 60))
            tree_line(s, land, start, end, rng.uniform(7, 16))
    # 4. Buildings and single trees.
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        away = math.exp(rng.uniform(math.log(50), math.log(350)))
        bearing = rng.uniform(-0.75, 0.75)
        x, z = away * math.sin(bearing), away * math.cos(bearing)
        x = math.copysign(max(abs(x), edge + 16), x)
        if built or rng.chance(0.25):
            towers(s, land, x, z, rng.randint(2, 9))
        else:
            village(s, land, x, z, rng.randint(1, 14))
    if rng.chance(0.5):
        for _ in range(rng.randint(1, 3)):
            x = rng.side() * rng.uniform(edge + 15, 220)
            landmark(s, land, x, rng.uniform(60, 500))
    for _ in range(rng.randint(2, 14)):
        x, z = rng.side() * (edge + rng.uniform(2, 70)), rng.uniform(5, 190)
        tall = rng.uniform(4, 14)
        if math.hypot(x, z) < 45:
            props.tree(land.at(s, x, z), tall, True)
        else:
            here = land.at(s, x, z)
            here.pole((0, 0, 0), 0.5 * tall, 0.05 * tall, plain(DARK, "bark"))
            crown(here, tall, tall * rng.uniform(0.5, 0.9), foliage(rng), z < CASTS, "round")
