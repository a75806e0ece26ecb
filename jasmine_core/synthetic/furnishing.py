# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Furniture of offices, kitchens, bedrooms and stores; backs at z = 0, fronts towards +z."""

from __future__ import annotations

import math

from jasmine_core.synthetic import tabletop
from jasmine_core.synthetic.paint import (
    DARK,
    GREY,
    ROOMS,
    STEEL,
    STONE,
    WHITE,
    WOODS,
    Paint,
    cloth,
    foliage,
    paved,
    plain,
    wood,
)
from jasmine_core.synthetic.solids import CYLINDER, ELLIPSOID, TAPER, Sketch
from jasmine_core.synthetic.tabletop import any_paint, smooth
from jasmine_core.synthetic.trees import branch


def inside(s: Sketch, x: float, z: float, yaw: float = 0.0, height: float = 0.0) -> Sketch:
    """Return a sketch whose origin lies at (x, height, z) of another's."""
    c, sn = math.cos(s.yaw), math.sin(s.yaw)
    place = (s.origin[0] + c * x + sn * z, s.origin[2] - sn * x + c * z)
    return s.at(*place, s.yaw + yaw, s.origin[1] + height, s.velocity)


def things_on(
    s: Sketch, wide: float, deep: float, height: float, count: int, facing: float = 0.0
) -> None:
    """Put things on a surface that is `wide` and reaches from z = 0 to `deep`."""
    rng = s.rng
    for i in range(count):
        x = ((i + rng.uniform(0.2, 0.8)) / count - 0.5) * (wide - 0.15)
        z = rng.uniform(0.2, 0.8) * deep
        tabletop.thing(inside(s, x, z, facing + rng.gauss(0, 0.5), height))


def desk(s: Sketch, wide: float) -> None:
    """Draw a desk with screens, things on it and drawers below."""
    rng, height = s.rng, s.rng.uniform(0.7, 0.78)
    top = rng.choice((wood(rng), smooth(rng.tinted(WHITE)), smooth(GREY)))
    deep, leg = rng.uniform(0.6, 0.85), smooth(rng.choice((DARK, STEEL, WHITE)))
    s.box((0, height - 0.03, deep / 2), (wide, 0.03, deep), top)
    for x in (-1.0, 1.0):
        for z in (0.06, deep - 0.06):
            s.box((x * (wide / 2 - 0.05), 0, z), (0.05, height - 0.03, 0.05), leg)
    if rng.chance(0.6):
        s.box((wide / 2 - 0.3, 0.05, deep / 2), (0.4, height - 0.15, deep - 0.1), top)
    count = rng.choice((0, 1, 1, 2)) if wide > 1.1 else rng.choice((0, 1))
    for i in range(count):
        x = (i - (count - 1) / 2) * 0.68 + rng.gauss(0, 0.05)
        tabletop.screen(inside(s, x, 0.22, rng.gauss(0, 0.15), height))
    things_on(s, wide, deep, height, rng.randint(2, 9))


def office_chair(s: Sketch) -> None:
    """Draw a swivel chair that looks to +z."""
    rng = s.rng
    paint, dark = rng.choice((cloth(rng), smooth(DARK))), smooth(DARK)
    for i in range(5):
        angle = i * 2 * math.pi / 5
        s.box(
            (0.14 * math.sin(angle), 0.04, 0.14 * math.cos(angle)),
            (0.05, 0.04, 0.3),
            dark,
            yaw=angle,
        )
    s.pole((0, 0.05, 0), 0.4, 0.06, smooth(STEEL))
    s.box((0, 0.44, 0), (0.48, 0.08, 0.46), paint)
    s.box((0, 0.6, -0.22), (0.44, rng.uniform(0.4, 0.65), 0.07), paint, pitch=0.1)
    for x in (-0.27, 0.27):
        s.box((x, 0.64, 0), (0.06, 0.03, 0.28), dark)
        s.box((x, 0.44, 0), (0.03, 0.2, 0.04), dark)


