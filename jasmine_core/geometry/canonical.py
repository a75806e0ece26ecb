# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Canonical focal length: what depth would be if every camera had the same one.

    D_canonical = D f_canonical / f_x                                  (Metric3D, arXiv 2307.10984)

A lens that enlarges by two shows an object as if it were at half its distance. A network that sees
pixels alone can only learn the canonical depth; the camera's own f_x turns it into metres. f_x is
that of the image that the network sees, in its pixels.
"""

from __future__ import annotations

from torch import Tensor


def focal_ratio(K: Tensor, canonical: float) -> Tensor:
    """Return f_x / f_canonical [B,1,1,1] of K [B,3,3] px; canonical depth times it is real."""
    return (K[:, 0, 0] / canonical)[:, None, None, None]


def canonical_depth(depth: Tensor, ratio: Tensor, farthest: float) -> Tensor:
    """Return canonical depth [B,1,H,W] of real depth, up to `farthest`; 0 = unknown stays 0.

    Depth at `farthest` is sky, which no lens brings nearer.
    """
    scaled = (depth / ratio).clamp(max=farthest)
    return scaled.where(depth < farthest, depth.clamp(max=farthest))
