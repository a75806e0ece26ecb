# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trees that are seen from near: boughs, tufts of leaves, layers of a conifer, bare branches."""

from __future__ import annotations

import math
from dataclasses import replace

from jasmine_core.synthetic.config import Palette, Rng
from jasmine_core.synthetic.paint import DARK, WHITE, WOODS, Paint, foliage
from jasmine_core.synthetic.solids import CYLINDER, TAPER, Sketch


def branch(
    s: Sketch, start: tuple[float, float, float], angle: float, lean: float, length: float,
    wide: float, paint: Paint,
) -> tuple[float, float, float]:  # fmt: skip
    """Draw a branch that leans by `lean` from upright towards `angle`; return its end."""
    way = (math.sin(angle) * math.sin(lean), math.cos(lean), math.cos(angle) * math.sin(lean))
    x, y, z = (p + length / 2 * w for p, w in zip(start, way, strict=True))
    s.add(CYLINDER, (x, y - length / 2, z), (wide, length, wide), paint, yaw=angle, pitch=-lean)
    return start[0] + length * way[0], start[1] + length * way[1], start[2] + length * way[2]


def leafy_tree(s: Sketch, height: float) -> None:
    """Draw a broad-leaved tree: boughs that end in tufts of leaves, with gaps between them."""
    rng = s.rng
    bark = _bark(s)
    leaf = foliage(rng, rng.uniform(0.8, 2.5))
    leaves = [leaf, *(replace(leaf, colours=_shaded(leaf.colours, rng)) for _ in range(2))]
    trunk = height * rng.uniform(0.22, 0.4)
    wide = 0.02 * height + rng.uniform(0.04, 0.12)
    s.pole((0, 0, 0), trunk, 2 * wide, bark)
    crown, fork = height - trunk, (0.0, 0.9 * trunk, 0.0)
    spread = crown * rng.uniform(0.5, 0.85)  # width of a tuft
    count = rng.randint(4, 7)
    for i in range(count):
        angle = 2 * math.pi * (i + rng.uniform(-0.3, 0.3)) / count
        length, lean = crown * rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.9)
        end = branch(s, fork, angle, lean, length, wide, bark)
        for share in (0.6, 1.0):
            x, y, z = (a + share * (b - a) for a, b in zip(fork, end, strict=True))
            size = spread * rng.uniform(0.5, 0.9)
            tall = size * rng.uniform(0.6, 0.95)
            place = (x + rng.gauss(0, 0.1 * size), y - tall / 2, z + rng.gauss(0, 0.1 * size))
            s.ball(place, (size, tall, size), rng.choice(leaves))
    for _ in range(rng.randint(2, 4)):  # the top
        size = spread * rng.uniform(0.6, 0.9)
        x, z = (rng.gauss(0, 0.2 * spread) for _ in range(2))
        low = height - size * rng.uniform(0.8, 1.3)
        s.ball((x, low, z), (size, 0.8 * size, size), rng.choice(leaves))


def conifer(s: Sketch, height: float) -> None:
    """Draw a fir or a spruce of many layers."""
    rng, paint = s.rng, foliage(s.rng, 1.0)
    s.pole((0, 0, 0), 0.9 * height, 0.03 * height, _bark(s))
    low, count = height * rng.uniform(0.04, 0.2), rng.randint(5, 9)
    wide, step = height * rng.uniform(0.3, 0.5), (height - low) / count
    for i in range(count):
        size = wide * (1 - i / (count + 0.5)) * rng.uniform(0.85, 1.1)
        place = (rng.gauss(0, 0.02 * wide), low + i * step, rng.gauss(0, 0.02 * wide))
        layer = (size, step * rng.uniform(1.2, 1.7), size)
        s.add(TAPER, place, layer, paint, yaw=rng.uniform(0, 1.6), taper=(0.9, 0.9))


def bare_tree(s: Sketch, height: float) -> None:
    """Draw a tree without leaves."""
    rng, bark = s.rng, _bark(s)
    trunk, wide = height * rng.uniform(0.25, 0.4), 0.018 * height + rng.uniform(0.03, 0.1)
    s.pole((0, 0, 0), trunk, 2 * wide, bark)
    for i in range(rng.randint(4, 6)):
        angle, lean = 1.4 * i + rng.uniform(-0.4, 0.4), rng.uniform(0.15, 0.75)
        length = (height - trunk) * rng.uniform(0.4, 0.7)
        end = branch(s, (0, 0.95 * trunk, 0), angle, lean, length, wide, bark)
        for _ in range(3):
            twig = angle + rng.uniform(-1.2, 1.2)
            share = rng.uniform(0.45, 1.0)
            start = tuple(
                a + share * (b - a) for a, b in zip((0, 0.95 * trunk, 0), end, strict=True)
            )
            branch(
                s, (start[0], start[1], start[2]), twig, lean + rng.uniform(-0.4, 0.5),
                length * rng.uniform(0.4, 0.8), 0.45 * wide, bark,
            )  # fmt: skip


def any_tree(s: Sketch, height: float) -> None:
    """Draw a tree of any kind."""
    draw = s.rng.choice((leafy_tree, leafy_tree, leafy_tree, leafy_tree, conifer, bare_tree))
    draw(s, height)


def _bark(s: Sketch) -> Paint:
    colour = s.rng.one_of(((0.16, 0.11, 0.07), (0.12, 0.1, 0.09), (0.3, 0.28, 0.25), WOODS[2]))
    return Paint("bark", (colour, DARK, WHITE if colour[0] > 0.28 else DARK), 0.8)


def _shaded(colours: Palette, rng: Rng) -> Palette:
    a, b, c = colours
    return rng.tinted(a, 0.3), rng.tinted(b, 0.3), rng.tinted(c, 0.3)
