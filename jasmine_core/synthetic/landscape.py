# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Landscape beside and beyond a road, with exact depth as far as the horizon."""

from __future__ import annotations

import math

from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.far_buildings import landmark, towers, village
from jasmine_core.synthetic.far_trees import CASTS, crown, tree_line, wood
from jasmine_core.synthetic.paint import DARK, LAWNS, Paint, foliage, paved, plain
from jasmine_core.synthetic.solids import BOX
from jasmine_core.synthetic.terrain import CROPS, Bank, Terrain, bank, hills
from jasmine_core.synthetic.trees import any_tree


def fields(s: BentSketch, side: int, start: float, length: float, far: float) -> None:
    """Draw patches of crops beside the road; some stand knee-high or higher."""
    rng, z = s.rng, -s.rng.uniform(10, 40)
    while z < far:
        long, wide = rng.uniform(25, 120), rng.uniform(40, 160)
        if rng.chance(0.75):
            base = rng.one_of(CROPS, 0.2)
            dark = (0.5 * base[0], 0.6 * base[1], 0.5 * base[2])
            pattern = rng.choice(("grass", "planks", "planks", "weave"))
            tall = rng.choice((0.02, 0.02, 0.05, 0.4, 0.9, rng.uniform(0.3, 2.2)))
            paint = Paint(pattern, (base, dark, dark), rng.uniform(4, 14))
            x = side * (start + length + wide / 2)
            s.add(BOX, (x, tall - 1.0, z + long / 2), (wide, 1.0, long), paint, casts=False)
        z += long + rng.choice((0.0, rng.uniform(2, 12)))


def landscape(s: BentSketch, land: Terrain, edge: float, built: bool) -> None:
    """Draw the landscape beside and beyond the road, from `edge` [m] outwards.

    Args:
        s: sketch of the scene.
        land: terrain, to which banks and hills are added.
        edge: where on both sides the road's own things end [m].
        built: whether houses stand along the road; far things then rise behind them.
    """
    rng = s.rng
    lawn = rng.one_of(LAWNS)
    grass = Paint("grass", (lawn, rng.one_of(CROPS), rng.one_of(CROPS)), rng.uniform(6, 12))
    # 1. Relief: a bank on one side or on both, hills.
    for side in (-1, 1):
        if not built and rng.chance(0.22):
            z0 = rng.choice((-40.0, -40.0, rng.uniform(10, 120)))
            cover = rng.choice((grass, grass, foliage(rng, 4.0), paved(rng, "concrete", CROPS, 8)))
            angle = math.radians(rng.choice((5, 9, 14, 22, 32) if z0 < 0 else (4, 7, 10)))
            here = Bank(
                side, edge + rng.uniform(1, 18), angle,
                rng.uniform(12, 60), (z0, z0 + rng.uniform(80, 400)),
            )  # fmt: skip
            bank(s, land, here, cover)
    if rng.chance(0.7):
        hills(s, land, rng.randint(2, 8), 100, 1500)
    # 2. Along the road: crops, woods and hedges; lines of trees behind them at any distance.
    for side in (-1, 1):
        open_side = not any(b.side == side for b in land.banks)
        if open_side and not built and rng.chance(0.7):
            fields(s, side, edge, rng.uniform(0.5, 6), 260)
        if not built and rng.chance(0.22):
            z0 = rng.choice((-30.0, rng.uniform(20, 150)))
            reach = (z0, z0 + rng.uniform(40, 200))
            wood(s, land, side, edge + rng.uniform(3, 30), reach, rng.uniform(7, 18))
        for _ in range(rng.randint(1, 3)):
            foot = math.exp(rng.uniform(math.log(max(35, edge + 4)), math.log(250)))
            z0 = rng.uniform(-20, 160)
            z1 = z0 + rng.uniform(40, 260)
            skew = rng.gauss(0, 25)
            far = (side * max(foot + skew, edge + 8), z1)
            tree_line(s, land, (side * foot, z0), far, rng.choice((2.5, rng.uniform(5, 16))))
        if not built and rng.chance(0.6):  # a hedge or an avenue of trees away from the road
            z0 = rng.uniform(25, 200)
            end = (side * (edge + rng.uniform(60, 200)), z0 + rng.gauss(0, 15))
            tree_line(s, land, (side * (edge + 4), z0), end, rng.choice((2.0, 8.0, 12.0)))
    # 3. Tree lines that close the view along the road, in some scenes.
    if rng.chance(0.45):
        z = rng.uniform(130, 420)
        for side in (-1, 1):
            start = (side * (edge + 3), z + rng.uniform(-20, 20))
            end = (side * (edge + rng.uniform(60, 220)), z + rng.uniform(-60, 60))
            tree_line(s, land, start, end, rng.uniform(7, 16))
    # 4. Buildings and single trees.
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        away = math.exp(rng.uniform(math.log(50), math.log(350)))
        bearing = rng.uniform(-0.75, 0.75)
        x, z = away * math.sin(bearing), away * math.cos(bearing)
        x = math.copysign(max(abs(x), edge + 16), x)
        if built or rng.chance(0.25):
            towers(s, land, x, z, rng.randint(2, 9))
        else:
            village(s, land, x, z, rng.randint(1, 14))
    if rng.chance(0.5):
        for _ in range(rng.randint(1, 3)):
            x = rng.side() * rng.uniform(edge + 15, 220)
            landmark(s, land, x, rng.uniform(60, 500))
    for _ in range(rng.randint(2, 14)):
        x, z = rng.side() * (edge + rng.uniform(2, 70)), rng.uniform(5, 190)
        tall = rng.uniform(4, 14)
        if math.hypot(x, z) < 45:
            any_tree(land.at(s, x, z), tall)
        else:
            tree = land.at(s, x, z)
            tree.pole((0, 0, 0), 0.5 * tall, 0.05 * tall, plain(DARK, "bark"))
            crown(tree, tall, tall * rng.uniform(0.5, 0.9), foliage(rng), z < CASTS, "round")
