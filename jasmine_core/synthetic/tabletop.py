# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small things that stand or lie on tables, desks, counters and shelves."""

from __future__ import annotations

import math

from jasmine_core.synthetic import furniture
from jasmine_core.synthetic.config import Colour, Rng
from jasmine_core.synthetic.paint import (
    CARS,
    CLOTHES,
    DARK,
    GREY,
    ROOMS,
    STEEL,
    WHITE,
    Paint,
    cloth,
    foliage,
    plain,
    wood,
)
from jasmine_core.synthetic.solids import CYLINDER, ELLIPSOID, TAPER, Sketch

BRIGHT: tuple[Colour, ...] = (*CLOTHES, *CARS, (0.7, 0.25, 0.02), (0.75, 0.6, 0.05), WHITE)


def smooth(colour: Colour, gloss: float = 0.0) -> Paint:
    """Return a clean paint without texture, as of plastic, china or a painted wall."""
    return Paint("pane", (colour, colour, colour), 1.0, gloss=gloss)


def any_paint(rng: Rng) -> Paint:
    """Return the paint of a thing that may be plain or printed."""
    colour = rng.one_of(BRIGHT, 0.3)
    if rng.chance(0.5):
        return smooth(colour, rng.choice((0.0, 0.15)))
    pattern = rng.choice(("motif", "stripes", "poster", "sign", "checker", "weave"))
    return Paint(pattern, (colour, *rng.palette(BRIGHT, 0.3)[:2]), rng.uniform(0.15, 0.5))


def mug(s: Sketch) -> None:
    """Draw a mug with its handle."""
    paint, tall, wide = any_paint(s.rng), s.rng.uniform(0.08, 0.12), s.rng.uniform(0.07, 0.1)
    s.pole((0, 0, 0), tall, wide, paint)
    s.add(CYLINDER, (0, tall - 0.004, 0), (0.8 * wide, 0.006, 0.8 * wide), smooth(DARK))
    for low in (0.2, 0.65):
        s.box((wide / 2 + 0.015, low * tall, 0), (0.035, 0.012, 0.015), paint)
    s.box((wide / 2 + 0.03, 0.2 * tall, 0), (0.012, 0.55 * tall, 0.015), paint)


def bottle(s: Sketch) -> None:
    """Draw a bottle, a jar or a can."""
    rng = s.rng
    tall, wide, paint = rng.uniform(0.1, 0.26), rng.uniform(0.055, 0.1), any_paint(rng)
    s.pole((0, 0, 0), tall, wide, paint)
    if tall > 0.16:
        s.add(TAPER, (0, tall, 0), (0.9 * wide, 0.05, 0.9 * wide), paint, taper=(0.65, 0.65))
        s.pole((0, tall + 0.05, 0), 0.05, 0.35 * wide, smooth(rng.one_of(BRIGHT)))


def bowl(s: Sketch) -> None:
    """Draw a bowl or a plate, sometimes with fruit."""
    rng = s.rng
    wide = rng.uniform(0.16, 0.32)
    rim = rng.choice((0.025, 0.08))
    s.add(TAPER, (0, 0, 0), (0.7 * wide, rim, 0.7 * wide), any_paint(rng), taper=(-0.4, -0.4))
    if rng.chance(0.5):
        for i in range(rng.randint(1, 5)):
            size = rng.uniform(0.06, 0.09)
            angle = 2.4 * i
            place = (0.06 * math.cos(angle), rim * 0.8, 0.06 * math.sin(angle))
            s.ball(place, (size, size, size), smooth(rng.one_of(BRIGHT), 0.05))


def screen(s: Sketch) -> None:
    """Draw a monitor that faces +z, with keyboard and mouse in front of it."""
    rng = s.rng
    wide = rng.uniform(0.45, 0.7)
    tall, low = wide * rng.uniform(0.56, 0.7), rng.uniform(0.08, 0.16)
    s.box((0, 0, -0.02), (0.24, 0.02, 0.18), smooth(DARK))
    s.box((0, 0, -0.03), (0.06, low + 0.1, 0.03), smooth(DARK))
    s.box((0, low, 0), (wide, tall, 0.045), smooth(rng.choice((DARK, GREY))))
    shown = rng.choice((DARK, DARK, WHITE, (0.1, 0.2, 0.5)))
    display = Paint(
        rng.choice(("sign", "poster", "pane")), (shown, *rng.palette(ROOMS)[:2]), wide,
        glow=rng.choice((0.0, 0.7)), gloss=0.2,
    )  # fmt: skip
    s.box((0, low + 0.02, 0.024), (wide - 0.04, tall - 0.04, 0.004), display)
    keys = Paint("checker", (DARK, (0.08, 0.08, 0.08), GREY), 0.11)
    s.box((rng.gauss(0, 0.04), 0, 0.26), (0.43, 0.02, 0.14), keys, yaw=rng.gauss(0, 0.08))
    s.ball((0.33, 0, 0.26), (0.06, 0.035, 0.1), smooth(rng.choice((DARK, WHITE))))


