# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Buildings that are seen from afar: villages, farms, tower blocks, masts."""

from __future__ import annotations

import math

from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.far_trees import crown
from jasmine_core.synthetic.houses import STOREY, facade
from jasmine_core.synthetic.paint import GREY, ROOFS, STEEL, WALLS, WHITE, foliage, paved, plain
from jasmine_core.synthetic.solids import BOX, CYLINDER, TAPER
from jasmine_core.synthetic.terrain import Terrain


def cottage(s: BentSketch) -> None:
    """Draw a house that is seen from afar: walls with windows and a gabled roof."""
    rng = s.rng
    wide, long = rng.uniform(7, 11), 3.0 * rng.randint(3, 5)
    height = STOREY * rng.choice((1, 1.5, 2, 2))
    s.box((0, -0.5, 0), (wide, height + 0.5, long), facade(rng))
    roof = (wide + 0.8, rng.uniform(2.2, 4.0), long + 0.8)
    taper = rng.choice(((1.0, 0.0), (1.0, 0.0), (1.0, 0.3)))
    s.add(TAPER, (0, height, 0), roof, paved(rng, "roof", ROOFS, 4.0), taper=taper)


def barn(s: BentSketch) -> None:
    """Draw a barn, and perhaps its silo."""
    rng = s.rng
    wide, long, height = rng.uniform(9, 16), rng.uniform(14, 30), rng.uniform(3.5, 6)
    boards = paved(rng, rng.choice(("planks", "shutter", "bricks")), WALLS, rng.uniform(3, 6))
    s.box((0, -0.5, 0), (wide, height + 0.5, long), boards)
    roof = paved(rng, rng.choice(("roof", "shutter")), ROOFS, 4.0)
    s.add(TAPER, (0, height, 0), (wide + 1, wide * 0.3, long + 1), roof, taper=(1.0, 0.0))
    if rng.chance(0.4):
        s.pole((wide / 2 + 3, 0, 0), rng.uniform(7, 14), rng.uniform(3, 5), plain(STEEL, "shutter"))


def village(s: BentSketch, land: Terrain, x: float, z: float, count: int) -> None:
    """Draw houses around a place, with trees between them and perhaps a church."""
    rng = s.rng
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
    rng = s.rng
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
    rng, here = s.rng, land.at(s, x, z, s.rng.uniform(0, 3))
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
