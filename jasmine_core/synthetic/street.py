# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Street along +z: road, kerbs, pavements, houses, trees, parked cars and, by option, traffic."""

from __future__ import annotations

import math
from collections.abc import Callable

from jasmine_core.synthetic import props
from jasmine_core.synthetic.camera_motion import Motion, vehicle
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.houses import STOREY, block, facade, house
from jasmine_core.synthetic.paint import (
    GREY,
    LAWNS,
    STONE,
    WALLS,
    Paint,
    foliage,
    paved,
    plain,
    wood,
)
from jasmine_core.synthetic.solids import BOX, CYLINDER, ELLIPSOID, Sketch, Solids
from jasmine_core.synthetic.street_plan import AHEAD, BEHIND, DETAIL, Plan


def street(seed: int, config: WorldConfig) -> tuple[Solids, Motion]:
    """Return the street of a seed and the drive along it."""
    rng = Rng(seed, "street")
    lane, hand = rng.uniform(2.8, 3.6), rng.side()
    motion = vehicle(Rng(seed, "motion"), config, hand * lane / 2)
    style = rng.choice(("town", "town", "suburb", "suburb", "country", "works"))
    chance = {"town": 0.75, "suburb": 0.5, "country": 0.1, "works": 0.4}[style]
    parking = (rng.chance(chance), rng.chance(chance))
    kerb = lane + (2.3 if any(parking) else rng.uniform(0.3, 0.8))
    wall = kerb + rng.uniform(1.5, 3.5)
    garden = {"town": (0.0, 1.0), "suburb": (2.0, 6.0), "country": (4.0, 10.0), "works": (0.5, 5.0)}
    way = motion.speed * config.duration * 1.2
    length = way + AHEAD
    crossing = rng.uniform(12, 70) if rng.chance(0.4) else 2 * length
    plan = Plan(
        lane,
        kerb,
        wall,
        wall + rng.within(garden[style]),
        hand,
        parking,
        length,
        crossing,
        way + DETAIL,
        style,
    )
    s = Sketch(rng)
    _ground(s, plan)
    markings(s, plan)
    for side in (-1, 1):
        houses(s, plan, side)
        front(s, plan, side)
        furniture(s, plan, side)
        if parking[side > 0]:
            parked(s, plan, side)
    _distance(s, plan)
    if config.moving_objects:
        _traffic(s, plan, motion, config.duration)
    return s.solids(), motion


def slab(
    s: Sketch, x: tuple[float, float], z: tuple[float, float], top: float, paint: Paint
) -> None:
    """Draw flat ground whose upper face is at height `top`."""
    place = (sum(x) / 2, top - 1.0, sum(z) / 2)
    s.add(BOX, place, (x[1] - x[0], 1.0, z[1] - z[0]), paint, casts=False)


def _ground(s: Sketch, plan: Plan) -> None:
    rng = s.rng
    lawn = rng.one_of(LAWNS)
    dry = (1.6 * lawn[0], 1.2 * lawn[1], 1.3 * lawn[2])
    grass = Paint("grass", (lawn, dry, (0.16, 0.11, 0.07)), rng.uniform(5, 9))
    slab(s, (-4000, 4000), (-4000, 4000), -0.03, grass)
    tar = rng.tinted((0.11, 0.11, 0.115), 0.35)
    road = paved(rng, "asphalt", (tar,), rng.uniform(4, 7))
    paving = paved(rng, "slabs", STONE, rng.uniform(2.0, 4.0))
    edge, ends = (
        plain(rng.tinted((0.38, 0.37, 0.35)), "concrete", 1.6),
        (-BEHIND, plan.length + 80),
    )
    slab(s, (-plan.kerb, plan.kerb), ends, 0.0, road)
    gap = (plan.crossing - 4, plan.crossing + 4)
    if plan.crossing < plan.length:
        for side in (-1, 1):
            slab(s, ascending(side * plan.kerb, side * 90), gap, 0.0, road)
    for side in (-1, 1):
        front = grass if plan.style in ("suburb", "country") and rng.chance(0.8) else paving
        for z in ((ends[0], min(gap[0], ends[1])), (gap[1], ends[1])):
            if z[1] <= z[0]:
                continue
            slab(s, ascending(side * plan.kerb, side * (plan.kerb + 0.15)), z, 0.125, edge)
            slab(s, ascending(side * (plan.kerb + 0.15), side * plan.wall), z, 0.12, paving)
            slab(s, ascending(side * plan.wall, side * (plan.line + 14)), z, 0.10, front)


def ascending(a: float, b: float) -> tuple[float, float]:
    """Return the two numbers in ascending order."""
    return min(a, b), max(a, b)


