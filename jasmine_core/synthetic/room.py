# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Furnished room around the origin, seen by a hand-held camera."""

from __future__ import annotations

import math

from jasmine_core.synthetic import furniture, props
from jasmine_core.synthetic.camera_motion import Motion, hand
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.paint import (
    DARK,
    ROOMS,
    STEEL,
    WHITE,
    WOODS,
    Paint,
    cloth,
    plain,
    wood,
)
from jasmine_core.synthetic.room_plan import Plan
from jasmine_core.synthetic.solids import BOX, CYLINDER, ELLIPSOID, Sketch, Solids

CLEAR = 0.45  # furniture keeps this far from the camera's way [m]


def room(seed: int, config: WorldConfig) -> tuple[Solids, Motion]:
    """Return the room of a seed and the walk through it."""
    rng = Rng(seed, "room")
    plan = Plan(rng.uniform(3.6, 6.5), rng.uniform(4.0, 7.5), rng.uniform(2.4, 3.1))
    s = Sketch(rng)
    # The camera stands off the middle and looks across it.
    place = (rng.uniform(-0.25, 0.25) * plan.wide, rng.uniform(-0.28, -0.1) * plan.long)
    if rng.chance(0.5):
        place = (place[0], -place[1])
    towards = math.atan2(-place[0], -place[1]) + rng.gauss(0, 0.5)
    motion = hand(Rng(seed, "motion"), config, place, towards)
    reach = max(sum(abs(a) for a, _, _ in w.terms) for w in (motion.x, motion.z))
    plan.taken.append((*place, min(reach, 0.9) + CLEAR))

    _shell(s, plan)
    if config.moving_objects:
        _movers(s, plan, place, towards, config.duration)
    for number in range(4):
        _along_wall(s, plan, number)
    _middle(s, plan)
    _lamp(s, plan)
    return s.solids(), motion


def _shell(s: Sketch, plan: Plan) -> None:
    """Draw floor, ceiling, walls with skirting, and sometimes half a wall across the room."""
    rng, thick = s.rng, 0.2
    outer = (plan.wide + 2 * thick, plan.long + 2 * thick)
    floor = rng.choice(("parquet", "planks", "checker", "tiles", "weave", "slabs"))
    paint = _floor_paint(rng, floor)
    s.add(BOX, (0, -thick, 0), (outer[0], thick, outer[1]), paint, casts=False)
    ceiling = plain(
        rng.tinted((0.78, 0.77, 0.74), 0.1),
        rng.choice(("plaster", "plaster", "planks", "concrete")),
    )
    s.add(BOX, (0, plan.height, 0), (outer[0], thick, outer[1]), ceiling, casts=False)
    common = _wall_paint(rng)
    skirting = plain(rng.one_of((WHITE, *WOODS)), "planks")
    for number in range(4):
        x, z, yaw, long = plan.wall(number)
        paint = _wall_paint(rng) if rng.chance(0.3) else common
        here = s.at(x, z, yaw)
        here.add(BOX, (0, 0, -thick / 2), (long, plan.height, thick), paint, casts=False)
        here.add(BOX, (0, 0, 0.008), (long, 0.09, 0.016), skirting, casts=False)
    if rng.chance(0.35):
        x, z, yaw, _ = plan.wall(rng.randint(0, 3))
        deep = rng.uniform(0.8, 1.6)
        centre = (x + deep / 2 * math.sin(yaw), z + deep / 2 * math.cos(yaw))
        if plan.take(*centre, deep / 2):
            s.at(x, z, yaw).box((0, 0, deep / 2), (0.12, plan.height, deep), common)


def _floor_paint(rng: Rng, pattern: str) -> Paint:
    if pattern in ("parquet", "planks"):
        return wood(rng, pattern, rng.uniform(1.2, 2.4))
    base = rng.one_of(ROOMS, 0.3)
    dark = (0.3 * base[0], 0.3 * base[1], 0.3 * base[2])
    return Paint(pattern, (base, rng.one_of((dark, *ROOMS)), dark), rng.uniform(1.2, 2.6))


def _wall_paint(rng: Rng) -> Paint:
    pattern = rng.choice(
        ("plaster", "plaster", "motif", "stripes", "bricks", "tiles", "planks", "weave")
    )
    first, second, third = rng.palette(ROOMS, 0.2)
    (a, b, c), (d, e, f) = first, second
    near = (0.6 * a + 0.4 * d, 0.6 * b + 0.4 * e, 0.6 * c + 0.4 * f)  # patterns of walls are quiet
    return Paint(pattern, (first, near, third), rng.uniform(1.0, 2.5))


