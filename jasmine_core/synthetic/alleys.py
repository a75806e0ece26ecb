# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rows of trees beside a road, whose crowns hide the sky and meet above it."""

from __future__ import annotations

import math

from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.cross_section import Section
from jasmine_core.synthetic.far_trees import CASTS, DETAILED, tree_line
from jasmine_core.synthetic.paint import foliage, plain
from jasmine_core.synthetic.solids import ELLIPSOID
from jasmine_core.synthetic.street_plan import BEHIND
from jasmine_core.synthetic.terrain import Terrain
from jasmine_core.synthetic.trees import leafy_tree

CLEAR = 2.8  # height below which no crown hangs into the road [m]


def alley(s: BentSketch, land: Terrain, section: Section, way: float) -> None:
    """Draw rows of trees along a road, with undergrowth behind some of them.

    Args:
        s: sketch of the road.
        land: heights of the ground beside the road.
        section: lanes and edges of the road.
        way: length of the drive [m].
    """
    rng = s.rng
    tall, foot = rng.uniform(8, 18), rng.uniform(1.0, 4.5)
    start = rng.choice((-BEHIND, -BEHIND, rng.uniform(0, 60)))
    end = max(start, way) + rng.uniform(60, 300)
    both, only = rng.chance(0.75), rng.side()
    for side, half in zip((-1, 1), section.half, strict=True):
        if not both and side != only:
            continue
        x = side * (half + foot)
        _row(s, land, x, (start, end), tall)
        if rng.chance(0.5):
            behind = x + side * rng.uniform(4.0, 10.0)
            tree_line(s, land, (behind, start), (behind, end), rng.uniform(0.8, 2.0))
    if section.median > 1.5 and rng.chance(0.4):
        _row(s, land, 0.0, (start, end), rng.uniform(8, 12))


def _row(s: BentSketch, land: Terrain, x: float, ends: tuple[float, float], tall: float) -> None:
    """Draw trees of about a height in a row along the road."""
    rng = s.rng
    paints = [foliage(rng, rng.uniform(2.0, 5.0)) for _ in range(3)]
    bark = plain((0.12, 0.09, 0.06), "bark", 0.8)
    spacing, z = tall * rng.uniform(0.4, 1.0), ends[0]
    while z < ends[1]:
        size = tall * rng.uniform(0.8, 1.15)
        here = land.at(s, x + rng.gauss(0, 0.2), z)
        distance = math.hypot(x, z)
        if distance < DETAILED:
            leafy_tree(here, size)
        else:
            casts, paint = distance < CASTS, rng.choice(paints)
            here.pole((0, 0, 0), 0.5 * size, 0.03 * size, bark)
            wide = size * rng.uniform(0.5, 0.8)
            for _ in range(3):
                ball = wide * rng.uniform(0.6, 1.0)
                low = max(CLEAR, size - ball - rng.uniform(0, 0.35) * size)
                place = (rng.gauss(0, 0.2 * wide), low, rng.gauss(0, 0.2 * wide))
                here.add(ELLIPSOID, place, (ball, size - low, ball), paint, casts=casts)
        z += spacing * rng.uniform(0.8, 1.2)