def markings(s: Sketch, plan: Plan) -> None:
    """Draw lane markings, a zebra crossing, repairs and manholes."""
    rng = s.rng
    white = plain(rng.tinted((0.62, 0.62, 0.58), 0.2), "asphalt", 3.0)
    ends = (-BEHIND, plan.length)

    def line(x: float, z: tuple[float, float], wide: float = 0.12) -> None:
        slab(s, (x - wide / 2, x + wide / 2), z, 0.003, white)

    middle = rng.choice(("dashes", "dashes", "dashes", "solid", "none"))
    if middle == "solid":
        line(0.0, ends)
    elif middle == "dashes":
        dash, period = rng.choice(((3.0, 9.0), (2.0, 6.0), (4.0, 12.0)))
        z = ends[0] + rng.uniform(0, period)
        while z < ends[1]:
            line(0.0, (z, z + dash))
            z += period
    if rng.chance(0.6):
        for side in (-1, 1):
            line(side * (plan.lane + 0.15 if any(plan.parking) else plan.kerb - 0.25), ends, 0.1)
    if rng.chance(0.35) or plan.crossing < plan.length:
        z = plan.crossing - 7.5 if plan.crossing < plan.length else rng.uniform(8, 50)
        x = -plan.kerb + 0.5
        while x < plan.kerb - 0.5:
            line(x + 0.25, (z, z + 3.0), 0.5)
            x += 1.0
    for _ in range(rng.randint(2, 8)):  # repairs and manholes
        x, z = rng.uniform(-0.8, 0.8) * plan.kerb, rng.uniform(0, 0.6 * plan.length)
        if rng.chance(0.5):
            repair = paved(rng, "asphalt", (rng.tinted((0.08, 0.08, 0.085), 0.5),), 3.0)
            wide, long = rng.uniform(0.5, 1.6), rng.uniform(0.8, 6.0)
            slab(s, (x - wide / 2, x + wide / 2), (z, z + long), 0.0015, repair)
        else:
            lid = Paint("checker", ((0.1, 0.1, 0.1), (0.05, 0.05, 0.05), (0.03, 0.03, 0.03)), 0.5)
            s.add(CYLINDER, (x, -0.2, z), (0.65, 0.204, 0.65), lid, casts=False)


def houses(s: Sketch, plan: Plan, side: int) -> None:
    """Draw the row of houses on one side."""
    rng, z = s.rng, -BEHIND
    dense = {"town": 0.95, "suburb": 0.8, "country": 0.3, "works": 0.7}[plan.style]
    typical = rng.randint(2, 4)
    while z < plan.length + 60:
        windows = rng.randint(2, 7 if plan.style == "town" else 4)
        long, free = 3.0 * windows, 0.0
        if plan.crossing - 6 - long < z < plan.crossing + 6:
            z = plan.crossing + 6
        middle = z + long / 2
        if rng.chance(dense):
            x = plan.line + rng.choice((0.0, 0.0, rng.uniform(0, 2)))
            if plan.style == "town":
                block(s, side, x, middle, long, max(1, typical + rng.randint(-1, 1)), 10.0)
                free = rng.choice((0.0, 0.0, 0.0, rng.uniform(1, 5)))
            elif plan.style == "works":
                pattern = rng.choice(("concrete", "shutter", "bricks", "facade"))
                paint = facade(rng) if pattern == "facade" else paved(rng, pattern, WALLS, 3.5)
                s.box((side * (x + 8), 0, middle), (16, rng.uniform(3.5, 8), 1.5 * long), paint)
                long, free = 1.5 * long, rng.uniform(0, 10)
            else:
                house(s, side, x, middle, long, rng.randint(1, 2), rng.uniform(7, 10))
                free = rng.uniform(2, 9)
        else:
            free = rng.uniform(2, 10)
            for _ in range(rng.randint(1, 3)):
                x = side * (plan.line + rng.uniform(2, 9))
                props.tree(s.at(x, z + rng.uniform(0, long)), rng.uniform(4, 9), z < plan.near)
        z += long + free