def _along_wall(s: Sketch, plan: Plan, number: int) -> None:
    """Draw a window or a door, furniture and posters along one wall."""
    rng = s.rng
    x, z, yaw, long = plan.wall(number)
    opening = rng.choice(("window", "window", "door", "none"))
    at = rng.uniform(-0.25, 0.25) * long
    here = s.at(x, z, yaw)
    blocked = -9.0  # where along the wall nothing may hang
    if opening == "window":
        window(here, at, plan.height)
        blocked = at
    elif opening == "door":
        frame, wide = plain(WHITE), rng.uniform(0.8, 0.95)
        here.box((at, 0, 0.02), (wide + 0.16, 2.12, 0.06), frame)
        here.box((at, 0, 0.04), (wide, 2.04, 0.07), wood(rng, span=1.8))
        here.ball((at + 0.38 * wide, 1.0, 0.12), (0.07, 0.05, 0.07), plain(STEEL))
        plan.taken.append((x + at * math.cos(yaw), z - at * math.sin(yaw), 0.5))
        blocked = at
    along = -long / 2 + 0.5
    while along < long / 2 - 0.5:
        wide = rng.uniform(0.8, 1.5)
        # World place of the furniture's middle, 0.3 m off the wall.
        u, out = along + wide / 2, 0.3
        px = x + u * math.cos(yaw) + out * math.sin(yaw)
        pz = z - u * math.sin(yaw) + out * math.cos(yaw)
        tall = 0.0
        if along + wide < long / 2 - 0.1 and rng.chance(0.7) and plan.take(px, pz, wide / 2):
            tall = _furniture(
                s.at(x + u * math.cos(yaw), z - u * math.sin(yaw), yaw),
                wide,
                abs(u - blocked) > 1.2,
            )
        if tall < 1.4 and abs(u - blocked) > 1.2 and rng.chance(0.7):
            size = rng.uniform(0.4, 0.9)
            poster = Paint("poster", rng.palette(ROOMS, 0.6), size, aligned=True)
            here.box(
                (u, rng.uniform(1.2, 1.5), 0.015),
                (size, size * rng.uniform(0.7, 1.0), 0.03),
                poster,
            )
        along += wide + rng.uniform(0.05, 0.5)


def window(s: Sketch, at: float, height: float) -> None:
    """Draw a window that shines by itself, its frame and curtains."""
    rng = s.rng
    wide, tall = rng.uniform(0.9, 1.8), rng.uniform(1.0, 1.5)
    low = min(0.9, height - tall - 0.3)
    bright = rng.uniform(1.2, 2.2)
    view = (
        (0.55 * bright, 0.75 * bright, bright),
        (0.2, 0.35, 0.12),
        (0.3 * bright, 0.4 * bright, 0.25),
    )
    s.box((at, low, 0.01), (wide, tall, 0.04), Paint("poster", view, wide, glow=1.0, aligned=True))
    frame = plain(WHITE)
    for x in (-wide / 2, 0.0, wide / 2):
        s.box((at + x, low, 0.03), (0.06, tall, 0.06), frame)
    for y in (0.0, tall * 0.65, tall):
        s.box((at, low + y - 0.03, 0.03), (wide + 0.06, 0.06, 0.06), frame)
    s.box((at, low - 0.06, 0.1), (wide + 0.2, 0.04, 0.22), frame)
    if rng.chance(0.6):
        curtain = cloth(rng)
        for x in (-1, 1):
            for fold in range(3):
                place = (
                    at + x * (wide / 2 + 0.02 + 0.11 * fold),
                    low - 0.5,
                    0.1 + 0.03 * (fold % 2),
                )
                s.add(CYLINDER, place, (0.13, tall + 0.7, 0.1), curtain)
        s.box((at, low + tall + 0.2, 0.12), (wide + 0.8, 0.03, 0.03), plain(STEEL))


def _furniture(s: Sketch, wide: float, tall_allowed: bool) -> float:
    """Draw one piece with its back at the wall z = 0 and return its height [m]."""
    rng = s.rng
    kinds = ("shelf", "cupboard", "plant", "boxes") if tall_allowed else ("desk", "plant", "boxes")
    kind = rng.choice((*kinds, "desk", "sofa", "low"))
    if kind == "shelf":
        height = rng.uniform(1.1, 2.1)
        furniture.bookshelf(s, wide, height)
        return height
    if kind == "cupboard":
        height = rng.uniform(1.2, 2.0)
        furniture.cupboard(s, wide, height)
        return height
    group = s.origin[0], s.origin[2], s.yaw
    if kind == "plant":
        furniture.plant(_inside(s, group, 0, 0.3))
        return 0.9
    if kind == "boxes":
        low = 0.0
        for _ in range(rng.randint(1, 3)):
            size = (rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.45), rng.uniform(0.3, 0.5))
            cardboard = Paint("sign", (rng.tinted((0.42, 0.28, 0.15)), DARK, DARK), 0.6)
            s.box((rng.uniform(-0.1, 0.1), low, 0.32), size, cardboard, yaw=rng.gauss(0, 0.2))
            low += size[1]
        return low
    if kind == "sofa":
        furniture.sofa(_inside(s, group, 0, 0.45))
        return 0.8
    if kind == "desk":
        furniture.table(_inside(s, group, 0, 0.32), wide, 0.6)
        furniture.chair(_inside(s, group, rng.uniform(-0.2, 0.2), 0.75, math.pi))
        height = 0.74
    else:
        furniture.cupboard(s, wide, 0.6)
        height = 0.6
    for i in range(rng.randint(2, 4)):
        x = (i / 4 - 0.375) * wide
        furniture.clutter(_inside(s, group, x, rng.uniform(0.12, 0.35), rng.uniform(0, 6), height))
    return height