def board(s: Sketch, wide: float) -> None:
    """Draw a white board, a notice board or a large poster on the wall."""
    rng, tall, low = s.rng, s.rng.uniform(0.7, 1.2), s.rng.uniform(0.8, 1.1)
    paint = rng.choice(
        (
            smooth(WHITE, 0.1), Paint("sign", (WHITE, (0.1, 0.1, 0.4), DARK), wide, aligned=True),
            Paint("poster", rng.palette(ROOMS, 0.6), wide, aligned=True),
            Paint("sign", ((0.4, 0.26, 0.13), WHITE, DARK), 0.7),
        )
    )  # fmt: skip
    s.box((0, low, 0.02), (wide, tall, 0.04), paint)


def counter(s: Sketch, long: float) -> None:
    """Draw a kitchen row: cupboards, worktop, wall cabinets, appliances, things."""
    rng = s.rng
    front = smooth(rng.one_of((WHITE, GREY, *ROOMS))) if rng.chance(0.6) else wood(rng)
    top = paved(rng, rng.choice(("concrete", "plaster")), (*STONE, DARK), 1.5)
    s.box((0, 0.1, 0.29), (long, 0.76, 0.58), front)
    s.box((0, 0.86, 0.31), (long + 0.02, 0.04, 0.63), top if rng.chance(0.6) else wood(rng))
    gap = smooth(DARK)
    doors = max(1, round(long / 0.6))
    for i in range(doors + 1):
        x = -long / 2 + i * long / doors
        s.box((x, 0.1, 0.581), (0.012, 0.76, 0.004), gap)
        if i < doors:
            s.box((x + 0.3 * long / doors, 0.74, 0.6), (0.16, 0.02, 0.03), smooth(STEEL))
    if rng.chance(0.75):
        low, tall = rng.uniform(1.35, 1.5), rng.uniform(0.5, 0.8)
        s.box((0, low, 0.17), (long, tall, 0.34), front)
        for i in range(doors + 1):
            s.box((-long / 2 + i * long / doors, low, 0.342), (0.012, tall, 0.004), gap)
    if rng.chance(0.7):
        x = rng.uniform(-0.3, 0.3) * long
        s.box((x, 0.905, 0.32), (0.55, 0.006, 0.5), smooth(DARK, 0.5))  # a stove
        s.box((x, 0.3, 0.585), (0.5, 0.4, 0.012), smooth(DARK, 0.5))
        if rng.chance(0.6):
            s.pole((x - 0.13, 0.91, 0.42), rng.uniform(0.08, 0.2), 0.22, smooth(STEEL))
    if rng.chance(0.6):
        x = rng.uniform(-0.4, 0.4) * long
        s.pole((x, 0.9, 0.1), 0.25, 0.03, smooth(STEEL))
        s.box((x, 1.13, 0.18), (0.03, 0.03, 0.18), smooth(STEEL))
    things_on(s, long, 0.5, 0.9, rng.randint(2, max(3, int(3 * long))))


def fridge(s: Sketch) -> None:
    """Draw a fridge, a washing machine or a vending machine."""
    rng = s.rng
    tall = rng.choice((0.85, 1.5, 1.8, 2.0))
    paint = smooth(rng.one_of((WHITE, WHITE, STEEL, DARK, (0.4, 0.05, 0.04))), 0.1)
    s.box((0, 0.03, 0.32), (0.62, tall - 0.03, 0.62), paint)
    s.box((0, tall * 0.6, 0.631), (0.6, 0.01, 0.004), smooth(DARK))
    if tall < 1:
        s.add(CYLINDER, (0, 0.25, 0.63), (0.36, 0.04, 0.36), smooth(DARK, 0.5), pitch=math.pi / 2)
    else:
        s.box((0.25, tall * 0.4, 0.65), (0.03, 0.5, 0.03), smooth(STEEL))


def bed(s: Sketch, wide: float) -> None:
    """Draw a bed whose head is at the wall."""
    rng, long = s.rng, s.rng.uniform(1.9, 2.1)
    s.box((0, 0, long / 2), (wide, 0.3, long), wood(rng))
    s.box((0, 0.3, long / 2), (wide - 0.04, 0.2, long - 0.04), plain(WHITE, "weave"))
    cover = cloth(rng) if rng.chance(0.7) else smooth(rng.one_of(ROOMS))
    s.box((0, 0.46, long * 0.62), (wide + 0.04, 0.1, long * 0.7), cover)
    s.box((0, 0.2, 0.03), (wide, rng.uniform(0.6, 1.1), 0.06), wood(rng))
    for x in (-0.25, 0.25) if wide > 1.2 else (0.0,):
        s.ball((x * wide, 0.46, 0.32), (0.55, 0.2, 0.4), cloth(rng))


