# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fences of wire mesh, high hedges and noise barriers along a road."""

from __future__ import annotations

from dataclasses import replace

from jasmine_core.synthetic.paint import (
    DARK,
    GREY,
    LEAVES,
    STEEL,
    STONE,
    Paint,
    foliage,
    paved,
    plain,
)
from jasmine_core.synthetic.solids import BOX, Sketch

STEP = 8.0  # length of a piece, so that a fence follows a bend [m]
POSTS = 40.0  # distance up to which posts are drawn [m]


def fence(s: Sketch, x: float, ends: tuple[float, float], near: float) -> None:
    """Draw a fence of one kind parallel to the road.

    Args:
        s: sketch of the road.
        x: place of the fence [m].
        ends: its ends along the road [m].
        near: end of the part whose posts are drawn [m].
    """
    rng = s.rng
    kind = rng.choice(("open", "open", "open", "mesh", "mesh", "hedge", "hedge", "barrier"))
    if kind == "open":  # What stands behind it is seen through it; a LiDAR measures the wires.
        wire = rng.one_of((STEEL, GREY, DARK, (0.05, 0.16, 0.09), (0.5, 0.5, 0.48)), 0.2)
        paint = replace(plain(wire, "concrete"), clear=rng.uniform(0.4, 0.9))
        thick, tall = 0.04, rng.uniform(1.4, 3.2)
    elif kind == "mesh":  # plants behind it
        leaf = rng.one_of(LEAVES, 0.25)
        wire = rng.one_of((STEEL, GREY, (0.05, 0.16, 0.09), (0.5, 0.5, 0.48)), 0.2)
        dark = (0.25 * leaf[0], 0.3 * leaf[1], 0.3 * leaf[2])
        paint = Paint("mesh", (leaf, wire, dark), rng.uniform(0.8, 1.6))
        thick, tall = 0.06, rng.uniform(1.2, 2.6)
    elif kind == "hedge":
        paint, thick, tall = foliage(rng, 2.2), rng.uniform(0.6, 1.4), rng.uniform(1.2, 3.5)
    else:
        pattern = rng.choice(("concrete", "planks", "stones"))
        paint, thick, tall = paved(rng, pattern, STONE, 3.0), 0.2, rng.uniform(1.5, 4.0)
    post, spacing = plain(rng.tinted(STEEL, 0.3)), rng.uniform(2.2, 3.5)
    z = ends[0]
    while z < ends[1]:
        long = min(STEP, ends[1] - z)
        place, size = (x, 0.05, z + long / 2), (thick, tall, long)
        s.add(BOX, place, size, paint, casts=kind != "open")
        z += long
    z = ends[0]
    while kind in ("mesh", "open") and z < min(ends[1], near, POSTS):
        s.pole((x, 0.05, z), tall + 0.1, 0.07, post)
        z += spacing
