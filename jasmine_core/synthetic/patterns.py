# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tileable patterns, each drawn by a few lines as (shade, ink, glass) maps of 256 x 256 texels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from jasmine_core.synthetic.mesh_pattern import mesh
from jasmine_core.synthetic.noise import SIZE, between, blank, cells, noise, rand, whole


def plaster(g: Generator) -> Tensor:
    """Draw plaster with faint stains."""
    maps = blank(0.5 + 0.03 * noise(g, 1.2) + 0.03 * noise(g, 0.2, low=24))
    maps[1] = (0.25 * noise(g, 1.4, high=16) - 0.2).clamp(0, 0.6)
    return maps


def asphalt(g: Generator) -> Tensor:
    """Draw asphalt: grit, blotches, cracks (ink) and a patch of repair (glass)."""
    maps = blank(0.5 + 0.11 * noise(g, 0.1, low=32) + 0.09 * noise(g, 0.9, high=40))
    thin = between(g, 0.0, 0.035)
    maps[1] = ((noise(g, 1.3, low=2, high=28).abs() < thin) & (noise(g, 1.5, high=4) > 0)).float()
    x, y, w, h = whole(g, 0, 160), whole(g, 0, 160), whole(g, 16, 90), whole(g, 16, 90)
    maps[2, y : y + h, x : x + w] = between(g, 0, 0.8)
    return maps