def drawers(s: Sketch) -> None:
    """Draw a chest of drawers with things on it."""
    rng = s.rng
    wide, tall = rng.uniform(0.45, 1.1), rng.uniform(0.5, 1.1)
    paint = wood(rng) if rng.chance(0.6) else smooth(rng.tinted(WHITE))
    s.box((0, 0, 0.22), (wide, tall, 0.44), paint)
    count = max(2, round(tall / 0.22))
    for i in range(count):
        low = 0.05 + i * (tall - 0.05) / count
        s.box((0, low, 0.445), (wide - 0.04, (tall - 0.05) / count - 0.02, 0.015), paint)
        s.box((0, low + 0.09, 0.46), (0.14, 0.02, 0.02), smooth(STEEL))
    things_on(s, wide, 0.44, tall, rng.randint(1, 4))


def rack(s: Sketch, wide: float, tall: float) -> None:
    """Draw open shelves with boxes and things, 0.5 m deep, as in stores and workshops."""
    rng, deep = s.rng, s.rng.uniform(0.4, 0.9)
    metal = smooth(rng.one_of((STEEL, GREY, (0.05, 0.1, 0.4), (0.6, 0.25, 0.02))))
    for x in (-1.0, 1.0):
        for z in (0.03, deep - 0.03):
            s.box((x * (wide / 2 - 0.03), 0, z), (0.05, tall, 0.05), metal)
    levels = max(2, round(tall / rng.uniform(0.45, 0.9)))
    step = (tall - 0.1) / levels
    carton = plain(rng.tinted((0.42, 0.28, 0.15)), "sign", 0.6)
    for level in range(levels + 1):
        low = 0.08 + level * step
        s.box((0, low, deep / 2), (wide, 0.03, deep), metal)
        x = -wide / 2 + 0.05
        while x < wide / 2 - 0.15 and level < levels:
            size = rng.uniform(0.15, 0.6)
            if rng.chance(0.75) and x + size < wide / 2:
                place = (x + size / 2, low + 0.03, deep / 2)
                high = step * rng.uniform(0.3, 0.85)
                s.box(
                    place,
                    (size, high, deep * rng.uniform(0.5, 0.95)),
                    rng.choice((carton, any_paint(rng))),
                )
            x += size + rng.uniform(0.02, 0.2)


def pallet(s: Sketch) -> None:
    """Draw a pallet with a load."""
    rng, boards = s.rng, wood(s.rng, span=0.8)
    s.box((0, 0.1, 0), (1.2, 0.04, 0.8), boards)
    for x in (-0.5, 0.0, 0.5):
        s.box((x, 0, 0), (0.12, 0.1, 0.8), boards)
    if rng.chance(0.8):
        load = rng.choice((plain((0.42, 0.28, 0.15), "sign", 0.5), any_paint(rng)))
        s.box((0, 0.14, 0), (1.1, rng.uniform(0.3, 1.5), 0.75), load)


def stairs(s: Sketch, wide: float, count: int) -> None:
    """Draw steps that rise from z = 0 towards -z, with a hand rail."""
    rng = s.rng
    paint = rng.choice((wood(rng), plain(rng.one_of(STONE), "concrete"), cloth(rng)))
    edge = smooth(rng.one_of(WOODS))
    for i in range(count):
        s.box((0, 0, -0.28 * (i + 0.5)), (wide, 0.175 * (i + 1), 0.28), paint)
        s.box((0, 0.175 * (i + 1) - 0.03, -0.28 * i + 0.01), (wide, 0.035, 0.04), edge)
    length = math.hypot(0.28, 0.175) * count
    slope = math.atan2(0.175, 0.28)
    rail = (-wide / 2 + 0.05, 0.0875 * count + 0.9 - 0.03, -0.14 * count)
    s.box(rail, (0.05, 0.05, length), wood(rng), pitch=-slope)
    for i in range(0, count, 2):
        s.pole((rail[0], 0.175 * i, -0.28 * (i + 0.5)), 0.95, 0.03, smooth(STEEL))


