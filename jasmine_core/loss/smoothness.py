# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Smoothness loss: depth changes where the image does (ground-contact prior, §C.1).

    L_GDS = mean |d_x D^| e^-|d_x I| + mean M_gr |d_y D^| e^-|d_y I|      D^ = D / mean(D)
    M_gr  = 100 M_dyn + (1 - M_dyn)

On moving things, which the photometric loss sees at a wrong depth, the vertical gradient weighs a
hundredfold: their feet stand on the ground and the rest of them is as far away as their feet.
"""

from __future__ import annotations

from torch import Tensor

DYNAMIC_WEIGHT = 100.0


def mean_normalised(depth: Tensor) -> Tensor:
    """Return D^ = D / mean(D), computed for each map [1,H,W] of the batch."""
    return depth / (depth.mean((1, 2, 3), keepdim=True) + 1e-7)


def smoothness_loss(depth: Tensor, image: Tensor, dynamic: Tensor | None = None) -> Tensor:
    """Return L_GDS of depth [B,1,H,W] over images [B,3,H,W] in [0,1].

    `dynamic` [B,1,H,W] bool is M_dyn; without it the loss is the plain edge-aware one. The scale of
    the depth does not matter; an inverse depth may take its place.
    """
    depth = mean_normalised(depth)
    across, down = _gradient(depth, -1), _gradient(depth, -2)  # [B,1,H,W-1], [B,1,H-1,W]
    across = across * (-_gradient(image, -1).mean(1, keepdim=True)).exp()
    down = down * (-_gradient(image, -2).mean(1, keepdim=True)).exp()
    if dynamic is not None:
        down = down * (1 + (DYNAMIC_WEIGHT - 1) * dynamic[:, :, :-1].to(depth.dtype))
    return across.mean() + down.mean()


def _gradient(values: Tensor, dim: int) -> Tensor:
    return values.diff(dim=dim).abs()
