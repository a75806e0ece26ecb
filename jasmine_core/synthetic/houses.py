# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Houses beside a street; `side` is -1 or +1 and `x` the distance of the front from the middle."""

from __future__ import annotations

from jasmine_core.synthetic.config import Dice
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


def facade(dice: Dice, top: str = "concrete") -> Paint:
    """Return the paint of a wall with windows, which begin at the wall's corner."""
    return Paint(
        "facade", (dice.one_of(WALLS), dice.choice(FRAMES), dice.tinted(GLASS, 0.3)), 4 * STOREY,
        gloss=dice.uniform(0.2, 0.9), top=top, aligned=True,
    )  # fmt: skip


def block(s: Sketch, side: int, x: float, z: float, long: float, floors: int, deep: float) -> None:
    """Draw a flat-roofed house in a row: shops or a plinth below, windows above, a cornice."""
    dice = s.dice
    base, middle = 0.1, side * (x + deep / 2)
    if dice.chance(0.5):
        ground = dice.choice(("shutter", "concrete", "stones", "bricks"))
        paint = paved(dice, ground, WALLS, dice.uniform(2.5, 4))
        s.box((middle, base, z), (deep, 3.4, long), paint)
        for i in range(int(long // 4)):
            place = (side * (x - 0.03), base + 0.5, z - long / 2 + 4 * i + 2)
            pane = Paint("poster", dice.palette(CLOTHES, 0.4), 2.6, gloss=0.5, aligned=True)
            s.box(place, (0.12, 2.3, 2.6), pane)
        if dice.chance(0.5):
            awning = Paint("stripes", (dice.one_of(CLOTHES), WHITE, GREY), 2.0)
            s.box(
                (side * (x - 0.6), base + 2.9, z), (1.3, 0.12, long * 0.9), awning, roll=side * 0.2
            )
        base += 3.4
    height = floors * STOREY
    s.box((middle, base, z), (deep, height, long), facade(dice))
    trim = plain(dice.tinted((0.5, 0.48, 0.45)), "concrete")
    s.box((side * (x + deep / 2 - 0.15), base + height, z), (deep + 0.5, 0.35, long + 0.2), trim)
    if dice.chance(0.3):
        for floor in range(1, floors):
            place = (side * (x - 0.5), base + floor * STOREY - 0.1, z)
            s.box(place, (1.1, 0.15, long * 0.6), trim)
            rail = plain(dice.one_of((DARK, STEEL)), "shutter", 1.0)
            s.box((side * (x - 1.02), place[1] + 0.15, z), (0.06, 0.9, long * 0.6), rail)


def house(s: Sketch, side: int, x: float, z: float, long: float, floors: int, deep: float) -> None:
    """Draw a detached house with a gabled roof."""
    dice = s.dice
    height, middle = floors * STOREY, side * (x + deep / 2)
    s.box((middle, 0.1, z), (deep, height, long), facade(dice))
    tiles = paved(dice, "roof", ROOFS, 4.0)
    rise, across = dice.uniform(1.8, 3.5), dice.chance(0.5)
    size = (deep + 0.8, rise, long + 0.8)
    s.add(TAPER, (middle, 0.1 + height, z), size, tiles, taper=(0.0, 1.0) if across else (1.0, 0.0))
    chimney = (middle + dice.uniform(-1, 1), height + 0.4 * rise, z + dice.uniform(-1, 1))
    s.box(chimney, (0.6, rise, 0.6), paved(dice, "bricks", WALLS[:2], 2.0))
    s.box(
        (side * (x - 0.02), 0.1, z + dice.uniform(-0.3, 0.3) * long),
        (0.1, 2.1, 1.0),
        wood(dice),
    )
