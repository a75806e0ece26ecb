# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Things beside an open road: guard rails, posts, signs, lamps, walls, bridges."""

from __future__ import annotations

from jasmine_core.synthetic import props
from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.cross_section import SEEN, Section
from jasmine_core.synthetic.fences import fence
from jasmine_core.synthetic.paint import STEEL, WHITE, Paint, plain
from jasmine_core.synthetic.street_plan import BEHIND


def roadside(s: BentSketch, section: Section, way: float) -> None:
    """Draw guard rails, posts, signs, lamps and telephone poles beside an open road."""
    rng = s.rng
    left, right = section.half
    steel = plain(rng.tinted(STEEL), "concrete", 2.0)

    def rail(x: float, z: tuple[float, float]) -> None:
        s.box((x, 0.45, sum(z) / 2), (0.08, 0.32, z[1] - z[0]), steel)
        at = z[0]
        while at < min(z[1], way + 80):
            s.box((x, 0.0, at), (0.1, 0.7, 0.1), steel)
            at += 4.0

    if section.median > 1:
        kind = rng.choice(("rail", "rail", "wall", "hedge"))
        ends = (-BEHIND, way + SEEN)
        if kind == "rail":
            for x in (-0.3, 0.3) if section.median > 2 else (0.0,):
                rail(x, ends)
        elif kind == "wall":
            barrier = plain((0.4, 0.39, 0.37), "concrete", 3.0)
            s.box((0, 0, sum(ends) / 2), (0.5, 0.9, ends[1] - ends[0]), barrier)
        else:
            s.box(
                (0, 0, sum(ends) / 2), (0.9, rng.uniform(0.8, 1.6), ends[1] - ends[0]),
                Paint("leaves", ((0.07, 0.13, 0.03), (0.12, 0.2, 0.05), (0.02, 0.03, 0.01)), 2.5),
            )  # fmt: skip
    for side, half in ((-1, left), (1, right)):
        x = side * (half + 0.9)
        if rng.chance(0.55 if section.style == "motorway" else 0.25):
            z0 = rng.choice((-BEHIND, rng.uniform(0, 60)))
            rail(x, (z0, z0 + rng.uniform(40, 300)))
        if rng.chance(0.45):
            z = rng.choice((-BEHIND, rng.uniform(0, 50)))
            long = rng.uniform(20, 150)
            fence(s, side * (half + rng.uniform(1.5, 7.0)), (z, z + long), way + 40)
        if rng.chance(0.4):
            step, z = rng.choice((25.0, 50.0)), rng.uniform(-10, 20)
            while z < way + 260:
                s.box((x, 0.0, z), (0.12, 1.0, 0.08), plain(WHITE, "stripes", 1.0))
                z += step
        if rng.chance(0.3):
            wood, step, z = plain((0.2, 0.15, 0.1), "bark"), rng.uniform(30, 55), rng.uniform(0, 40)
            out, tall = side * (half + rng.uniform(2, 8)), rng.uniform(6, 9)
            while z < way + 400:
                s.at(out, z).pole((0, 0, 0), tall, 0.24, wood)
                s.at(out, z).box((0, tall - 0.6, 0), (1.8, 0.12, 0.12), wood)
                z += step
        if rng.chance(0.3):
            step, z = rng.uniform(25, 60), rng.uniform(0, 40)
            while z < way + 300:
                props.street_lamp(s.at(side * (half + 1.4), z), -side)
                z += step
        for _ in range(rng.randint(0, 3)):
            sign = s.at(side * (half + rng.uniform(1.2, 2.5)), rng.uniform(6, 150))
            props.traffic_sign(sign)
        if rng.chance(0.25):
            _board(s.at(side * (half + rng.uniform(2.5, 5)), rng.uniform(25, 160)))


def _board(s: BentSketch) -> None:
    """Draw a large direction board on two posts."""
    rng = s.rng
    colour = rng.choice(((0.02, 0.06, 0.35), (0.02, 0.2, 0.08), (0.6, 0.6, 0.6), (0.6, 0.4, 0.02)))
    wide, tall, low = rng.uniform(2, 4.5), rng.uniform(1.5, 3.2), rng.uniform(1.5, 2.5)
    ink = WHITE if sum(colour) < 0.6 else (0.05, 0.05, 0.05)
    s.box((0, low, 0), (wide, tall, 0.08), Paint("sign", (colour, ink, ink), wide, aligned=True))
    for x in (-0.35, 0.35):
        s.pole((x * wide, 0, 0.1), low + tall, 0.12, plain(STEEL))
