# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Homes, offices, corridors, stores and halls, seen from a hand or from a low robot."""

from __future__ import annotations

import math

from jasmine_core.synthetic import furnishing, furniture, props, tabletop
from jasmine_core.synthetic.camera_motion import Motion
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.furnishing import inside
from jasmine_core.synthetic.hand_held import held, viewpoint
from jasmine_core.synthetic.interior import Wall, shell, wall_paint
from jasmine_core.synthetic.interior_styles import PIECES, STYLES, USUAL, desk
from jasmine_core.synthetic.paint import DARK, GREY, ROOMS, WHITE, Paint, cloth, plain, wood
from jasmine_core.synthetic.room_plan import Plan
from jasmine_core.synthetic.solids import BOX, CYLINDER, ELLIPSOID, Sketch, Solids
from jasmine_core.synthetic.tabletop import smooth

Target = tuple[float, float, float]  # x, height, z of what is worth looking at [m]


def indoor(seed: int, config: WorldConfig) -> tuple[Solids, Motion]:
    """Return the interior of a seed and the motion of the camera in it."""
    rng = Rng(seed, "indoor")
    name = rng.choice(USUAL)
    style = STYLES[name]
    plan = Plan(rng.uniform(*style.wide), rng.uniform(*style.long), rng.uniform(*style.height))
    s, targets = Sketch(rng), list[Target]()
    holes = [1 if rng.chance(style.openings) else 0 for _ in range(4)]
    if name == "corridor":  # walls 1 and 3 are the long ones
        holes = [rng.randint(0, 1), rng.randint(0, 4), rng.randint(0, 1), rng.randint(0, 4)]
    walls = shell(s, plan, holes)
    full = rng.choice((rng.uniform(0.3, 0.8), rng.uniform(0.8, 1.0)))
    for wall in walls:
        _along(wall, plan, style.pieces, full, targets)
    _middle(s, plan, name, targets)
    _lamps(s, plan, name)
    view = viewpoint(Rng(seed, "viewpoint"), plan, targets)
    if config.moving_objects and rng.chance(0.4):
        _people(s, plan, view.place, view.heading, config.duration)
    return s.solids(), held(Rng(seed, "motion"), config, view)


def _along(
    wall: Wall, plan: Plan, names: tuple[str, ...], full: float, targets: list[Target]
) -> None:
    """Draw furniture along a wall, and posters above what is low."""
    s, rng, at = wall.sketch, wall.sketch.rng, -wall.long / 2 + 0.3
    c, sn = math.cos(s.yaw), math.sin(s.yaw)
    while at < wall.long / 2 - 0.6:
        piece = PIECES[rng.choice(names)]
        wide = rng.uniform(*piece.wide)
        middle = at + wide / 2
        if not rng.chance(full) or middle + wide / 2 > wall.long / 2 - 0.1:
            at += rng.uniform(0.3, 1.0)
            continue
        x, z = s.origin[0] + c * middle, s.origin[2] - sn * middle
        out = piece.deep / 2
        if wall.free(at, at + wide) and plan.take(
            x + sn * out, z + c * out, max(piece.deep, min(wide, 1.2)) / 2
        ):
            piece.draw(inside(s, middle, 0.01), wide)
            wall.used.append((at, at + wide))
            targets.append((x + sn * out, piece.look, z + c * out))
            if piece.look < 0.95 and rng.chance(0.6):
                size = rng.uniform(0.3, 0.9)
                poster = Paint("poster", rng.palette(ROOMS, 0.6), size, aligned=True)
                place = (middle, rng.uniform(1.3, 1.6), 0.015)
                s.box(place, (size, size * rng.uniform(0.7, 1.1), 0.03), poster)
        at += wide + rng.uniform(0.02, 0.4)