def laptop(s: Sketch) -> None:
    """Draw an open laptop that faces +z."""
    rng = s.rng
    wide, deep = rng.uniform(0.3, 0.38), rng.uniform(0.2, 0.26)
    case = smooth(rng.choice((STEEL, DARK, GREY)), 0.1)
    s.box((0, 0, deep / 2), (wide, 0.018, deep), case)
    keys = Paint("checker", (DARK, (0.1, 0.1, 0.1), GREY), 0.1)
    s.box((0, 0.018, deep * 0.42), (wide - 0.04, 0.003, deep * 0.45), keys)
    lean = rng.uniform(0.1, 0.45)
    s.box((0, 0.01, -0.05), (wide, deep, 0.012), case, pitch=lean)
    display = Paint("poster", rng.palette(ROOMS, 0.5), wide, glow=0.6)
    s.box((0, 0.025, -0.038), (wide - 0.03, deep - 0.03, 0.006), display, pitch=lean)


def lamp(s: Sketch) -> None:
    """Draw a desk lamp."""
    rng = s.rng
    tall = rng.uniform(0.25, 0.45)
    s.pole((0, 0, 0), 0.02, 0.16, smooth(DARK))
    s.pole((0, 0, 0), tall, 0.02, smooth(STEEL))
    shade = plain(rng.tinted((0.9, 0.8, 0.6)), "weave", glow=rng.choice((0.0, 0.6)))
    width = rng.uniform(0.16, 0.3)
    s.add(TAPER, (0, tall - 0.03, 0), (width, 0.18, width), shade, taper=(0.4, 0.4))


def papers(s: Sketch) -> None:
    """Draw loose sheets or an open book."""
    rng = s.rng
    for i in range(rng.randint(1, 4)):
        text = Paint("sign", (WHITE, DARK, DARK), 0.28, aligned=True)
        place = (rng.gauss(0, 0.06), 0.002 * i, rng.gauss(0, 0.05))
        s.box(place, (0.21, 0.003, 0.297), text, yaw=rng.gauss(0, 0.4))


def books(s: Sketch) -> None:
    """Draw a pile of books or a row of them that stand."""
    rng = s.rng
    if rng.chance(0.5):
        low = 0.0
        for _ in range(rng.randint(2, 6)):
            thick = rng.uniform(0.015, 0.05)
            s.box((0, low, 0), (0.17, thick, 0.24), any_paint(rng), yaw=rng.gauss(0, 0.2))
            low += thick
        return
    x = -0.12
    for _ in range(rng.randint(3, 8)):
        thick, tall = rng.uniform(0.015, 0.045), rng.uniform(0.18, 0.3)
        s.box((x + thick / 2, 0, 0), (thick, tall, 0.18), any_paint(rng))
        x += thick


def toy(s: Sketch) -> None:
    """Draw a stuffed animal."""
    rng = s.rng
    size, fur = rng.uniform(0.12, 0.3), cloth(rng)
    s.ball((0, 0, 0), (size, 1.1 * size, 0.8 * size), fur)
    s.ball((0, size, 0.02), (0.75 * size, 0.7 * size, 0.7 * size), fur)
    for x in (-1, 1):
        s.ball((x * 0.28 * size, 1.5 * size, 0), (0.3 * size, 0.3 * size, 0.15 * size), fur)
        s.ball((x * 0.35 * size, 0, 0.4 * size), (0.3 * size, 0.3 * size, 0.6 * size), fur)
        s.ball(
            (x * 0.55 * size, 0.5 * size, 0.1 * size), (0.25 * size, 0.5 * size, 0.3 * size), fur
        )
    s.ball((0, 1.15 * size, 0.32 * size), (0.3 * size, 0.22 * size, 0.2 * size), smooth(DARK))


def head(s: Sketch) -> None:
    """Draw a mannequin's head or a bust."""
    rng = s.rng
    skin = plain(rng.one_of(((0.6, 0.45, 0.36), (0.35, 0.2, 0.13), WHITE, GREY)), "plaster", 0.6)
    s.pole((0, 0, 0), 0.14, 0.12, skin)
    s.ball((0, 0.1, 0), (0.16, 0.24, 0.2), skin)
    s.ball((0, 0.19, 0.09), (0.03, 0.05, 0.05), skin)
    if rng.chance(0.6):
        s.ball((0, 0.2, -0.03), (0.18, 0.16, 0.2), cloth(rng))


def pot(s: Sketch) -> None:
    """Draw a small pot plant or a vase of flowers."""
    rng = s.rng
    wide = rng.uniform(0.08, 0.16)
    s.add(TAPER, (0, 0, 0), (wide, wide, wide), any_paint(rng), taper=(-0.25, -0.25))
    leaf = foliage(rng, 0.3)
    for _ in range(rng.randint(3, 7)):
        x, z = (rng.gauss(0, 0.6 * wide) for _ in range(2))
        size = rng.uniform(0.05, 0.14)
        place = (x, wide * rng.uniform(1.0, 2.2), z)
        s.add(ELLIPSOID, place, (size, 0.6 * size, 0.8 * size), leaf, yaw=rng.uniform(0, 3))


def crate(s: Sketch) -> None:
    """Draw a box of any size between a matchbox's and a parcel's."""
    rng = s.rng
    size = tuple(math.exp(rng.uniform(math.log(0.05), math.log(0.35))) for _ in range(3))
    paint = any_paint(rng) if rng.chance(0.7) else wood(rng, span=0.4)
    s.box((0, 0, 0), (size[0], size[1], size[2]), paint, yaw=rng.uniform(0, 3))


THINGS = (
    mug, mug, bottle, bottle, bowl, lamp, papers, papers, books, books, toy, head, pot, crate,
    crate, crate, laptop, furniture.clutter,
)  # fmt: skip


def thing(s: Sketch) -> None:
    """Draw any small thing."""
    s.rng.choice(THINGS)(s)
