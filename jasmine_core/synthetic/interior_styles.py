# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Kinds of interiors: sizes of their rooms, and the furniture along their walls."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from jasmine_core.synthetic import furnishing, furniture, tabletop
from jasmine_core.synthetic.furnishing import inside
from jasmine_core.synthetic.interior import closed_door
from jasmine_core.synthetic.room import window
from jasmine_core.synthetic.solids import Sketch


@dataclass(frozen=True)
class Piece:
    """Piece of furniture along a wall."""

    draw: Callable[[Sketch, float], None]  # at the wall, of this width [m]
    wide: tuple[float, float]
    deep: float  # what it takes from the room [m]
    look: float  # height of what is worth looking at [m]


def desk(s: Sketch, wide: float) -> None:
    """Draw a desk and its chair."""
    furnishing.desk(s, wide)
    if s.rng.chance(0.8):
        place = inside(s, s.rng.uniform(-0.25, 0.25), 0.95, math.pi + s.rng.gauss(0, 0.6))
        furnishing.office_chair(place)


def _sofa(s: Sketch, wide: float) -> None:
    furniture.sofa(inside(s, 0.0, 0.45))


def _boxes(s: Sketch, wide: float) -> None:
    for i in range(s.rng.randint(1, 3)):
        x, z = (i - 1) * 0.35, s.rng.uniform(0.2, 0.4)
        tabletop.crate(inside(s, x, z))


def _plant(s: Sketch, wide: float) -> None:
    furnishing.house_plant(inside(s, 0.0, 0.3))


def _shelf(s: Sketch, wide: float) -> None:
    furniture.bookshelf(s, wide, s.rng.uniform(0.9, 2.2))


def _rack(s: Sketch, wide: float) -> None:
    furnishing.rack(s, wide, s.rng.uniform(1.4, 2.3))


def _cupboard(s: Sketch, wide: float) -> None:
    furniture.cupboard(s, wide, s.rng.uniform(0.8, 2.1))


def _steps(s: Sketch, wide: float) -> None:
    count = s.rng.randint(4, 8)
    furnishing.stairs(inside(s, 0.0, 0.28 * count), wide, count)


PIECES = {
    "desk": Piece(desk, (1.1, 1.9), 1.2, 0.85),
    "shelf": Piece(_shelf, (0.7, 1.4), 0.35, 1.1),
    "rack": Piece(_rack, (0.9, 2.2), 0.8, 1.0),
    "cupboard": Piece(_cupboard, (0.7, 1.6), 0.5, 1.0),
    "drawers": Piece(lambda s, wide: furnishing.drawers(s), (1.1, 1.1), 0.5, 0.8),
    "sofa": Piece(_sofa, (1.9, 2.2), 0.95, 0.5),
    "plant": Piece(_plant, (0.6, 0.6), 0.6, 0.6),
    "boxes": Piece(_boxes, (0.9, 1.2), 0.6, 0.3),
    "board": Piece(furnishing.board, (0.8, 2.2), 0.05, 1.4),
    "door": Piece(lambda s, wide: closed_door(s, 0.0), (1.1, 1.1), 0.1, 1.2),
    "counter": Piece(furnishing.counter, (1.2, 3.2), 0.65, 1.0),
    "fridge": Piece(lambda s, wide: furnishing.fridge(s), (0.7, 0.7), 0.65, 1.0),
    "bed": Piece(furnishing.bed, (0.9, 1.8), 2.1, 0.5),
    "bath": Piece(lambda s, wide: furnishing.bathroom(s), (0.7, 0.7), 0.7, 0.8),
    "steps": Piece(_steps, (0.9, 1.5), 2.4, 0.8),
    "radiator": Piece(furnishing.radiator, (0.6, 1.4), 0.15, 0.5),
    "wall shelf": Piece(furnishing.wall_shelf, (0.7, 1.5), 0.4, 1.2),
    "coats": Piece(furnishing.coats, (0.7, 1.6), 0.3, 1.2),
    "window": Piece(lambda s, wide: window(s, 0.0, 2.6), (1.2, 1.9), 0.1, 1.4),
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """Kind of interior: sizes, furniture, openings."""

    wide: tuple[float, float]
    long: tuple[float, float]
    height: tuple[float, float]
    pieces: tuple[str, ...]  # along the walls
    openings: float  # chance of an opening in a wall


STYLES = {
    "living": Style(
        (3.2, 6.5), (3.8, 8.0), (2.3, 3.1),
        (
            "sofa", "shelf", "cupboard", "drawers", "plant", "window", "window", "wall shelf",
            "radiator", "desk",
        ),
        0.45,
    ),
    "office": Style(
        (3.5, 9.0), (4.0, 12.0), (2.5, 3.2),
        ("desk", "desk", "desk", "shelf", "board", "window", "wall shelf", "rack", "boxes"), 0.35,
    ),
    "kitchen": Style(
        (2.4, 4.5), (3.0, 6.0), (2.3, 2.9),
        ("counter", "counter", "fridge", "window", "cupboard", "wall shelf", "radiator"), 0.4,
    ),
    "bedroom": Style(
        (2.8, 4.8), (3.2, 5.5), (2.3, 2.9),
        ("bed", "cupboard", "drawers", "window", "desk", "wall shelf", "coats"), 0.35,
    ),
    "bathroom": Style(
        (1.7, 3.0), (2.0, 3.6), (2.2, 2.7), ("bath", "bath", "fridge", "radiator", "coats"), 0.3
    ),
    "corridor": Style(
        (1.4, 2.6), (7.0, 24.0), (2.3, 3.2),
        ("door", "door", "door", "board", "plant", "coats", "radiator", "shelf"), 0.0,
    ),
    "hall": Style(
        (9.0, 20.0), (10.0, 28.0), (3.5, 7.0),
        ("rack", "rack", "boxes", "board", "door", "steps"), 0.25,
    ),
    "store": Style(
        (5.0, 10.0), (6.0, 14.0), (2.6, 4.0), ("shelf", "rack", "counter", "door", "board"), 0.3
    ),
    "stairs": Style(
        (2.2, 4.0), (3.5, 7.0), (2.8, 5.0), ("steps", "steps", "door", "window", "plant"), 0.4
    ),
}  # fmt: skip
USUAL = (
    *("living",) * 4, *("office",) * 4, "kitchen", "kitchen", "bedroom", "bedroom", "bathroom",
    "corridor", "corridor", "hall", "store", "stairs",
)  # fmt: skip