def slabs(g: Generator) -> Tensor:
    """Draw paving slabs with joints (ink)."""
    rows = (4, 8, 8, 16)[whole(g, 0, 3)]
    x, y, value = cells(g, rows, rows // (1, 2)[whole(g, 0, 1)], shift=(0.0, 0.5)[whole(g, 0, 1)])
    maps = blank(0.5 + 0.16 * (value - 0.5) + 0.05 * noise(g, 0.4))
    maps[1] = torch.maximum(x < 0.035, y < 0.035) * 0.9
    return maps


def _bricks(g: Generator) -> Tensor:
    x, y, value = cells(g, 32, 12, shift=0.5)
    maps = blank(0.5 + 0.22 * (value - 0.5) + 0.05 * noise(g, 0.5))
    maps[1] = torch.maximum(x < 0.07, y < 0.16) * 0.8
    return maps


def bricks(g: Generator) -> Tensor:
    """Draw bricks in running bond with mortar (ink)."""
    return _bricks(g)


def stones(g: Generator) -> Tensor:
    """Draw unequal stones: cells around random points with mortar (ink) between them."""
    points = rand(g, 90, 2)
    at = (torch.arange(SIZE) + 0.5) / SIZE
    grid = torch.stack(torch.meshgrid(at, at, indexing="ij"), dim=-1)  # [n,n,2]
    offset = (grid[:, :, None] - points + 0.5) % 1 - 0.5  # the nearest copy on the torus
    nearest, which = torch.linalg.vector_norm(offset, dim=-1).topk(2, largest=False)
    maps = blank(0.5 + 0.25 * (rand(g, 90)[which[..., 0]] - 0.5) + 0.06 * noise(g, 0.6))
    maps[1] = (nearest[..., 1] - nearest[..., 0] < 0.012).float()
    return maps


def concrete(g: Generator) -> Tensor:
    """Draw stained concrete panels with seams (ink)."""
    x, y, value = cells(g, 2, whole(g, 1, 3))
    streaks = noise(g, 0.8, low=2)[:1].expand(SIZE, SIZE) * y
    maps = blank(0.5 + 0.06 * (value - 0.5) + 0.05 * noise(g, 1.0) + 0.04 * streaks)
    maps[1] = torch.maximum(x < 0.015, y < 0.015) * 0.8
    return maps


def facade(g: Generator) -> Tensor:
    """Draw rows of windows (glass) with frames (ink) in brick or plaster."""
    maps = _bricks(g) if whole(g, 0, 1) else plaster(g)
    floors, columns = 4, 4
    width, height = between(g, 0.34, 0.62), between(g, 0.42, 0.62)
    frame, bars, sill = between(g, 0.03, 0.06), whole(g, 1, 3), whole(g, 0, 1)
    x, y, value = cells(g, floors, columns)
    u, v = (x - 0.5).abs() / width * 2, (y - 0.52).abs() / height * 2  # 1 at the window's border
    window = (u < 1) & (v < 1) & (value > between(g, 0, 0.12))
    bar = ((x - 0.5) / width * bars + 0.5 * (bars % 2)) % 1
    pane = (u < 1 - 2 * frame) & (v < 1 - 1.4 * frame) & ((bar - 0.5).abs() < 0.5 - frame * bars)
    border = (u < 1.12) & (v < 1.1) & (value > 0.12)
    maps[1] = torch.where(border, 1.0, maps[1])
    maps[0] = torch.where(border, 0.5, maps[0])
    if sill:
        maps[1] = torch.where((y < 0.05), 0.85, maps[1])
    curtain = (value * 7.3 % 1 < 0.35) & (y > 0.5 + (value * 3.7 % 1 - 0.5) * height)
    maps[2] = (window & pane) * torch.where(curtain, 0.35, 1.0)
    # A reflected gradient and different rooms behind the glass make every window unique.
    reflection = 0.25 + 0.5 * (value * 5.1 % 1) + 0.25 * (y - 0.5)
    maps[0] = torch.where(window & pane, reflection, maps[0])
    maps[0] = torch.where((u < 1) & (v >= 1) & (y > 0.5) & (v < 1.25), maps[0] * 0.7, maps[0])
    return maps


def roof(g: Generator) -> Tensor:
    """Draw rows of roof tiles."""
    x, y, value = cells(g, 24, 24, shift=0.5)
    bulge = 1 - (2 * x - 1).square()
    return blank(0.32 + 0.16 * bulge + 0.12 * (1 - y) + 0.12 * (value - 0.5) + 0.03 * noise(g, 1))


def planks(g: Generator) -> Tensor:
    """Draw boards with grain and joints (ink)."""
    columns = (6, 8, 12)[whole(g, 0, 2)]
    x, _, value = cells(g, 1, columns)
    grain = torch.nn.functional.interpolate(
        noise(g, 0.6, low=2)[None, None, : SIZE // 8], size=(SIZE, SIZE), mode="bilinear"
    )[0, 0]
    maps = blank(0.5 + 0.2 * (value - 0.5) + 0.07 * grain)
    maps[1] = (x < 0.06) * 0.9
    # Blend the ends so that the stretched grain stays tileable.
    fade = torch.linspace(0, 1, SIZE // 8)[:, None]
    maps[0, -SIZE // 8 :] = torch.lerp(
        maps[0, -SIZE // 8 :], maps[0, :1].expand(SIZE // 8, -1), fade
    )
    return maps


def parquet(g: Generator) -> Tensor:
    """Draw a floor of short staggered boards."""
    x, y, value = cells(g, 16, 3, shift=0.37)
    maps = blank(0.5 + 0.2 * (value - 0.5) + 0.06 * noise(g, 0.6).roll(1, 0))
    maps[1] = torch.maximum(x < 0.012, y < 0.07) * 0.8
    return maps


def grass(g: Generator) -> Tensor:
    """Draw grass with dry (ink) and bare (glass) places."""
    maps = blank(0.5 + 0.14 * noise(g, 0.2, low=12) + 0.05 * noise(g, 1.0, high=24))
    maps[1] = (0.3 * noise(g, 1.0, high=40) + 0.15).clamp(0, 1)
    maps[2] = (0.5 * noise(g, 1.2, high=20) - 0.9).clamp(0, 0.9)
    return maps


def leaves(g: Generator) -> Tensor:
    """Draw foliage: lit leaves (ink) and gaps of shade (glass)."""
    clumps = noise(g, 1.0, low=3, high=64)
    maps = blank(0.5 + 0.13 * noise(g, 0.3, low=10))
    maps[1] = (0.55 * clumps - 0.1 + 0.2 * noise(g, 0, low=30)).clamp(0, 1)
    maps[2] = (-0.7 * clumps - 0.45 + 0.25 * noise(g, 0, low=24)).clamp(0, 1)
    return maps


def bark(g: Generator) -> Tensor:
    """Draw bark: furrows along v."""
    ridges = noise(g, 0.8, low=4).roll(0)[: SIZE // 4].repeat_interleave(4, dim=0)
    return blank(0.5 + 0.13 * ridges + 0.04 * noise(g, 0.2))


def stripes(g: Generator) -> Tensor:
    """Draw upright stripes of unequal widths in three colours."""
    count = whole(g, 5, 12)
    edges = (rand(g, count).sort().values * SIZE).long()
    band = torch.bucketize(torch.arange(SIZE), edges) % count
    maps = blank(0.5 + 0.03 * noise(g, 0.4))
    kind = torch.randint(0, 3, (count,), generator=g)[band]
    maps[1], maps[2] = (kind == 1).float(), (kind == 2).float()
    return maps


def checker(g: Generator) -> Tensor:
    """Draw tiles in two alternating colours with joints (glass)."""
    count = (4, 6, 8)[whole(g, 0, 2)]
    x, y, value = cells(g, count, count)
    at = torch.arange(SIZE) * count // SIZE
    maps = blank(0.5 + 0.08 * (value - 0.5) + 0.03 * noise(g, 0.6))
    maps[1] = ((at[:, None] + at[None]) % 2) * 0.9
    maps[2] = torch.maximum(x < 0.04, y < 0.04) * 0.8
    return maps


def tiles(g: Generator) -> Tensor:
    """Draw plain tiles, a few of them coloured, with joints (glass)."""
    count = (8, 12, 16)[whole(g, 0, 2)]
    x, y, value = cells(g, count, count)
    maps = blank(0.5 + 0.07 * (value * 9 % 1 - 0.5) + 0.02 * noise(g, 0.6))
    maps[1] = (value < between(g, 0.02, 0.3)) * 0.9
    maps[2] = torch.maximum(x < 0.06, y < 0.06) * 0.9
    return maps


def motif(g: Generator) -> Tensor:
    """Draw a small figure repeated on a lattice, as on wallpaper and carpets."""
    count = (4, 6, 8)[whole(g, 0, 2)]
    x, y, _ = cells(g, count, count, shift=(0.0, 0.5)[whole(g, 0, 1)])
    radius, angle = torch.hypot(x - 0.5, y - 0.5), torch.atan2(y - 0.5, x - 0.5)
    petals = 0.3 + 0.12 * torch.cos(angle * whole(g, 3, 6) + between(g, 0, 3))
    maps = blank(0.5 + 0.03 * noise(g, 0.3) + 0.02 * noise(g, 1.2))
    maps[1] = (radius < petals).float() * between(g, 0.5, 1)
    maps[2] = (radius < between(g, 0.08, 0.2)).float()
    return maps


def weave(g: Generator) -> Tensor:
    """Draw cloth: fine threads and coarse irregular bands (ink)."""
    at = torch.arange(SIZE)
    threads = ((at[:, None] // 2 + at[None] // 2) % 2 - 0.5) * 0.08
    maps = blank(0.5 + threads + 0.06 * noise(g, 0.5) + 0.04 * noise(g, 1.2))
    maps[1] = (noise(g, 1.5, low=2, high=6) * 0.5).clamp(0, 0.5)
    return maps


def books(g: Generator) -> Tensor:
    """Draw two shelves of book spines; the gap above them is dark (glass)."""
    maps = blank(0.5)
    for shelf in range(2):
        x, bottom = 0, shelf * SIZE // 2 + 8
        maps[0, bottom - 8 : bottom] = 0.6
        maps[2, bottom : bottom + SIZE // 2 - 8] = 1
        while x < SIZE:
            wide, tall = whole(g, 5, 16), whole(g, 70, 112)
            spine = (slice(bottom, bottom + tall), slice(x, min(x + wide - 1, SIZE)))
            maps[0][spine], maps[2][spine] = between(g, 0.15, 0.85), 0
            maps[1][spine] = float(rand(g, 1).round()) * between(g, 0.3, 1)
            label = bottom + whole(g, 20, 60)
            maps[0, label : label + 6, spine[1]] += 0.2
            x += wide
    return maps


def poster(g: Generator) -> Tensor:
    """Draw a framed painting (ink = frame): random discs, bars and a horizon."""
    at = (torch.arange(SIZE) + 0.5) / SIZE
    y, x = at[:, None].expand(SIZE, SIZE), at[None].expand(SIZE, SIZE)
    maps = blank(0.45 + 0.1 * noise(g, 1.4))
    maps[2] = torch.where(y < between(g, 0.2, 0.6) + 0.06 * noise(g, 1.8)[:1], 0.8, 0.0)
    for _ in range(whole(g, 3, 8)):
        channel, value = whole(g, 0, 2), between(g, 0.05, 0.95)
        cx, cy, size = between(g, 0.1, 0.9), between(g, 0.1, 0.9), between(g, 0.05, 0.25)
        if whole(g, 0, 1):
            inside = torch.hypot(x - cx, y - cy) < size
        else:
            inside = ((x - cx).abs() < size) & ((y - cy).abs() < size * between(g, 0.2, 2))
        maps[channel] = torch.where(inside, value, maps[channel])
    edge = torch.maximum((x - 0.5).abs(), (y - 0.5).abs()) > between(g, 0.45, 0.48)
    maps[0], maps[1], maps[2] = (
        torch.where(edge, 0.5, maps[0]),
        torch.where(edge, 1.0, maps[1]),
        torch.where(edge, 0.0, maps[2]),
    )
    return maps


def sign(g: Generator) -> Tensor:
    """Draw a board with a border and lines of lettering (ink)."""
    x, y, value = cells(g, whole(g, 2, 4), 12)
    at = (torch.arange(SIZE) + 0.5) / SIZE
    inner = (at - 0.5).abs() < 0.42
    text = (y - 0.5).abs() < 0.28
    maps = blank(0.5)
    strokes = ((x * 3 + value * 5) % 1 < 0.45) & (value > 0.25)
    maps[1] = (inner[:, None] & inner[None] & text & strokes).float()
    maps[1] = torch.where(
        ((at - 0.5).abs() > 0.465)[:, None] | ((at - 0.5).abs() > 0.465), 1.0, maps[1]
    )
    return maps


def shutter(g: Generator) -> Tensor:
    """Draw horizontal slats, as of a garage door or a blind."""
    _, y, value = cells(g, 16, 1)
    maps = blank(0.35 + 0.25 * y + 0.05 * (value - 0.5) + 0.03 * noise(g, 1))
    maps[1] = (y < 0.12) * 0.7
    return maps


def pane(g: Generator) -> Tensor:
    """Draw glass or enamel with a trace of dust."""
    maps = blank(0.5 + 0.015 * noise(g, 1.0))
    maps[2] = 1
    return maps


def cloud(g: Generator) -> Tensor:
    """Draw smooth noise in all three channels; it modulates what repeats and makes the clouds."""
    return torch.stack([0.5 + 0.17 * noise(g, slope, high=40) for slope in (1.5, 1.5, 1.2)])


def grain(g: Generator) -> Tensor:
    """Draw fine grain; most of it is seen only from near."""
    return torch.stack([0.5 + 0.14 * noise(g, slope, low=2) for slope in (0.7, 0.6, 0.8)])


# Name -> (drawing, how many different ones a bank holds).
PATTERNS: dict[str, tuple[Callable[[Generator], Tensor], int]] = {
    "plaster": (plaster, 2), "asphalt": (asphalt, 3), "slabs": (slabs, 3), "bricks": (bricks, 1),
    "stones": (stones, 1), "concrete": (concrete, 2), "facade": (facade, 6), "roof": (roof, 1),
    "planks": (planks, 2), "parquet": (parquet, 1), "grass": (grass, 2), "leaves": (leaves, 2),
    "bark": (bark, 1), "stripes": (stripes, 2), "checker": (checker, 1), "tiles": (tiles, 2),
    "motif": (motif, 3), "weave": (weave, 2), "books": (books, 2), "poster": (poster, 5),
    "sign": (sign, 2), "shutter": (shutter, 1), "cloud": (cloud, 1), "grain": (grain, 1),
    "pane": (pane, 1), "mesh": (mesh, 3),
}  # fmt: skip
