# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth for a canonical focal length, the same for all cameras.

    D_canonical = D f_canonical / f_x                                  (Metric3D, arXiv 2307.10984)

With twice the focal length, an object looks like one at half the distance. From pixels alone, a
network can only learn canonical depth; f_x of the camera converts it to metres. f_x is that of the
network's image [px].
"""

from __future__ import annotations

from torch import Tensor


def focal_ratio(K: Tensor, canonical: float) -> Tensor:
    """Return the factor f_x / f_canonical [B,1,1,1] from canonical to real depth; K [B,3,3] px."""
    return (K[:, 0, 0] / canonical)[:, None, None, None]


def canonical_depth(depth: Tensor, ratio: Tensor, farthest: float) -> Tensor:
    """Return the canonical depth [B,1,H,W] of real depth, at most `farthest`; 0 is unknown.

    Depth at `farthest` is sky and is not scaled.
    """
    scaled = (depth / ratio).clamp(max=farthest)
    return scaled.where(depth < farthest, depth.clamp(max=farthest))
