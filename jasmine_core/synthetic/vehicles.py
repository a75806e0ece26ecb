# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Vehicles beside the cars of props.py: trucks, buses, vans, off-road cars, bicycles, motorcycles.

All are drawn at the origin of the sketch and face its +z.
"""

from __future__ import annotations

import math

from jasmine_core.synthetic import props
from jasmine_core.synthetic.config import Colour
from jasmine_core.synthetic.paint import (
    CARS,
    CLOTHES,
    DARK,
    GLASS,
    STEEL,
    WHITE,
    Paint,
    cloth,
    plain,
)
from jasmine_core.synthetic.solids import CYLINDER, TAPER, Sketch

PANE = Paint("pane", (GLASS, GLASS, GLASS), 3.0, gloss=0.9)


def enamel(colour: Colour) -> Paint:
    """Return the paint of bodywork."""
    return Paint("pane", (colour, colour, colour), 3.0, gloss=0.25)


def lamps(s: Sketch, wide: float, front: float, back: float, height: float) -> None:
    """Draw head lamps and tail lamps."""
    for x in (-1, 1):
        place = x * (wide / 2 - 0.25)
        s.box((place, height, front - 0.02), (0.3, 0.16, 0.08), plain((0.9, 0.9, 0.8), glow=0.4))
        s.box((place, height, back + 0.02), (0.22, 0.3, 0.08), plain((0.45, 0.01, 0.01), glow=0.4))


def axles(s: Sketch, wide: float, places: tuple[float, ...], radius: float) -> None:
    """Draw a pair of wheels at each place along the vehicle."""
    for z in places:
        for x in (-1, 1):
            props.wheel(s, x * (wide / 2 - 0.13), z, radius)


def truck(s: Sketch, detailed: bool = True) -> None:
    """Draw a lorry or a semi-trailer: cab, load, chassis."""
    rng = s.rng
    long = rng.choice((rng.uniform(6.5, 9.5), rng.uniform(13.5, 16.5)))
    wide, cab, tall = 2.5, rng.uniform(1.8, 2.4), rng.uniform(3.3, 4.0)
    front, back = long / 2, -long / 2
    body = enamel(rng.one_of(CARS))
    kind = rng.choice(("box", "box", "curtain", "tank", "flat"))
    s.add(TAPER, (0, 0.5, front - cab / 2), (wide, 2.5, cab), body, taper=(0.04, 0.12))
    s.box((0, 1.75, front - 0.12 - 0.05), (wide - 0.3, 0.95, 0.25), PANE)
    for x in (-1, 1):
        s.box((x * (wide / 2 - 0.03), 1.75, front - 0.9), (0.12, 0.8, 0.8), PANE)
    s.box((0, 0.55, -cab / 2), (wide * 0.5, 0.45, long - 0.4), plain(DARK))
    start = front - cab - 0.3
    length, middle = start - back, (start + back) / 2
    if kind == "tank":
        size = (2.3, length, 2.1)
        s.add(CYLINDER, (0, 2.15 - length / 2, middle), size, enamel(STEEL), pitch=math.pi / 2)
    elif kind == "flat":
        s.box((0, 1.0, middle), (wide, 0.3, length), plain(STEEL, "planks"))
        for i in range(rng.randint(1, 4)):
            load = plain(rng.one_of((*CLOTHES, STEEL)), rng.choice(("planks", "concrete")))
            at = start - (i + 0.5) * length / 4
            s.box((0, 1.3, at), (2.1, rng.uniform(0.4, 1.7), length / 4.5), load)
    else:
        colour = rng.one_of((*CARS, WHITE, WHITE))
        pattern = rng.choice(("pane", "sign", "poster", "stripes"))
        ink = rng.one_of(CLOTHES)
        side = Paint("shutter" if kind == "curtain" else pattern, (colour, ink, colour), 3.6)
        s.box((0, 1.05, middle), (wide, tall - 1.05, length), side)
        s.box((0, 1.1, back - 0.01), (wide - 0.1, tall - 1.2, 0.04), enamel(colour))
    lamps(s, wide, front, back, 0.75)
    if detailed:
        rear = (back + 1.2, back + 2.5, back + 3.8) if long > 12 else (back + 1.8,)
        axles(s, wide, (front - 1.1, *rear), 0.48)
        s.box((0, 0.4, back), (wide - 0.2, 0.12, 0.1), plain(STEEL))
    else:
        s.box((0, 0.0, 0), (wide - 0.3, 0.6, 0.9 * long), plain(DARK))


def bus(s: Sketch, detailed: bool = True) -> None:
    """Draw a bus or a coach with a band of windows."""
    rng = s.rng
    wide, long, tall = 2.55, rng.uniform(9.5, 13), rng.uniform(2.9, 3.6)
    body, belt = enamel(rng.one_of(CARS)), rng.uniform(1.1, 1.5)
    s.box((0, 0.35, 0), (wide, belt - 0.35, long), body)
    s.box((0, belt, 0), (wide - 0.04, tall - belt - 0.35, long - 0.04), PANE)
    s.box((0, tall - 0.4, 0), (wide, 0.4, long), body)
    at = -long / 2
    while at < long / 2 + 0.1 and detailed:
        s.box((0, belt, min(at, long / 2 - 0.06)), (wide + 0.01, tall - belt - 0.3, 0.12), body)
        at += 1.5
    place = (0, tall - 0.38, long / 2)
    s.box(place, (1.6, 0.28, 0.05), Paint("sign", (DARK, (0.9, 0.6, 0.1), DARK), 1.6, glow=0.3))
    lamps(s, wide, long / 2, -long / 2, 0.7)
    axles(s, wide, (long / 2 - 2.6, -long / 2 + 3.0), 0.48)


def van(s: Sketch, detailed: bool = True) -> None:
    """Draw a delivery van with a sloping front."""
    rng = s.rng
    wide, long, tall = rng.uniform(1.9, 2.05), rng.uniform(5.0, 6.6), rng.uniform(2.0, 2.7)
    colour = rng.one_of((*CARS, WHITE, WHITE, WHITE))
    body, front, back = enamel(colour), long / 2, -long / 2
    load = long - 2.2
    pattern = rng.choice(("pane", "pane", "sign", "poster"))
    side = Paint(pattern, (colour, rng.one_of(CLOTHES), colour), 2.4)
    s.box((0, 0.35, back + load / 2), (wide, tall - 0.35, load), side)
    s.add(TAPER, (0, 0.3, front - 1.1), (wide, 0.95, 2.2), body, taper=(0.03, 0.04))
    s.add(TAPER, (0, 1.2, front - 1.45), (wide - 0.06, tall - 1.3, 1.6), PANE, taper=(0.1, 0.7))
    s.box((0, tall - 0.12, front - 1.9), (wide - 0.2, 0.1, 0.8), body)
    for x in (-1, 1):
        window = (0.42 * wide, 0.65, 0.03)
        s.box((x * 0.23 * wide, tall * 0.58, back), window, PANE)
    s.box((0, 0.2, 0), (wide * 0.95, 0.2, long), plain(DARK))
    lamps(s, wide, front, back, 0.8)
    if detailed:
        axles(s, wide, (front - 1.0, back + 1.1), 0.35)


def offroader(s: Sketch, detailed: bool = True) -> None:
    """Draw a tall car: hatchback, off-roader or pick-up, with a bonnet below the windows."""
    rng = s.rng
    wide, long, tall = rng.uniform(1.75, 1.98), rng.uniform(3.6, 4.9), rng.uniform(1.5, 1.85)
    body = enamel(rng.one_of(CARS))
    belt, bonnet, clear = 0.6 * tall, rng.uniform(0.9, 1.2), rng.uniform(0.2, 0.32)
    front, back = long / 2, -long / 2
    pickup = rng.chance(0.2)
    cabin = long - bonnet - (1.5 if pickup else 0.05)
    middle = front - bonnet - cabin / 2
    s.add(TAPER, (0, clear, 0), (wide, belt - clear - 0.08, long), body, taper=(0.03, 0.03))
    s.add(
        TAPER, (0, belt - 0.1, (front + 0.1 + back) / 2), (0.97 * wide, 0.12, long - 0.35), body,
        taper=(0.06, 0.1),
    )  # fmt: skip
    slant = (0.18, 0.26)
    s.add(TAPER, (0, belt, middle), (0.93 * wide, tall - belt - 0.05, cabin), PANE, taper=slant)
    roof = (0.93 * wide * (1 - slant[0]) + 0.04, 0.08, cabin * (1 - slant[1]) + 0.08)
    s.add(TAPER, (0, tall - 0.08, middle), roof, body, taper=(0.1, 0.06))
    s.box((0, clear - 0.12, 0), (0.92 * wide, 0.2, 0.98 * long), plain(DARK))
    lamps(s, wide, front, back, belt - 0.3)
    if not detailed:
        return
    for share in (-0.36, 0.0, 0.36):
        place = (0, belt, middle + share * cabin * (1 - slant[1] / 2))
        size = (0.93 * wide + 0.02, tall - belt - 0.04, 0.1)
        s.add(TAPER, place, size, body, taper=(slant[0], 0))
    axles(s, wide, (front - 0.8, back + 0.8), rng.uniform(0.32, 0.38))
    s.box((0, belt - 0.45, front), (0.8, 0.14, 0.05), plain(DARK, "shutter", 0.4))
    for end in (front, back):
        s.box((0, clear + 0.15, end), (0.5, 0.12, 0.05), Paint("sign", (WHITE, DARK, DARK), 0.5))


def _two_wheels(s: Sketch, base: float, radius: float, wide: float) -> None:
    tyre, hub = plain((0.02, 0.02, 0.02), span=0.5), plain(STEEL, span=0.5)
    for z in (-base / 2, base / 2):
        for r, w, paint in ((radius, wide, tyre), (0.75 * radius, wide * 1.1, hub)):
            s.add(CYLINDER, (0, radius - w / 2, z), (2 * r, w, 2 * r), paint, roll=math.pi / 2)


def rider(s: Sketch, seat: float, lean: float) -> None:
    """Draw a person who sits at z = -0.15 and leans forward [rad]."""
    rng = s.rng
    coat, legs, skin = cloth(rng), plain(rng.one_of(CLOTHES)), rng.uniform(0.1, 0.5)
    s.add(TAPER, (0, seat, 0.25 * lean), (0.38, 0.58, 0.24), coat, pitch=-lean, taper=(-0.2, -0.1))
    head = (0.0, seat + 0.55, 0.62 * lean)
    s.ball(head, (0.18, 0.24, 0.21), plain((skin, 0.68 * skin, 0.5 * skin)))
    s.ball((head[0], head[1] + 0.1, head[2] - 0.02), (0.22, 0.17, 0.24), plain(rng.one_of(CARS)))
    for x in (-1, 1):
        s.add(CYLINDER, (x * 0.12, seat - 0.28, 0.15), (0.15, 0.5, 0.15), legs, pitch=1.0)
        s.add(CYLINDER, (x * 0.13, seat - 0.68, 0.22 * x), (0.11, 0.5, 0.11), legs, pitch=-0.15)
        s.add(CYLINDER, (x * 0.24, seat + 0.1, 0.3), (0.09, 0.5, 0.09), coat, pitch=-1.0)


def bicycle(s: Sketch, ridden: bool) -> None:
    """Draw a bicycle."""
    frame = plain(s.rng.one_of(CARS))
    _two_wheels(s, 1.05, 0.34, 0.05)
    s.add(CYLINDER, (0, 0.25, 0.12), (0.05, 0.65, 0.05), frame, pitch=0.9)
    s.add(CYLINDER, (0, 0.35, 0.45), (0.05, 0.65, 0.05), frame, pitch=0.3)
    s.add(CYLINDER, (0, 0.3, -0.2), (0.05, 0.6, 0.05), frame, pitch=0.25)
    s.box((0, 0.72, 0.05), (0.05, 0.05, 0.6), frame)
    s.box((0, 1.0, 0.36), (0.55, 0.04, 0.05), plain(DARK))
    s.box((0, 0.88, -0.25), (0.16, 0.07, 0.26), plain(DARK))
    if ridden:
        rider(s, 0.92, 0.45)


def motorcycle(s: Sketch, ridden: bool) -> None:
    """Draw a motorcycle or a scooter."""
    paint = enamel(s.rng.one_of(CARS))
    _two_wheels(s, 1.4, 0.31, 0.14)
    s.box((0, 0.3, 0.0), (0.3, 0.35, 0.65), plain(STEEL))
    s.add(TAPER, (0, 0.6, 0.15), (0.34, 0.26, 0.55), paint, taper=(0.3, 0.2))
    s.box((0, 0.66, -0.4), (0.26, 0.14, 0.7), plain(DARK))
    s.add(TAPER, (0, 0.5, 0.6), (0.3, 0.6, 0.25), paint, taper=(0.2, 0.5))
    s.box((0, 1.02, 0.48), (0.7, 0.05, 0.06), plain(DARK))
    s.box((0, 0.66, -0.74), (0.2, 0.1, 0.05), plain((0.45, 0.01, 0.01), glow=0.4))
    if ridden:
        rider(s, 0.78, 0.25)


def any_car(s: Sketch, detailed: bool = True) -> None:
    """Draw a car of any shape, or a van."""
    draw = s.rng.choice((props.car, props.car, props.car, offroader, offroader, van))
    draw(s, detailed)
