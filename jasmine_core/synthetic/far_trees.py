# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trees that are seen from afar: rows, hedges and the edges of woods."""

from __future__ import annotations

import math

from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.paint import Paint, foliage, plain
from jasmine_core.synthetic.solids import ELLIPSOID, TAPER
from jasmine_core.synthetic.terrain import Terrain
from jasmine_core.synthetic.trees import conifer, leafy_tree

DETAILED = 38.0  # trees nearer than this are drawn in detail [m]
NEAR = 70.0  # boughs of trees nearer than this are drawn [m]
CASTS = 120.0  # trees beyond this distance throw no shadow [m]


def crown(s: BentSketch, tall: float, wide: float, paint: Paint, casts: bool, shape: str) -> None:
    """Draw a tree that is seen from afar: one or two solids."""
    rng = s.rng
    if shape == "cone":
        s.add(
            TAPER, (0, 0, 0), (0.6 * wide, tall, 0.6 * wide), paint, yaw=rng.random() * 3,
            taper=(0.92, 0.92), casts=casts,
        )  # fmt: skip
        return
    low = 0.0 if shape == "bush" else tall * rng.uniform(0.0, 0.12)
    s.add(ELLIPSOID, (0, low, 0), (wide, tall - low, wide), paint, casts=casts)
    if shape != "bush":  # boughs, more of them where they are distinguishable
        near = math.hypot(s.origin[0], s.origin[2]) < NEAR
        for _ in range((4 if near else 1) if shape == "round" else (2 if near else 0)):
            size = wide * rng.uniform(0.4, 0.75)
            out, angle = rng.uniform(0.25, 0.45) * wide, rng.uniform(0, 2 * math.pi)
            height = tall * rng.uniform(0.3, 0.75)
            place = (out * math.cos(angle), height - size * 0.4, out * math.sin(angle))
            s.add(ELLIPSOID, place, (size, size * rng.uniform(0.7, 1.1), size), paint, casts=casts)


def tree_line(
    s: BentSketch, land: Terrain, start: tuple[float, float], end: tuple[float, float], tall: float
) -> None:
    """Draw a row of trees or a hedge from `start` to `end`, (x, z) each, of about this height."""
    rng = s.rng
    shape = "bush" if tall < 3 else rng.choice(("round", "round", "oval", "oval", "cone"))
    paints = [foliage(rng, rng.uniform(2.0, 5.0)) for _ in range(3)]
    if shape == "cone":
        paints = paints[:1]
    kinds = {"round": leafy_tree, "cone": conifer}
    spread = rng.uniform(0.45, 0.9) * (2.0 if shape == "bush" else 1.0)
    spacing = tall * spread * rng.choice((0.55, 0.7, 0.7, 1.2))
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    for i in range(min(70, int(length / spacing) + 1)):
        share = (i + rng.uniform(-0.3, 0.3)) * spacing / length
        x, z = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        size = tall * rng.uniform(0.7, 1.15)
        here = land.at(s, x + rng.gauss(0, 0.8), z + rng.gauss(0, 0.8))
        if shape in kinds and math.hypot(x, z) < DETAILED:
            kinds[shape](here, size)
            continue
        if shape != "bush" and z < 60 and abs(x) < 50:
            bark = plain((0.12, 0.09, 0.06), "bark", 0.8)
            here.pole((0, 0, 0), 0.5 * size, 0.03 * size, bark)
        crown(here, size, size * spread, rng.choice(paints), math.hypot(x, z) < CASTS, shape)


def wood(
    s: BentSketch, land: Terrain, side: int, foot: float, z: tuple[float, float], tall: float
) -> None:
    """Draw the edge of a wood along the road, and the mass of leaves behind it."""
    rng = s.rng
    tree_line(s, land, (side * foot, z[0]), (side * foot, z[1]), tall)
    if land.height(s.course, side * (foot + 10), sum(z) / 2) > 0.5:
        return
    deep = rng.uniform(20, 60)
    place = (side * (foot + 0.25 * tall + deep / 2), 0.0, sum(z) / 2)
    s.box(place, (deep, tall * rng.uniform(0.7, 0.85), z[1] - z[0]), foliage(rng, 5.0))
