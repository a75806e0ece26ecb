# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Built-up areas along a road: kerbs, parked cars, houses with gaps between."""

from __future__ import annotations

import math

from jasmine_core.synthetic import props, vehicles
from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.cross_section import Section
from jasmine_core.synthetic.fences import fence
from jasmine_core.synthetic.houses import STOREY, block, facade, house
from jasmine_core.synthetic.paint import GREY, LAWNS, STONE, WALLS, Paint, paved, plain
from jasmine_core.synthetic.solids import BOX, Sketch
from jasmine_core.synthetic.street import ascending, front, furniture, slab
from jasmine_core.synthetic.street_plan import BEHIND, DETAIL, Plan
from jasmine_core.synthetic.trees import any_tree


def built_up(s: BentSketch, section: Section, way: float) -> float:
    """Draw kerbs, pavements, cars and houses with gaps; return where they end [m]."""
    rng, style = s.rng, section.style
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
        if rng.chance(0.4):
            z = rng.uniform(-BEHIND, 40)
            x = side * (wall + rng.choice((0.3, rng.uniform(0.3, 4.0))))
            fence(s, x, (z, z + rng.uniform(20, 90)), plan.near)
        furniture(s, plan, side, near_tree)
        if parking[side > 0]:
            _parked(s, plan, side)
    return line + 14


def _rows(s: BentSketch, plan: Plan, side: int, style: str, length: float) -> None:
    """Draw houses along one side; between groups of them lie yards, parks and car parks."""
    rng, z = s.rng, -BEHIND
    typical = rng.randint(2, 5)
    together = rng.uniform(8, 60)  # usual length of a group of houses [m]
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
        gap = rng.choice((0.0, rng.uniform(8, 25), rng.uniform(20, 90), rng.uniform(40, 120)))
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
                near_tree(s.at(x, z + rng.uniform(0, gap)), rng.uniform(5, 14), z < 30)
        z += gap
    if rng.chance(0.5):
        place = (side * (plan.line + 6), 0.0, length + 30)
        s.box(place, (12, STOREY * rng.randint(2, 8), 12), facade(rng))
    if style == "works" and rng.chance(0.6):
        fence = plain(GREY, "shutter", 0.5)
        z0 = rng.uniform(-5, 60)
        s.add(
            BOX, (side * (plan.wall + 0.3), 0.1, z0 + 30), (0.05, rng.uniform(1.2, 2.2), 60), fence
        )


def _parked(s: BentSketch, plan: Plan, side: int) -> None:
    """Draw vehicles of all kinds at one kerb, and bicycles that lean beside them."""
    rng, z, full = s.rng, -BEHIND, s.rng.uniform(0.2, 0.95)
    while z < plan.length:
        with_us = 0.0 if side == plan.hand else math.pi
        here = s.at(side * (plan.kerb - 1.1 + rng.gauss(0, 0.1)), z, with_us + rng.gauss(0, 0.02))
        if rng.chance(full):
            heavy = rng.chance(0.05)
            (vehicles.truck if heavy else vehicles.any_car)(here, z < plan.near)
            z += 12.0 if heavy else 0.0
        if rng.chance(0.15) and z < plan.near:
            for i in range(rng.randint(1, 4)):
                yaw = math.pi / 2 + rng.gauss(0, 0.1)
                vehicles.bicycle(s.at(side * (plan.kerb + 1.2), z + 0.7 * i, yaw, 0.12), False)
        z += rng.uniform(5.6, 7.5)


def near_tree(s: Sketch, height: float, detailed: bool = True) -> None:
    """Draw a tree in detail where it is near, else with a crown of a few balls."""
    if detailed:
        any_tree(s, height)
    else:
        props.tree(s, height, False)
