# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shell of a building around one main room: walls with openings, doors, rooms behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from jasmine_core.synthetic import furniture, props
from jasmine_core.synthetic.config import Rng
from jasmine_core.synthetic.furnishing import drawers, house_plant, inside
from jasmine_core.synthetic.paint import (
    DARK,
    GREY,
    ROOMS,
    STEEL,
    WHITE,
    WOODS,
    Paint,
    paved,
    plain,
    wood,
)
from jasmine_core.synthetic.room_plan import Plan
from jasmine_core.synthetic.solids import BOX, Sketch
from jasmine_core.synthetic.tabletop import smooth

THICK = 0.16  # of walls [m]
DOOR = 2.05  # height of a door [m]


@dataclass(frozen=True)
class Opening:
    """Hole in a wall that reaches down to the floor."""

    at: float  # middle, along the wall [m]
    wide: float
    tall: float
    behind: tuple[float, float]  # stretch of the wall that the room behind may take [m]


@dataclass
class Wall:
    """One side of the main room."""

    sketch: Sketch  # at the middle of the wall, z towards the room
    long: float
    openings: list[Opening] = field(default_factory=list)
    used: list[tuple[float, float]] = field(default_factory=list)  # stretches that are taken

    def free(self, start: float, end: float) -> bool:
        """Return whether nothing stands or opens between two places along the wall [m]."""
        return all(end < a or b < start for a, b in self.used)


def wall_paint(rng: Rng) -> Paint:
    """Return the paint of a wall; half of the walls have no texture at all."""
    colour = rng.one_of((*ROOMS, WHITE, WHITE), 0.2)
    if rng.chance(0.5):
        return smooth(colour)
    pattern = rng.choice(
        ("plaster", "plaster", "motif", "stripes", "bricks", "tiles", "planks", "weave", "concrete")
    )
    a, b, c = (0.6 * u + 0.4 * v for u, v in zip(colour, rng.one_of(ROOMS, 0.2), strict=True))
    return Paint(pattern, (colour, (a, b, c), rng.one_of(ROOMS)), rng.uniform(1, 2.5))


def floor_paint(rng: Rng) -> Paint:
    """Return the paint of a floor."""
    pattern = rng.choice(
        ("parquet", "planks", "checker", "tiles", "weave", "slabs", "concrete", "pane")
    )
    if pattern in ("parquet", "planks"):
        return wood(rng, pattern, rng.uniform(1.2, 2.4))
    base = rng.one_of((*ROOMS, GREY), 0.3)
    if pattern == "pane":
        return smooth(base, rng.choice((0.0, 0.15)))
    return paved(rng, pattern, (base,), rng.uniform(1.2, 3.0))


def flat(s: Sketch, wide: float, long: float, height: float, walls: Paint) -> None:
    """Draw the floor and the ceiling of a room around the origin of the sketch."""
    rng = s.rng
    s.add(BOX, (0, -THICK, 0), (wide, THICK, long), floor_paint(rng), casts=False)
    white = rng.choice((smooth(rng.tinted(WHITE)), plain(rng.tinted(WHITE), "plaster")))
    panels = Paint("tiles", (WHITE, GREY, (0.5, 0.5, 0.5)), rng.choice((2.4, 4.8)))
    ceiling = rng.choice((white, white, panels, walls))
    s.add(BOX, (0, height, 0), (wide, THICK, long), ceiling, casts=False)


def build(wall: Wall, height: float, paint: Paint) -> None:
    """Draw a wall around its openings, with skirting."""
    s, edge = wall.sketch, -wall.long / 2
    skirting = smooth(s.rng.one_of((WHITE, *WOODS))) if s.rng.chance(0.7) else None

    def piece(start: float, end: float) -> None:
        middle, wide = (start + end) / 2, end - start
        s.add(BOX, (middle, 0, -THICK / 2), (wide, height, THICK), paint, casts=False)
        if skirting:
            s.add(BOX, (middle, 0, 0.008), (wide, 0.09, 0.016), skirting, casts=False)

    for hole in sorted(wall.openings, key=lambda opening: opening.at):
        piece(edge, hole.at - hole.wide / 2)
        place = (hole.at, hole.tall, -THICK / 2)
        s.add(BOX, place, (hole.wide, height - hole.tall, THICK), paint, casts=False)
        edge = hole.at + hole.wide / 2
    piece(edge, wall.long / 2)


def doorway(wall: Wall, opening: Opening) -> None:
    """Draw the frame of an opening, and often a door that stands open."""
    s, rng = wall.sketch, wall.sketch.rng
    frame = smooth(rng.one_of((WHITE, GREY, *WOODS)))
    for side in (-1, 1):
        x = opening.at + side * (opening.wide / 2 - 0.03)
        s.add(BOX, (x, 0, -THICK / 2), (0.06, opening.tall, THICK + 0.03), frame, casts=False)
    top = (opening.at, opening.tall - 0.06, -THICK / 2)
    s.add(BOX, top, (opening.wide, 0.06, THICK + 0.03), frame, casts=False)
    if opening.wide < 1.3 and rng.chance(0.7):
        side, angle = rng.side(), rng.uniform(0.9, 1.6)
        hinge = inside(s, opening.at + side * (opening.wide / 2 - 0.05), -THICK)
        leaf = inside(hinge, 0.0, 0.0, -side * angle)
        paint = wood(rng, span=1.8) if rng.chance(0.5) else smooth(rng.one_of((WHITE, *ROOMS)))
        wide = opening.wide - 0.12
        leaf.box((-side * wide / 2, 0.01, 0), (wide, opening.tall - 0.08, 0.04), paint)
        leaf.ball((-side * (wide - 0.07), 1.0, 0), (0.06, 0.05, 0.14), smooth(STEEL))


