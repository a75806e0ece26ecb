# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Paints of surfaces: patterns with the colours of streets and rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jasmine_core.synthetic.config import Colour, Palette, Rng

WHITE: Colour = (0.75, 0.74, 0.72)
GREY: Colour = (0.30, 0.30, 0.30)
DARK: Colour = (0.03, 0.03, 0.035)
STEEL: Colour = (0.40, 0.42, 0.44)
GLASS: Colour = (0.02, 0.025, 0.03)
WOODS: tuple[Colour, ...] = (
    (0.30, 0.16, 0.07), (0.45, 0.30, 0.16), (0.18, 0.09, 0.04), (0.55, 0.42, 0.28),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (0.05, 0.07, 0.20), (0.45, 0.06, 0.05), (0.04, 0.04, 0.05), (0.60, 0.58, 0.52),
    (0.08, 0.25, 0.12), (0.55, 0.40, 0.08), (0.25, 0.12, 0.30),
)  # fmt: skip
CARS: tuple[Colour, ...] = (
    (0.70, 0.70, 0.70), (0.03, 0.03, 0.035), (0.30, 0.31, 0.33), (0.10, 0.11, 0.12),
    (0.40, 0.03, 0.03), (0.04, 0.10, 0.35), (0.05, 0.20, 0.12), (0.55, 0.45, 0.30),
    (0.65, 0.40, 0.03),
)  # fmt: skip
LEAVES: tuple[Colour, ...] = (
    (0.07, 0.15, 0.03), (0.11, 0.19, 0.04), (0.05, 0.11, 0.04), (0.20, 0.18, 0.04),
    (0.28, 0.13, 0.04),
)  # fmt: skip
LAWNS: tuple[Colour, ...] = ((0.09, 0.15, 0.03), (0.13, 0.17, 0.05), (0.20, 0.18, 0.08))
STONE: tuple[Colour, ...] = ((0.36, 0.35, 0.33), (0.28, 0.28, 0.29), (0.42, 0.38, 0.32))
WALLS: tuple[Colour, ...] = (
    (0.36, 0.13, 0.08), (0.28, 0.12, 0.08), (0.62, 0.58, 0.48), (0.68, 0.66, 0.62),
    (0.60, 0.45, 0.22), (0.42, 0.40, 0.36), (0.58, 0.36, 0.26), (0.30, 0.34, 0.38),
    (0.45, 0.50, 0.40), (0.50, 0.34, 0.16),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = (
    (0.35, 0.10, 0.05), (0.12, 0.11, 0.11), (0.22, 0.12, 0.08), (0.20, 0.22, 0.25),
)  # fmt: skip
FRAMES: tuple[Colour, ...] = (
    (0.75, 0.74, 0.70), (0.75, 0.74, 0.70), (0.12, 0.08, 0.05), (0.10, 0.20, 0.16),
)  # fmt: skip
ROOMS: tuple[Colour, ...] = (
    (0.70, 0.68, 0.62), (0.62, 0.55, 0.40), (0.38, 0.48, 0.55), (0.45, 0.52, 0.40),
    (0.62, 0.40, 0.32), (0.70, 0.70, 0.70), (0.30, 0.33, 0.36), (0.60, 0.50, 0.55),
    (0.65, 0.50, 0.20),
)  # fmt: skip


@dataclass(frozen=True)
class Paint:
    """Appearance of a surface: pattern, three colours, size of a tile, light of its own."""

    pattern: str  # name in patterns.PATTERNS
    colours: Palette  # base, ink, glass
    span: float  # width and height of one tile [m]
    glow: float = 0.0  # 0 lit by the scene .. 1 shines by itself
    gloss: float = 0.0  # share of the sky mirrored by what has the glass colour, 0..1
    top: str | None = None  # pattern of the horizontal faces, the same by default
    aligned: bool = False  # tiles start at the object's corner, not at a random place
    clear: float = 0.0  # share of the light from behind that passes through, as through a wire mesh


def plain(colour: Colour, pattern: str = "plaster", span: float = 2.0, glow: float = 0.0) -> Paint:
    """Return a paint of nearly one colour."""
    r, g, b = colour
    dark = (r * 0.7, g * 0.7, b * 0.7)
    return Paint(pattern, (colour, dark, dark), span, glow)


def paved(rng: Rng, pattern: str, colours: Sequence[Colour], span: float) -> Paint:
    """Return the paint of masonry, paving or roofs: joints are a darker tone of the surface."""
    r, g, b = rng.one_of(colours)
    return Paint(pattern, ((r, g, b), (r / 3, g / 3, b / 3), (0.6 * r, 0.6 * g, 0.6 * b)), span)


def foliage(rng: Rng, span: float = 2.5) -> Paint:
    """Return the paint of a crown or a hedge."""
    r, g, b = rng.one_of(LEAVES, 0.25)
    bright, gap = (1.7 * r, 1.6 * g, 1.5 * b), (0.25 * r, 0.3 * g, 0.3 * b)
    return Paint("leaves", ((r, g, b), bright, gap), span)


def wood(rng: Rng, pattern: str = "planks", span: float = 1.5) -> Paint:
    """Return the paint of boards."""
    r, g, b = rng.one_of(WOODS)
    return Paint(pattern, ((r, g, b), (r / 3, g / 3, b / 3), (r / 2, g / 2, b / 2)), span)


def cloth(rng: Rng) -> Paint:
    """Return the paint of clothes, cushions and curtains."""
    pattern = rng.choice(("weave", "weave", "stripes", "motif"))
    return Paint(pattern, rng.palette(CLOTHES, 0.3), rng.uniform(0.5, 1.2))
