# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Things made of a few solids each, drawn at the origin of the sketch and facing its +z."""

from __future__ import annotations

import math

from jasmine_core.synthetic.paint import (
    CARS,
    CLOTHES,
    DARK,
    GLASS,
    GREY,
    STEEL,
    WHITE,
    WOODS,
    Paint,
    cloth,
    foliage,
    plain,
)
from jasmine_core.synthetic.solids import CYLINDER, TAPER, Sketch


def wheel(s: Sketch, x: float, z: float, radius: float) -> None:
    """Draw a tyre and its hub; the axle lies along x."""
    for r, wide, colour in ((radius, 0.22, (0.02, 0.02, 0.02)), (0.6 * radius, 0.25, STEEL)):
        s.add(
            CYLINDER, (x, radius - wide / 2, z), (2 * r, wide, 2 * r), plain(colour, span=0.5),
            roll=math.pi / 2,
        )  # fmt: skip


def car(s: Sketch, detailed: bool = True) -> None:
    """Draw a saloon, an estate or a van; without details that cannot be seen from afar."""
    rng = s.rng
    colour = rng.one_of(CARS)
    body = Paint("pane", (colour, colour, colour), 3.0, gloss=0.25)
    pane = Paint("pane", (GLASS, GLASS, GLASS), 3.0, gloss=0.9)
    van = rng.chance(0.15)
    wide = rng.uniform(1.68, 1.85) + 0.15 * van
    long = rng.uniform(3.7, 4.7) + 0.7 * van
    belt, tall = (1.05, 1.0) if van else (rng.uniform(0.8, 0.92), rng.uniform(0.48, 0.62))
    estate = rng.chance(0.5)
    s.add(TAPER, (0, 0.27, 0), (wide, belt - 0.27, long), body, taper=(0.05, 0.05))
    s.box((0, 0.0 if not detailed else 0.2, 0), (0.94 * wide, 0.24, 1.01 * long), plain(DARK))
    cabin, back = (
        long * (0.78 if van else 0.66 if estate else 0.56),
        -long * (0.1 if estate else 0.06),
    )
    slant = (0.2, 0.18) if van else (0.28, 0.35 if estate else 0.5)
    s.add(TAPER, (0, belt, back), (0.93 * wide, tall, cabin), pane, taper=slant)
    # Roof and pillars follow the cabin a little outside of it.
    s.add(
        TAPER, (0, belt + tall - 0.03, back),
        (0.93 * wide * (1 - slant[0]) + 0.04, 0.07, cabin * (1 - slant[1]) + 0.06), body,
        taper=(0.06, 0.06),
    )  # fmt: skip
    if not detailed:
        s.box((0, belt - 0.28, -long / 2), (0.9 * wide, 0.14, 0.09), plain((0.3, 0.02, 0.02)))
        return
    for z in (0.0, 0.28 * (1 - slant[1]) * cabin * 1.7, -0.28 * (1 - slant[1]) * cabin * 1.7):
        s.add(
            TAPER, (0, belt, back + z), (0.93 * wide + 0.02, tall, 0.09), body, taper=(slant[0], 0)
        )
    if van:
        s.add(
            TAPER, (0, belt, back - 0.18 * cabin), (0.945 * wide, tall - 0.05, 0.6 * cabin), body,
            taper=(slant[0], 0.0),
        )  # fmt: skip
    radius = rng.uniform(0.29, 0.34)
    for x in (-1, 1):
        for z in (-0.3, 0.31):
            wheel(s, x * (wide / 2 - 0.1), z * long, radius)
        for end, lamp in ((1, (0.9, 0.9, 0.8)), (-1, (0.45, 0.01, 0.01))):
            s.box(
                (x * wide * 0.37, belt - 0.28, end * (long / 2 - 0.04)), (0.3, 0.14, 0.09),
                plain(lamp, glow=0.4),
            )  # fmt: skip
    for end in (-1, 1):
        plate = Paint("sign", (WHITE, DARK, DARK), 0.5)
        s.box((0, 0.42, end * (long / 2)), (0.5, 0.12, 0.04), plate)