def _middle(s: Sketch, plan: Plan, name: str, targets: list[Target]) -> None:
    """Draw what stands away from the walls."""
    rng = s.rng
    if name == "hall":
        _hall(s, plan, targets)
    elif name == "store":
        _aisles(s, plan, targets)
    elif name == "office":
        for _ in range(rng.randint(0, 3)):
            _island(s, plan, targets)
    elif name in ("living", "kitchen", "bedroom"):
        _table(s, plan, targets)
    if name in ("living", "bedroom", "office") and rng.chance(0.5):
        rug = Paint(rng.choice(("motif", "weave", "stripes")), rng.palette(ROOMS, 0.4), 1.4)
        size = (rng.uniform(1.2, 2.4), 0.012, rng.uniform(1.5, 3.0))
        x, z = rng.uniform(-0.2, 0.2) * plan.wide, rng.uniform(-0.2, 0.2) * plan.long
        s.add(BOX, (x, 0, z), size, rug, yaw=rng.gauss(0, 0.15), casts=False)
    for _ in range(rng.choice((0, 3, 8))):
        x, z = rng.uniform(-0.45, 0.45) * plan.wide, rng.uniform(-0.45, 0.45) * plan.long
        if plan.take(x, z, 0.25):
            draw = rng.choice(
                (tabletop.crate, tabletop.toy, furniture.chair, furnishing.house_plant)
            )
            draw(s.at(x, z, rng.uniform(0, 6.3)))


def _table(s: Sketch, plan: Plan, targets: list[Target]) -> None:
    """Draw a table with chairs and things on it where there is space."""
    rng = s.rng
    for _ in range(8):
        x, z = rng.uniform(-0.35, 0.35) * plan.wide, rng.uniform(-0.35, 0.35) * plan.long
        wide, long, height = rng.uniform(0.6, 1.0), rng.uniform(0.8, 1.8), rng.choice((0.74, 0.45))
        if not plan.take(x, z, max(wide, long) / 2 + 0.2):
            continue
        here = s.at(x, z, rng.uniform(0, 3.1))
        if rng.chance(0.3):
            top = smooth(rng.one_of((WHITE, DARK, *ROOMS)))
            here.add(CYLINDER, (0, height - 0.03, 0), (1.2 * wide, 0.03, 1.2 * wide), top)
            here.pole((0, 0, 0), height - 0.03, 0.08, top)
            long = wide
        else:
            furniture.table(here, wide, long, height)
        for way, side in ((0.0, -1), (math.pi, 1)):
            if height > 0.6 and rng.chance(0.7):
                place = side * (long / 2 + rng.uniform(0.05, 0.35))
                furniture.chair(inside(here, 0, place, way + rng.gauss(0, 0.3)))
        for i in range(rng.randint(2, 9)):
            place_x = (i % 2 - 0.5) * rng.uniform(0.3, 0.6) * wide
            place_z = (i / 9 - 0.45) * 0.8 * long
            tabletop.thing(inside(here, place_x, place_z, rng.uniform(0, 6), height))
        targets.extend([(x, height, z)] * 2)
        return


def _island(s: Sketch, plan: Plan, targets: list[Target]) -> None:
    """Draw desks back to back, with a screen between them."""
    rng = s.rng
    x, z = rng.uniform(-0.3, 0.3) * plan.wide, rng.uniform(-0.3, 0.3) * plan.long
    wide = rng.uniform(1.2, 1.7)
    if not plan.take(x, z, 1.35):
        return
    here = s.at(x, z, rng.choice((0.0, math.pi / 2)) + rng.gauss(0, 0.05))
    for yaw in (0.0, math.pi):
        desk(inside(here, 0.0, 0.0, yaw), wide)
    if rng.chance(0.5):
        here.box((0, 0.4, 0), (wide, rng.uniform(0.7, 1.1), 0.04), cloth(rng))
    targets.extend([(x, 0.85, z)] * 2)


def _aisles(s: Sketch, plan: Plan, targets: list[Target]) -> None:
    """Draw rows of shelves with aisles between them."""
    rng = s.rng
    tall, gap = rng.uniform(1.4, 2.3), rng.uniform(1.2, 2.4)
    x = -plan.wide / 2 + 1.6
    books = rng.chance(0.4)
    while x < plan.wide / 2 - 1.4:
        z = -plan.long / 2 + rng.uniform(1.2, 2.0)
        while z < plan.long / 2 - 2.0:
            wide = rng.uniform(1.0, 1.4)
            if plan.take(x, z + wide / 2, 0.5):
                for yaw in (-math.pi / 2, math.pi / 2):
                    row = s.at(x, z + wide / 2, yaw)
                    if books:
                        furniture.bookshelf(row, wide, tall)
                    else:
                        furnishing.rack(row, wide, tall)
                targets.append((x, 1.0, z))
            z += wide + rng.choice((0.0, 0.0, 0.0, 1.2))
        x += gap + 0.9


