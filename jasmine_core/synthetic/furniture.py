# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Furniture and what stands on it, drawn at the origin of the sketch and facing its +z."""

from __future__ import annotations

from jasmine_core.synthetic.paint import (
    CLOTHES,
    GREY,
    STEEL,
    WHITE,
    Paint,
    cloth,
    foliage,
    plain,
    wood,
)
from jasmine_core.synthetic.solids import TAPER, Sketch


def table(s: Sketch, wide: float, long: float, height: float = 0.74) -> None:
    """Draw a table."""
    paint = wood(s.rng)
    s.box((0, height - 0.04, 0), (wide, 0.04, long), paint)
    for x in (-1, 1):
        for z in (-1, 1):
            s.box(
                (x * (wide / 2 - 0.06), 0, z * (long / 2 - 0.06)),
                (0.06, height - 0.04, 0.06),
                paint,
            )


def chair(s: Sketch) -> None:
    """Draw a chair that looks to +z."""
    paint, seat = wood(s.rng), cloth(s.rng) if s.rng.chance(0.5) else wood(s.rng)
    for x in (-0.18, 0.18):
        s.box((x, 0, 0.18), (0.04, 0.45, 0.04), paint)
        s.box((x, 0, -0.18), (0.04, 0.92, 0.04), paint)
    s.box((0, 0.44, 0), (0.42, 0.05, 0.42), seat)
    s.box((0, 0.62, -0.18), (0.36, 0.26, 0.03), seat)


def clutter(s: Sketch) -> None:
    """Draw one small thing such as stands on a table: box, mug, ball, lamp, bottle or pile."""
    rng = s.rng
    kind = rng.randint(0, 5)
    pattern = rng.choice(("motif", "stripes", "poster", "sign"))
    paint = Paint(pattern, rng.palette(CLOTHES, 0.4), 0.35)
    if kind == 0:
        size = rng.uniform(0.08, 0.3), rng.uniform(0.08, 0.3), rng.uniform(0.08, 0.3)
        s.box((0, 0, 0), size, paint, yaw=rng.uniform(0, 3))
    elif kind == 1:
        s.pole((0, 0, 0), rng.uniform(0.08, 0.2), rng.uniform(0.07, 0.16), paint)
    elif kind == 2:
        width = rng.uniform(0.1, 0.24)
        s.ball((0, 0, 0), (width, width, width), paint)
    elif kind == 3:
        s.pole((0, 0, 0), 0.3, 0.03, plain(STEEL))
        shade = plain(rng.tinted((0.9, 0.8, 0.6)), "weave", glow=0.6)
        s.add(TAPER, (0, 0.28, 0), (0.28, 0.2, 0.28), shade, taper=(0.4, 0.4))
    elif kind == 4:
        s.pole((0, 0, 0), 0.2, 0.08, paint)
        s.pole((0, 0.2, 0), 0.08, 0.03, paint)
    else:
        for level in range(rng.randint(2, 5)):
            spine = plain(rng.one_of(CLOTHES, 0.4), "sign", 0.3)
            s.box((0, 0.035 * level, 0), (0.16, 0.034, 0.23), spine, yaw=rng.gauss(0, 0.2))


def plant(s: Sketch) -> None:
    """Draw a pot plant."""
    rng = s.rng
    s.add(
        TAPER, (0, 0, 0), (0.34, 0.32, 0.34), plain(rng.one_of(((0.4, 0.15, 0.07), WHITE, GREY))),
        taper=(-0.3, -0.3),
    )  # fmt: skip
    paint, height = foliage(rng, 0.6), rng.uniform(0.4, 1.0)
    s.pole((0, 0.3, 0), 0.5 * height, 0.04, wood(rng))
    for _ in range(5):
        x, z = (rng.uniform(-0.2, 0.2) for _ in range(2))
        size = rng.uniform(0.2, 0.4)
        s.add(3, (x, 0.25 + height * rng.uniform(0.2, 1), z), (size, size * 0.6, size * 0.7), paint)


def bookshelf(s: Sketch, wide: float, height: float) -> None:
    """Draw shelves with books; the back is at z = 0 and the front at z = 0.3."""
    paint, deep = wood(s.rng), 0.3
    count = max(2, round(height / 0.38))
    for x in (-1, 1):
        s.box((x * (wide / 2 - 0.015), 0, deep / 2), (0.03, height, deep), paint)
    s.box((0, 0, 0.01), (wide, height, 0.02), paint)
    for level in range(count + 1):
        low = level * (height - 0.03) / count
        s.box((0, low, deep / 2), (wide, 0.03, deep), paint)
        if level < count and s.rng.chance(0.85):
            books = Paint("books", s.rng.palette(CLOTHES, 0.5), 0.76)
            filled = wide * s.rng.uniform(0.4, 0.94)
            place = (s.rng.uniform(-1, 1) * (0.94 * wide - filled) / 2, low + 0.03, 0.13)
            s.box(place, (filled, s.rng.uniform(0.2, 0.3), 0.22), books)
            if filled < 0.6 * wide:
                s.box((-place[0], low + 0.03, 0.14), (0.12, 0.18, 0.12), cloth(s.rng))


def sofa(s: Sketch) -> None:
    """Draw a sofa that looks to +z."""
    paint, wide = cloth(s.rng), s.rng.uniform(1.4, 2.1)
    s.box((0, 0.05, 0), (wide, 0.35, 0.8), paint)
    s.box((0, 0.35, -0.32), (wide, 0.45, 0.2), paint, pitch=0.15)
    for x in (-1, 1):
        s.box((x * (wide / 2 - 0.08), 0.05, 0), (0.18, 0.55, 0.8), paint)
        s.ball((x * wide * 0.25, 0.38, -0.1), (0.45, 0.38, 0.22), cloth(s.rng))


def cupboard(s: Sketch, wide: float, height: float) -> None:
    """Draw a cupboard with two doors; the back is at z = 0."""
    paint = wood(s.rng) if s.rng.chance(0.6) else plain(s.rng.tinted(WHITE), "planks", 1.8)
    s.box((0, 0, 0.22), (wide, height, 0.44), paint)
    for x in (-1, 1):
        door = (wide / 2 - 0.03, height - 0.12, 0.02)
        s.box((x * wide / 4, 0.08, 0.45), door, paint)
        s.ball((x * 0.06, height / 2, 0.47), (0.04, 0.04, 0.04), plain(STEEL))