def tree(s: Sketch, height: float, detailed: bool = True) -> None:
    """Draw a broad-leaved tree or a conifer; without details with a crown of fewer balls."""
    rng = s.rng
    bark = Paint("bark", (rng.tinted((0.16, 0.11, 0.07)), DARK, DARK), 0.8)
    paint = foliage(rng, rng.uniform(1.5, 3.0))
    trunk = height * rng.uniform(0.35, 0.5)
    s.pole((0, 0, 0), trunk + 0.2 * height, 0.035 * height + rng.uniform(0.0, 0.12), bark)
    if rng.chance(0.2):
        for level in range(4):
            wide = height * (0.42 - 0.085 * level)
            s.add(
                TAPER, (0, height * (0.12 + 0.2 * level), 0), (wide, 0.36 * height, wide), paint,
                yaw=rng.random(), taper=(0.97, 0.97),
            )  # fmt: skip
        return
    crown = height - trunk
    s.ball((0, trunk, 0), (crown * 0.9, crown, crown * 0.9), paint)
    for i in range(rng.randint(4, 6) if detailed else 2):
        angle, size = 2.4 * i + rng.uniform(-0.5, 0.5), crown * rng.uniform(0.5, 0.75)
        out, low = crown * rng.uniform(0.25, 0.42), trunk + crown * rng.uniform(-0.08, 0.5)
        place = (out * math.cos(angle), low, out * math.sin(angle))
        s.ball(place, (size, size * rng.uniform(0.7, 1.0), size), paint)


def bush(s: Sketch) -> None:
    """Draw a bush of three balls."""
    paint, size = foliage(s.rng, 1.5), s.rng.uniform(0.6, 1.6)
    for _ in range(3):
        x, z = (size * s.rng.uniform(-0.4, 0.4) for _ in range(2))
        s.ball((x, -0.2 * size, z), (size, size * s.rng.uniform(0.7, 1.1), size), paint)


def street_lamp(s: Sketch, towards: float) -> None:
    """Draw a lamp post whose arm points to +x or -x."""
    metal, height = plain(s.rng.one_of((STEEL, DARK, GREY)), "concrete"), s.rng.uniform(4.5, 8.0)
    s.pole((0, 0, 0), height, 0.14, metal)
    s.box((towards * 0.6, height - 0.1, 0), (1.3, 0.08, 0.08), metal)
    s.box((towards * 1.2, height - 0.16, 0), (0.6, 0.12, 0.22), plain(WHITE, glow=0.3))


def traffic_sign(s: Sketch) -> None:
    """Draw a post with a round or a square board that faces -z."""
    rng, height = s.rng, s.rng.uniform(2.0, 2.6)
    s.pole((0, 0, 0), height + 0.3, 0.07, plain(STEEL))
    colour = rng.one_of(((0.5, 0.03, 0.03), (0.03, 0.08, 0.4), (0.6, 0.45, 0.02), (0.7, 0.7, 0.7)))
    paint = Paint("sign", (colour, WHITE if sum(colour) < 1.5 else DARK, DARK), 0.7, aligned=True)
    if rng.chance(0.5):
        s.add(CYLINDER, (0, height, -0.06), (0.65, 0.04, 0.65), paint, pitch=math.pi / 2)
    else:
        s.box((0, height - 0.3, -0.06), (rng.uniform(0.5, 1.0), rng.uniform(0.4, 0.8), 0.04), paint)


def bin_or_box(s: Sketch) -> None:
    """Draw a dustbin, a switch box or a bollard."""
    rng = s.rng
    colour = rng.one_of(((0.05, 0.2, 0.08), (0.3, 0.3, 0.28), (0.5, 0.35, 0.03), (0.1, 0.1, 0.3)))
    kind = rng.randint(0, 2)
    if kind == 0:
        s.add(
            TAPER, (0, 0, 0), (0.6, 1.0, 0.7), plain(colour, "shutter", 1.0), taper=(-0.15, -0.15)
        )
        s.box((0, 1.0, 0), (0.72, 0.08, 0.82), plain(colour))
    elif kind == 1:
        s.box((0, 0, 0), (0.5, 1.2, 0.9), Paint("poster", (colour, WHITE, DARK), 1.2, aligned=True))
    else:
        s.pole((0, 0, 0), 0.9, 0.16, plain(colour, "stripes", 0.6))


def person(s: Sketch) -> None:
    """Draw a standing or walking person."""
    rng, height = s.rng, s.rng.uniform(1.5, 1.9)
    coat, legs, skin = cloth(rng), plain(rng.one_of(CLOTHES)), rng.uniform(0.1, 0.5)
    face, step = plain((skin, 0.68 * skin, 0.5 * skin)), rng.uniform(0.05, 0.25)
    for x, lean in ((-0.09, step), (0.09, -step)):
        s.add(CYLINDER, (x, 0, 0.4 * lean), (0.15, 0.5 * height, 0.15), legs, pitch=lean)
        s.add(
            CYLINDER,
            (2.5 * x, 0.46 * height, -0.3 * lean),
            (0.1, 0.36 * height, 0.1),
            coat,
            pitch=-lean,
        )
    s.add(TAPER, (0, 0.46 * height, 0), (0.36, 0.38 * height, 0.24), coat, taper=(-0.25, -0.1))
    s.ball((0, 0.85 * height, 0), (0.17, 0.15 * height, 0.2), face)
    s.ball(
        (0, 0.9 * height, -0.03), (0.19, 0.1 * height, 0.21), plain(rng.one_of((DARK, WOODS[2])))
    )