def closed_door(s: Sketch, at: float) -> None:
    """Draw a closed door in a wall."""
    rng, wide = s.rng, s.rng.uniform(0.8, 1.0)
    frame = smooth(rng.one_of((WHITE, GREY, *WOODS)))
    s.box((at, 0, 0.01), (wide + 0.14, DOOR + 0.07, 0.04), frame)
    leaf = rng.choice((wood(rng, span=1.8), smooth(rng.one_of((WHITE, *ROOMS)))))
    s.box((at, 0, 0.025), (wide, DOOR, 0.05), leaf)
    s.ball((at + 0.38 * wide, 1.0, 0.08), (0.1, 0.04, 0.06), smooth(STEEL))
    if rng.chance(0.4):
        s.box((at, 1.5, 0.055), (0.16, 0.1, 0.01), Paint("sign", (WHITE, DARK, DARK), 0.16))


def room_behind(wall: Wall, opening: Opening, height: float) -> None:
    """Draw the room or corridor that is seen through an opening, behind its stretch of the wall."""
    s, rng = wall.sketch, wall.sketch.rng
    deep = rng.choice((rng.uniform(1.4, 2.2), rng.uniform(2.5, 6), rng.uniform(5, 14)))
    reach = opening.wide / 2
    left = max(opening.behind[0] + THICK, opening.at - reach - rng.uniform(0.2, 3))
    right = min(opening.behind[1] - THICK, opening.at + reach + rng.uniform(0.2, 3))
    wide, middle = right - left, (left + right) / 2
    here = inside(s, middle, -THICK - deep / 2)
    paint = wall_paint(rng)
    flat(here, wide + 2 * THICK, deep + 2 * THICK, height, paint)
    far = (0.0, 0.0, -deep / 2 - THICK / 2)
    here.add(BOX, far, (wide + 2 * THICK, height, THICK), paint, casts=False)
    for side in (-1, 1):
        place = (side * (wide / 2 + THICK / 2), 0, 0)
        here.add(BOX, place, (THICK, height, deep), paint, casts=False)
    back = inside(here, 0.0, -deep / 2)
    for _ in range(rng.randint(1, 3)):
        kind, x = rng.randint(0, 5), rng.uniform(-0.4, 0.4) * max(wide - 0.6, 0.0)
        if kind == 0 and wide > 1.2:
            furniture.bookshelf(inside(back, x, 0.02), min(1.0, wide - 0.3), rng.uniform(1.2, 2.1))
        elif kind == 1:
            drawers(inside(back, x, 0.02))
        elif kind == 2:
            house_plant(inside(back, x, 0.35))
        elif kind == 3 and wide > 1.1:
            closed_door(back, x)
        elif kind == 4:
            size = rng.uniform(0.4, 0.9)
            poster = Paint("poster", rng.palette(ROOMS, 0.6), size, aligned=True)
            back.box((x, 1.2, 0.015), (size, size, 0.03), poster)
        elif deep > 2.5 and wide > 1.5:
            furniture.table(inside(here, x, 0.0), 0.9, 1.2)
    if rng.chance(0.15) and deep > 2:
        props.person(inside(here, rng.uniform(-0.3, 0.3) * wide, 0.0, rng.uniform(0, 6)))
    shine = plain((1.3, 1.25, 1.1), glow=1.0)
    here.add(BOX, (0, height - 0.04, 0), (0.5, 0.04, 0.5), shine, casts=False)


def shell(s: Sketch, plan: Plan, holes: Sequence[int]) -> list[Wall]:
    """Draw floor, ceiling and walls of the main room.

    Args:
        s: sketch of the scene, whose origin is the middle of the room.
        plan: size of the room; openings take what is before them.
        holes: number of openings to draw in each of the four walls.
    """
    rng = s.rng
    common = wall_paint(rng)
    flat(s, plan.wide + 2 * THICK, plan.long + 2 * THICK, plan.height, common)
    walls = []
    for number in range(4):
        x, z, yaw, long = plan.wall(number)
        wall = Wall(s.at(x, z, yaw), long)
        for i in range(holes[number]):
            part = long / holes[number]
            start = -long / 2 + i * part
            wide = rng.choice((0.9, 0.9, 1.0, rng.uniform(1.3, 2.4)))
            space = part - wide - 2 * THICK - 0.2
            if space < 0:
                continue
            at = start + part / 2 + rng.uniform(-0.5, 0.5) * space
            tall = DOOR if wide < 1.3 else rng.uniform(DOOR, plan.height)
            tall = min(tall, plan.height - 0.05)
            wall.openings.append(Opening(at, wide, tall, (start, start + part)))
            wall.used.append((at - wide / 2 - 0.1, at + wide / 2 + 0.1))
            plan.taken.append((x + at * math.cos(yaw), z - at * math.sin(yaw), wide / 2 + 0.3))
        for opening in wall.openings:
            room_behind(wall, opening, plan.height)
            doorway(wall, opening)
        build(wall, plan.height, wall_paint(rng) if rng.chance(0.25) else common)
        walls.append(wall)
    return walls