def _inside(
    s: Sketch, group: tuple[float, float, float], x: float, z: float, yaw: float = 0.0,
    height: float = 0.0,
) -> Sketch:  # fmt: skip
    """Return a sketch placed inside a group (x, z, yaw)."""
    gx, gz, turn = group
    c, sn = math.cos(turn), math.sin(turn)
    return s.at(gx + c * x + sn * z, gz - sn * x + c * z, turn + yaw, height)


def _middle(s: Sketch, plan: Plan) -> None:
    """Draw a table with chairs, a rug and things on the floor where there is space."""
    rng = s.rng
    for _ in range(12):
        x, z = rng.uniform(-0.3, 0.3) * plan.wide, rng.uniform(-0.3, 0.3) * plan.long
        wide, long = rng.uniform(0.7, 1.0), rng.uniform(0.9, 1.6)
        if plan.take(x, z, max(wide, long) / 2 + 0.25):
            group = (x, z, rng.uniform(0, 3.1))
            furniture.table(_inside(s, group, 0, 0), wide, long, rng.choice((0.74, 0.74, 0.45)))
            for way, side in ((0, -1), (math.pi, 1)):
                if rng.chance(0.7):
                    furniture.chair(
                        _inside(s, group, 0, side * (long / 2 + 0.12), way + rng.gauss(0, 0.2))
                    )
            for i in range(rng.randint(2, 6)):
                place = ((i % 2 - 0.5) * 0.5 * wide, (i // 2 - 1) * 0.28 * long)
                furniture.clutter(_inside(s, group, *place, rng.uniform(0, 6), 0.74))
            break
    if rng.chance(0.6):
        pattern = rng.choice(("motif", "weave", "stripes"))
        rug = Paint(pattern, rng.palette(ROOMS, 0.4), rng.uniform(0.8, 2))
        size = (rng.uniform(1.2, 2.2), 0.012, rng.uniform(1.5, 2.8))
        x, z = rng.uniform(-0.2, 0.2) * plan.wide, rng.uniform(-0.2, 0.2) * plan.long
        s.add(BOX, (x, 0, z), size, rug, yaw=rng.gauss(0, 0.15), casts=False)
    for _ in range(rng.randint(3, 8)):
        x, z = rng.uniform(-0.45, 0.45) * plan.wide, rng.uniform(-0.45, 0.45) * plan.long
        if plan.take(x, z, 0.25):
            thing = rng.choice(
                (furniture.clutter, furniture.clutter, furniture.chair, furniture.plant)
            )
            thing(s.at(x, z, rng.uniform(0, 6.3)))


def _lamp(s: Sketch, plan: Plan) -> None:
    rng = s.rng
    drop = rng.uniform(0.1, 0.6)
    s.add(CYLINDER, (0, plan.height - drop, 0), (0.02, drop, 0.02), plain(DARK), casts=False)
    width, globe = rng.uniform(0.25, 0.5), plain(rng.tinted((1.6, 1.45, 1.2)), glow=1.0)
    place = (0, plan.height - drop - 0.6 * width, 0)
    s.add(ELLIPSOID, place, (width, 0.6 * width, width), globe, casts=False)


def _movers(
    s: Sketch, plan: Plan, place: tuple[float, float], towards: float, duration: float
) -> None:
    """Draw a person who crosses the view and a rolling ball; furniture leaves them the way."""
    rng = s.rng
    across = (math.cos(towards), -math.sin(towards))

    def crossing(far: float, fastest: float, longest: float) -> Sketch:
        """Return a sketch that is straight ahead at half time, `far` from the camera."""
        pace = rng.uniform(0.4, 1.0) * min(fastest, longest / max(duration, 0.1)) * rng.side()
        middle = place[0] + far * math.sin(towards), place[1] + far * math.cos(towards)
        for share in (-0.5, -0.25, 0.0, 0.25, 0.5):
            way = share * pace * duration
            plan.taken.append((middle[0] + way * across[0], middle[1] + way * across[1], 0.3))
        x, z = (m - pace * duration / 2 * a for m, a in zip(middle, across, strict=True))
        velocity = (pace * across[0], 0.0, pace * across[1])
        return s.at(x, z, math.atan2(velocity[0], velocity[2]), velocity=velocity)

    props.person(crossing(rng.uniform(1.4, 2.2), fastest=0.9, longest=2.0))
    size = rng.uniform(0.15, 0.35)
    ball = Paint("checker", rng.palette(ROOMS, 0.5), 0.4)
    crossing(rng.uniform(1.0, 2.4), 0.6, 1.0).ball((0, 0, 0), (size, size, size), ball)
