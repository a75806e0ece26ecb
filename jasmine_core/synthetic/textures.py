# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Texture banks: every texture is three tileable maps, coloured by the palette of its object.

Channel 0 is the shade (the colour is multiplied by twice its value), channel 1 the ink and channel
2 the glass: the weights with which the second and the third colour of the palette cover the first.
So one brick pattern serves red walls with grey mortar and white walls with black mortar. Row 0 is
the bottom of a wall.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from jasmine_core.synthetic.noise import SIZE
from jasmine_core.synthetic.patterns import PATTERNS

LEVELS = SIZE.bit_length()  # mip levels, 256 x 256 down to 1 x 1
_NAMES = [name for name, (_, variants) in PATTERNS.items() for _ in range(variants)]
VARIANTS = {name: [i for i, n in enumerate(_NAMES) if n == name] for name in PATTERNS}
TEXELS = sum((SIZE >> level) ** 2 for level in range(LEVELS))  # of one texture with its mip-maps


@lru_cache(maxsize=16)
def texture_bank(seed: int) -> Tensor:
    """Return all textures with their mip-maps as one table, [textures * TEXELS, 3] half."""
    generator = torch.Generator().manual_seed(seed)
    textures = torch.stack([PATTERNS[name][0](generator) for name in _NAMES])  # [T,3,n,n]
    level = textures.clamp(0, 1)
    levels = []
    for _ in range(LEVELS):
        levels.append(level.flatten(2))  # [T,3,n*n]
        level = torch.nn.functional.avg_pool2d(level, 2) if level.shape[-1] > 1 else level
    return torch.cat(levels, dim=2).transpose(1, 2).reshape(-1, 3).half().contiguous()


@lru_cache(maxsize=8)
def texture_banks(seeds: tuple[int, ...], device: torch.device) -> Tensor:
    """Return several banks one after the other on a device, [banks * textures * TEXELS, 3] half."""
    return torch.cat([texture_bank(seed) for seed in seeds]).to(device)


def bank_start(bank: Tensor) -> Tensor:
    """Return the number of the first texture of each bank inside `texture_banks`."""
    return bank * len(_NAMES)


def sample(table: Tensor, texture: Tensor, uv: Tensor, footprint: Tensor) -> Tensor:
    """Look textures up trilinearly, [n,3] in [0,1].

    `uv` [n,2] counts tiles and `footprint` [n] is the size of a pixel in tiles.
    """
    level = torch.log2(footprint * SIZE).clamp(0, LEVELS - 1.001)
    fine = level.int()
    uv = uv - uv.floor()
    return torch.lerp(
        _bilinear(table, texture, uv, fine),
        _bilinear(table, texture, uv, fine + 1),
        (level - fine)[:, None],
    )


def sample_smooth(table: Tensor, texture: Tensor, uv: Tensor, footprint: Tensor) -> Tensor:
    """Look textures up bilinearly at the nearest mip level, [n,3]; for patterns without edges."""
    level = torch.log2(footprint * SIZE).round().clamp(0, LEVELS - 1)
    return _bilinear(table, texture, uv - uv.floor(), level.int())


def _bilinear(table: Tensor, texture: Tensor, uv: Tensor, level: Tensor) -> Tensor:
    side = torch.bitwise_right_shift(torch.full_like(level, SIZE), level)  # [n]
    # Levels before this one hold n^2 (1 + 1/4 + ...) texels.
    start = texture.int() * TEXELS + (4 * SIZE * SIZE - 4 * side * side) // 3
    size = side.float()
    position = torch.addcmul(uv.new_tensor(-0.5), uv, size[:, None])
    corner = position.floor()
    blend = position - corner
    x0, y0 = torch.where(corner < 0, corner + size[:, None], corner).unbind(1)
    x1, y1 = (torch.where(c + 1 >= size, c + 1 - size, c + 1) for c in (x0, y0))

    def row(y: Tensor) -> Tensor:
        left, right = (
            table.index_select(0, start + torch.addcmul(x, y, size).int()).float() for x in (x0, x1)
        )
        return torch.lerp(left, right, blend[:, :1])

    return torch.lerp(row(y0), row(y1), blend[:, 1:])