def bathroom(s: Sketch) -> None:
    """Draw a toilet, or a wash basin with its mirror."""
    rng, china = s.rng, smooth(WHITE, 0.1)
    if rng.chance(0.5):
        s.box((0, 0.35, 0.1), (0.38, 0.42, 0.18), china)
        s.add(CYLINDER, (0, 0.0, 0.4), (0.26, 0.38, 0.36), china)
        s.add(CYLINDER, (0, 0.38, 0.42), (0.38, 0.05, 0.46), china)
        return
    s.pole((0, 0, 0.22), 0.7, 0.16, china)
    s.box((0, 0.7, 0.24), (0.6, 0.16, 0.46), china)
    s.box((0, 0.86, 0.06), (0.03, 0.14, 0.03), smooth(STEEL))
    s.box((0, 1.15, 0.02), (0.6, 0.8, 0.02), Paint("pane", (GREY, GREY, GREY), 1.0, gloss=1.0))


def radiator(s: Sketch, wide: float) -> None:
    """Draw a radiator with its pipe."""
    paint = smooth(s.rng.tinted(WHITE))
    s.box((0, 0.12, 0.07), (wide, 0.55, 0.03), paint)
    for i in range(int(wide / 0.12)):
        s.box((-wide / 2 + 0.06 + 0.12 * i, 0.12, 0.1), (0.06, 0.55, 0.04), paint)
    s.pole((wide / 2 + 0.05, 0, 0.07), 0.3, 0.025, paint)


def wall_shelf(s: Sketch, wide: float) -> None:
    """Draw one to three boards on the wall with things on them, often above a low cupboard."""
    rng = s.rng
    paint = wood(rng) if rng.chance(0.6) else smooth(rng.one_of((WHITE, DARK)))
    for i in range(rng.randint(1, 3)):
        low = 1.0 + 0.38 * i
        s.box((0, low, 0.12), (wide, 0.025, 0.24), paint)
        things_on(s, wide, 0.24, low + 0.025, rng.randint(1, 5))
    if rng.chance(0.6):
        s.box((0, 0, 0.2), (wide, rng.uniform(0.4, 0.8), 0.4), paint)


def coats(s: Sketch, wide: float) -> None:
    """Draw coats on hooks, and shoes below them."""
    rng = s.rng
    s.box((0, 1.65, 0.015), (wide, 0.1, 0.03), wood(rng))
    for i in range(int(wide / 0.22)):
        x = -wide / 2 + 0.12 + 0.22 * i
        if rng.chance(0.7):
            tall = rng.uniform(0.5, 1.1)
            size = (rng.uniform(0.2, 0.36), tall, rng.uniform(0.1, 0.22))
            s.add(TAPER, (x, 1.66 - tall, 0.13), size, cloth(rng), taper=(0.55, 0.4))
        if rng.chance(0.4):
            s.ball((x, 0, 0.2), (0.1, 0.1, 0.28), smooth(rng.choice((DARK, GREY, WHITE))))


def house_plant(s: Sketch) -> None:
    """Draw a plant in a pot: stems that end in leaves."""
    rng = s.rng
    wide = rng.uniform(0.2, 0.36)
    s.add(TAPER, (0, 0, 0), (wide, wide, wide), any_paint(rng), taper=(-0.25, -0.25))
    leaf, stem = foliage(rng, 0.5), smooth((0.12, 0.14, 0.05))
    tall = rng.uniform(0.3, 1.3)
    for _ in range(rng.randint(5, 11)):
        angle, lean = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.9)
        length = tall * rng.uniform(0.5, 1.0)
        end = branch(s, (0, 0.9 * wide, 0), angle, lean, length, 0.015, stem)
        size = rng.uniform(0.1, 0.3)
        place = (end[0], end[1] - 0.1 * size, end[2])
        s.add(ELLIPSOID, place, (0.4 * size, 0.2 * size, size), leaf, yaw=angle, pitch=-lean / 2)
