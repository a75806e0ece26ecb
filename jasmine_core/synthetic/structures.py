# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Structures at a road: bridges over it, underpasses, sign gantries, noise walls, fences."""

from __future__ import annotations

from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.cross_section import Section
from jasmine_core.synthetic.paint import (
    CARS,
    DARK,
    STEEL,
    STONE,
    WALLS,
    WHITE,
    WOODS,
    Paint,
    paved,
    plain,
    wood,
)


def bridge(s: BentSketch, section: Section, z: float) -> None:
    """Draw a bridge across the road: deck, parapets, piers, and slopes or walls at its ends."""
    rng, (left, right) = s.rng, section.half
    low, thick = rng.uniform(4.6, 6.0), rng.uniform(0.9, 1.6)
    deep = rng.choice((rng.uniform(5, 14), rng.uniform(14, 40)))
    if rng.chance(0.35):  # for people on foot
        thick, deep = rng.uniform(0.35, 0.8), rng.uniform(2.0, 3.5)
    stone = paved(rng, rng.choice(("concrete", "concrete", "stones", "bricks")), STONE, 3.0)
    here = s.at(0.0, z)
    reach = max(left, right) + rng.uniform(2.0, 9.0)
    # The deck's long side is across the road; boxes that are longer along it would follow it.
    here.box((0, low, 0), (2 * reach + 60, thick, deep), stone)
    for end in (-1, 1):
        rail = rng.choice((stone, plain(rng.one_of((STEEL, DARK)), "shutter", 1.0)))
        place = (0, low + thick, end * (deep / 2 - 0.15))
        here.box(place, (2 * reach + 60, rng.uniform(0.9, 1.3), 0.2), rail)
    if section.median > 1.2:
        here.box((0, 0, 0), (0.8, low + 0.1, deep * 0.8), stone)
    closed = rng.chance(0.5)
    for side in (-1, 1):
        if closed:  # an underpass between walls
            here.box((side * (reach + 8), -0.3, 0), (16, low + 0.4, deep), stone)
        else:
            for i in range(2):
                pier = (side * (reach - 0.5), 0, (i - 0.5) * deep * 0.6)
                here.pole(pier, low + 0.1, 0.9, stone)
            grass = Paint("grass", ((0.1, 0.15, 0.04), (0.2, 0.18, 0.08), DARK), 6.0)
            here.box((side * (reach + 22), -0.3, 0), (36, low + 0.35, deep), grass)


def gantry(s: BentSketch, section: Section, z: float) -> None:
    """Draw direction boards on a beam over the road."""
    rng, (left, right) = s.rng, section.half
    steel, here, high = plain(STEEL, "concrete", 2.0), s.at(0.0, z), rng.uniform(5.2, 6.2)
    for x in (-left - 1.2, right + 1.2):
        here.box((x, 0, 0), (0.35, high + 0.4, 0.35), steel)
    here.box(((right - left) / 2, high, 0), (left + right + 2.8, 0.4, 0.3), steel)
    colour = rng.choice(((0.02, 0.06, 0.35), (0.02, 0.2, 0.08), (0.02, 0.02, 0.02)))
    side = section.hand
    for lane in range(section.lanes[0]):
        if rng.chance(0.7):
            x, wide = section.middle(lane), section.wide * rng.uniform(0.6, 0.95)
            board = Paint("sign", (colour, WHITE, WHITE), wide, aligned=True)
            here.box((x, high - 0.9, -0.25), (wide, rng.uniform(1.2, 2.2), 0.12), board)
    if rng.chance(0.4):
        here.box((-side * left / 2, high - 0.6, -0.25), (2.0, 1.2, 0.12), plain(DARK))


def noise_wall(s: BentSketch, x: float, z: tuple[float, float]) -> None:
    """Draw a noise wall or a retaining wall along the road."""
    rng = s.rng
    pattern = rng.choice(("planks", "shutter", "concrete", "bricks", "stones"))
    base = rng.one_of((*WALLS, *WOODS, (0.1, 0.2, 0.1)))
    tall = rng.uniform(1.8, 5.5)
    s.box((x, 0, sum(z) / 2), (0.3, tall, z[1] - z[0]), paved(rng, pattern, (base,), 3.0))
    post, at = plain(rng.one_of((STEEL, DARK, base)), "concrete"), z[0]
    while at < min(z[1], z[0] + 120):
        s.box((x, 0, at), (0.4, tall + 0.15, 0.25), post)
        at += 6.0


def fence(s: BentSketch, x: float, z: tuple[float, float]) -> None:
    """Draw posts with two or three rails, as around pastures."""
    rng = s.rng
    boards = wood(rng) if rng.chance(0.6) else plain(rng.one_of((WHITE, STEEL, *CARS)))
    step, tall = rng.uniform(2.2, 4.0), rng.uniform(0.9, 1.5)
    for level in (0.4, 0.85)[: rng.randint(1, 2)]:
        s.box((x, level * tall, sum(z) / 2), (0.05, 0.11, z[1] - z[0]), boards)
    at = z[0]
    while at < min(z[1], 90.0):
        s.box((x, 0, at), (0.11, tall, 0.11), boards)
        at += step


def structures(s: BentSketch, section: Section, way: float) -> None:
    """Draw such structures where they belong to the road."""
    rng = s.rng
    if rng.chance(0.3 if section.style == "motorway" else 0.12):
        for _ in range(rng.choice((1, 1, 2))):
            bridge(s, section, way + rng.uniform(14, 220))
    if section.style in ("motorway", "avenue") and rng.chance(0.3):
        gantry(s, section, way + rng.uniform(12, 180))
    if section.built:
        return
    for side, half in zip((-1, 1), section.half, strict=True):
        z0 = rng.choice((-24.0, rng.uniform(5, 80)))
        if rng.chance(0.14):
            x = side * (half + rng.uniform(1.5, 5))
            noise_wall(s, x, (z0, z0 + rng.uniform(30, 250)))
        elif rng.chance(0.2 if section.style != "motorway" else 0.05):
            x = side * (half + rng.uniform(1.5, 6))
            fence(s, x, (z0, z0 + rng.uniform(30, 200)))