def _hall(s: Sketch, plan: Plan, targets: list[Target]) -> None:
    """Draw pillars, racks, pallets and tables in a hall."""
    rng, paint = s.rng, wall_paint(s.rng)
    if rng.chance(0.6):
        wide, step = rng.uniform(0.3, 0.6), rng.uniform(3.5, 6)
        for i in range(-2, 3):
            for side in (-1, 1):
                x, z = side * plan.wide * 0.22, i * step
                if abs(z) < plan.long / 2 - 1 and plan.take(x, z, wide):
                    s.box((x, 0, z), (wide, plan.height, wide), paint)
    for _ in range(rng.randint(6, 26)):
        x, z = rng.uniform(-0.44, 0.44) * plan.wide, rng.uniform(-0.44, 0.44) * plan.long
        if not plan.take(x, z, 0.95):
            continue
        yaw = rng.choice((0.0, math.pi / 2)) + rng.gauss(0, 0.1)
        kind = rng.randint(0, 4)
        if kind == 0:
            furnishing.rack(inside(s.at(x, z, yaw), 0.0, -0.4), rng.uniform(1.2, 2.4), 2.2)
        elif kind == 1:
            furniture.table(s.at(x, z, yaw), 0.8, 1.5, 0.85)
            tabletop.thing(s.at(x, z, yaw, 0.85))
        elif kind == 2:
            size = rng.uniform(0.6, 1.2)
            s.at(x, z, yaw).box((0, 0, 0), (size, rng.uniform(0.5, 1.6), size), wood(rng))
        else:
            furnishing.pallet(s.at(x, z, yaw))
        targets.append((x, 0.7, z))


def _lamps(s: Sketch, plan: Plan, name: str) -> None:
    """Draw lamps at the ceiling."""
    rng = s.rng
    globe = plain(rng.tinted((1.6, 1.45, 1.2)), glow=1.0)
    if name in ("living", "bedroom", "kitchen") or rng.chance(0.2):
        drop, wide = rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.5)
        rod = (0.0, plan.height - drop, 0.0)
        s.add(CYLINDER, rod, (0.02, drop, 0.02), smooth(GREY), casts=False)
        low = plan.height - drop - 0.6 * wide
        s.add(ELLIPSOID, (0, low, 0), (wide, 0.6 * wide, wide), globe, casts=False)
        return
    size = rng.choice(((0.6, 0.6), (0.2, 1.2), (1.2, 0.3)))
    step = rng.uniform(2.2, 3.5)
    for i in range(-4, 5):
        for x in (-plan.wide / 4, plan.wide / 4) if plan.wide > 3.5 else (0.0,):
            if abs(i * step) < plan.long / 2 - 0.7:
                place = (x, plan.height - 0.03, i * step)
                s.add(BOX, place, (size[0], 0.03, size[1]), globe, casts=False)


def _people(
    s: Sketch, plan: Plan, place: tuple[float, float], heading: float, duration: float
) -> None:
    """Draw one or two people who walk through the room."""
    rng = s.rng
    for _ in range(rng.choice((1, 1, 2))):
        away = rng.uniform(1.3, min(6.0, 0.6 * plan.long))
        angle = heading + rng.gauss(0, 0.35)
        x, z = place[0] + away * math.sin(angle), place[1] + away * math.cos(angle)
        if abs(x) > plan.wide / 2 - 0.4 or abs(z) > plan.long / 2 - 0.4:
            continue
        yaw, pace = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 1.2)
        velocity = (pace * math.sin(yaw), 0.0, pace * math.cos(yaw))
        start = (x - velocity[0] * duration / 2, z - velocity[2] * duration / 2)
        props.person(s.at(*start, yaw, velocity=velocity))
