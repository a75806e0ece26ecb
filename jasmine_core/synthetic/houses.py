# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Houses beside a street; `side` is -1 or +1 and `x` the distance of the front from the middle."""

from __future__ import annotations

from jasmine_core.synthetic.config import Rng
from jasmine_core.synthetic.paint import (
    CLOTHES,
    DARK,
    FRAMES,
    GLASS,
    GREY,
    ROOFS,
    STEEL,
    WALLS,
    WHITE,
    Paint,
    paved,
    plain,
    wood,
)
from jasmine_core.synthetic.solids import TAPER, Sketch

STOREY = 3.0  # [m]; facades repeat every four storeys and four windows


def facade(rng: Rng, top: str = "concrete") -> Paint:
    """Return the paint of a wall with windows, which begin at the wall's corner."""
    return Paint(
        "facade", (rng.one_of(WALLS), rng.choice(FRAMES), rng.tinted(GLASS, 0.3)), 4 * STOREY,
        gloss=rng.uniform(0.2, 0.9), top=top, aligned=True,
    )  # fmt: skip


def block(s: Sketch, side: int, x: float, z: float, long: float, floors: int, deep: float) -> None:
    """Draw a flat-roofed house in a row: shops or a plinth below, windows above, a cornice."""
    rng = s.rng
    base, middle = 0.1, side * (x + deep / 2)
    if rng.chance(0.5):
        ground = rng.choice(("shutter", "concrete", "stones", "bricks"))
        paint = paved(rng, ground, WALLS, rng.uniform(2.5, 4))
        s.box((middle, base, z), (deep, 3.4, long), paint)
        for i in range(int(long // 4)):
            place = (side * (x - 0.03), base + 0.5, z - long / 2 + 4 * i + 2)
            pane = Paint("poster", rng.palette(CLOTHES, 0.4), 2.6, gloss=0.5, aligned=True)
            s.box(place, (0.12, 2.3, 2.6), pane)
        if rng.chance(0.5):
            awning = Paint("stripes", (rng.one_of(CLOTHES), WHITE, GREY), 2.0)
            s.box(
                (side * (x - 0.6), base + 2.9, z), (1.3, 0.12, long * 0.9), awning, roll=side * 0.2
            )
        base += 3.4
    height = floors * STOREY
    s.box((middle, base, z), (deep, height, long), facade(rng))
    trim = plain(rng.tinted((0.5, 0.48, 0.45)), "concrete")
    s.box((side * (x + deep / 2 - 0.15), base + height, z), (deep + 0.5, 0.35, long + 0.2), trim)
    if rng.chance(0.3):
        for floor in range(1, floors):
            place = (side * (x - 0.5), base + floor * STOREY - 0.1, z)
            s.box(place, (1.1, 0.15, long * 0.6), trim)
            rail = plain(rng.one_of((DARK, STEEL)), "shutter", 1.0)
            s.box((side * (x - 1.02), place[1] + 0.15, z), (0.06, 0.9, long * 0.6), rail)


def house(s: Sketch, side: int, x: float, z: float, long: float, floors: int, deep: float) -> None:
    """Draw a detached house with a gabled roof."""
    rng = s.rng
    height, middle = floors * STOREY, side * (x + deep / 2)
    s.box((middle, 0.1, z), (deep, height, long), facade(rng))
    tiles = paved(rng, "roof", ROOFS, 4.0)
    rise, across = rng.uniform(1.8, 3.5), rng.chance(0.5)
    size = (deep + 0.8, rise, long + 0.8)
    s.add(TAPER, (middle, 0.1 + height, z), size, tiles, taper=(0.0, 1.0) if across else (1.0, 0.0))
    chimney = (middle + rng.uniform(-1, 1), height + 0.4 * rise, z + rng.uniform(-1, 1))
    s.box(chimney, (0.6, rise, 0.6), paved(rng, "bricks", WALLS[:2], 2.0))
    s.box(
        (side * (x - 0.02), 0.1, z + rng.uniform(-0.3, 0.3) * long),
        (0.1, 2.1, 1.0),
        wood(rng),
    )
