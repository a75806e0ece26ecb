# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Building blocks of patterns: tileable noise, random numbers and cells, SIZE x SIZE texels."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

SIZE = 256  # texels per side, a power of two


def noise(g: Generator, slope: float, low: float = 1, high: float = SIZE / 2) -> Tensor:
    """Return tileable noise [n,n] of mean 0 and deviation 1 with amplitude ~ frequency^-slope.

    Only frequencies of `low`..`high` periods per tile are present.
    """
    frequency = torch.fft.fftfreq(SIZE, 1 / SIZE)
    radius = torch.hypot(frequency[:, None], frequency[None, : SIZE // 2 + 1])
    amplitude = torch.where((radius >= low) & (radius <= high), radius.clamp_min(1) ** -slope, 0)
    spectrum = torch.fft.rfft2(torch.randn(SIZE, SIZE, generator=g))
    field = torch.fft.irfft2(spectrum * amplitude, s=(SIZE, SIZE))
    normalised: Tensor = field / field.std()
    return normalised


def rand(g: Generator, *shape: int) -> Tensor:
    """Return uniform numbers in [0,1)."""
    return torch.rand(*shape, generator=g)


def between(g: Generator, low: float, high: float) -> float:
    """Return one uniform number."""
    return low + (high - low) * float(rand(g, 1))


def whole(g: Generator, low: int, high: int) -> int:
    """Return one whole number, `high` included."""
    return int(torch.randint(low, high + 1, (1,), generator=g))


def blank(shade: Tensor | float = 0.5) -> Tensor:
    """Return maps [3,n,n] of this shade without ink or glass."""
    maps = torch.zeros(3, SIZE, SIZE)
    maps[0] = shade
    return maps


def cells(g: Generator, rows: int, columns: int, shift: float = 0.0) -> tuple[Tensor, ...]:
    """Return (place across, place up, random value) of the cell that holds each texel, [n,n] each.

    Places run over 0..1 inside a cell; odd rows are shifted by `shift` cells.
    """
    at = (torch.arange(SIZE) + 0.5) / SIZE
    row = (at * rows).floor()[:, None]
    across = at[None, :] * columns + shift * (row % 2)
    value = rand(g, rows, columns)[row.long(), across.floor().long() % columns]
    return across % 1, (at * rows % 1)[:, None].expand(SIZE, SIZE), value