def front(s: Sketch, plan: Plan, side: int) -> None:
    """Draw what stands between pavement and garden: hedge, fence or wall."""
    rng = s.rng
    if plan.line - plan.wall < 1.5:
        return
    z = -BEHIND
    while z < plan.length:
        long, kind = (
            rng.uniform(6, 20),
            rng.choice(("hedge", "fence", "wall", "wall", "none", "bushes")),
        )
        if plan.crossing - 6 - long < z < plan.crossing + 6:
            z = plan.crossing + 6
        place, tall = (side * (plan.wall + 0.2), 0.1, z + long / 2), rng.uniform(0.7, 2.0)
        if kind == "hedge":
            s.box(place, (rng.uniform(0.5, 0.9), tall, long), foliage(rng, 1.8))
        elif kind == "fence":
            s.box((place[0], 0.25, place[2]), (0.06, 0.8 * tall, long), wood(rng, span=1.2))
            for i in range(int(long // 2.5) + 1 if z < plan.near else 0):
                s.box((place[0], 0.1, z + 2.5 * i), (0.12, 0.8 * tall + 0.3, 0.12), wood(rng))
        elif kind == "wall":
            pattern = rng.choice(("bricks", "stones", "concrete", "plaster"))
            s.box(place, (0.25, tall, long), paved(rng, pattern, WALLS, 2.2))
            s.box((place[0], 0.1 + tall, place[2]), (0.35, 0.08, long), plain(GREY, "concrete"))
        elif kind == "bushes":
            for i in range(int(long // 3)):
                props.bush(s.at(place[0] + side * rng.uniform(0.5, 1.5), z + 3 * i, height=0.1))
        z += long + rng.choice((0.0, rng.uniform(1, 4)))


def furniture(
    s: Sketch, plan: Plan, side: int, tree: Callable[[Sketch, float, bool], None] = props.tree
) -> None:
    """Draw what stands on the pavement at the kerb: trees, lamps, signs, bins, people."""
    rng, z = s.rng, -BEHIND + s.rng.uniform(0, 10)
    spacing, favourite = rng.uniform(5, 14), rng.choice(("tree", "tree", "lamp"))
    rows_of_trees = rng.uniform(3.5, 7.0)
    while z < plan.length:
        if abs(z - plan.crossing) > 6:
            kind = rng.choice(
                (favourite, favourite, "lamp", "sign", "bin", "tree", "person", "none")
            )
            here = s.at(side * (plan.kerb + 0.55), z, height=0.12)
            if kind == "tree":
                tree(here, rows_of_trees * rng.uniform(0.8, 1.2), z < plan.near)
            elif kind == "lamp":
                props.street_lamp(here, -side)
            elif kind == "sign":
                props.traffic_sign(here)
            elif kind == "bin":
                props.bin_or_box(here)
            elif kind == "person" and plan.style != "country":
                x = side * rng.uniform(plan.kerb + 0.5, plan.wall - 0.3)
                props.person(s.at(x, z, rng.uniform(0, 6.3), height=0.12))
        z += spacing * rng.uniform(0.6, 1.5)


def parked(s: Sketch, plan: Plan, side: int) -> None:
    """Draw cars that are parked along one kerb."""
    rng, z, full = s.rng, -BEHIND, s.rng.uniform(0.3, 0.95)
    while z < plan.length:
        if rng.chance(full) and abs(z - plan.crossing) > 9:
            x = side * (plan.kerb - 1.1 + rng.gauss(0, 0.08))
            props.car(
                s.at(x, z, rng.gauss(0, 0.02) + (0.0 if side == plan.hand else math.pi)),
                z < plan.near,
            )
        z += rng.uniform(5.4, 7.5)


def _distance(s: Sketch, plan: Plan) -> None:
    """Close the view: a house across the end of the street, woods or hills on the horizon."""
    rng = s.rng
    if rng.chance(0.5):
        z = plan.length + rng.uniform(20, 70)
        s.box((rng.uniform(-20, 20), 0, z), (90, STOREY * rng.randint(2, 6), 12), facade(rng))
    for _ in range(rng.randint(3, 8)):
        wide = rng.uniform(150, 500)
        place = (rng.uniform(-700, 700), 0.0, plan.length + rng.uniform(250, 700))
        tall = rng.uniform(15, 70)
        s.add(
            ELLIPSOID,
            (place[0], -tall / 2, place[2]),
            (wide, tall, wide / 2),
            foliage(rng, 60),
            casts=False,
        )
    for _ in range(rng.randint(0, 14)):
        x = rng.side() * rng.uniform(plan.line + 18, 70)
        z = rng.uniform(20, plan.length + 40)
        props.tree(s.at(x, z), rng.uniform(6, 13), z < plan.near)


def _traffic(s: Sketch, plan: Plan, motion: Motion, duration: float) -> None:
    """Draw cars ahead and oncoming, and people who walk along or across."""
    rng, lane = s.rng, plan.hand * plan.lane / 2
    if rng.chance(0.7):
        speed = motion.speed * rng.uniform(0.7, 1.2)
        gap = rng.uniform(9, 30) + max(0.0, 1.2 * motion.speed - speed) * duration
        props.car(s.at(lane, gap, velocity=(0, 0, speed)))
    z = rng.uniform(10, 40)
    for _ in range(rng.randint(1, 4)):
        speed = -rng.uniform(3, 14)
        props.car(s.at(-lane, z - speed * duration / 2, math.pi, velocity=(0, 0, speed)))
        z += rng.uniform(12, 40)
    for _ in range(rng.randint(1, 4)):
        side, pace, way = rng.side(), rng.uniform(0.8, 1.8), rng.side()
        x = side * rng.uniform(plan.kerb + 1.0, plan.wall - 0.2)
        props.person(
            s.at(
                x, rng.uniform(5, 40), 0 if way > 0 else math.pi, 0.12, velocity=(0, 0, way * pace)
            )
        )
