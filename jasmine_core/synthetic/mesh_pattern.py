# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tileable pattern of a fence of wire mesh with plants behind it."""

from __future__ import annotations

from torch import Generator, Tensor

from jasmine_core.synthetic.noise import between, blank, cells, noise, whole


def mesh(g: Generator) -> Tensor:
    """Draw wires (ink) before leaves and gaps of shade (glass)."""
    clumps = noise(g, 0.9, low=3, high=64)
    maps = blank(0.5 + 0.16 * clumps)
    rows = (16, 24, 32)[whole(g, 0, 2)]
    x, y, _ = cells(g, rows // 2, rows)
    thin = between(g, 0.06, 0.14)
    maps[1] = ((x < thin) | (y < thin)) * between(g, 0.3, 0.9)
    maps[2] = (-0.6 * clumps - 0.35 + 0.3 * noise(g, 0, low=24)).clamp(0, 1)
    return maps
