# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal loss, an addition to the paper: neighbouring images agree about one static point.

    L_t = < | ln z(p) - ln D_s(p') | >      (p', z) = pi(K T D(p) K^-1 p)      T = T_source_target

The predicted depth D of the target is carried into the source by the known motion T, and compared
with the depth D_s that is predicted there. D_s has no gradient: every image is a target in its own
turn. A logarithm counts near and far the same, and TAE is close to the mean of this difference.

A depth that ignores the image has a small L_t. Other terms must teach depth, and the weight of this
one must be smaller.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jasmine_core.geometry.warp import back_project, project, warp

NEAREST = 1e-2  # units; as in the supervised loss
OCCLUDED = 0.25  # logarithmic difference above which a point is hidden in the source, or moves


def temporal_loss(
    depth: Tensor, source_depth: Tensor, K: Tensor, T_source_target: Tensor, static: Tensor
) -> Tensor:
    """Return L_t over the static pixels of each image, then over images.

    Pixels outside the source, and those that differ by more than `OCCLUDED`, do not count. Images
    without a known motion (NaN), or without such pixels, add zero.

    Args:
        depth: predicted depth [B,1,H,W] of the target, units.
        source_depth: predicted depth [B,1,H,W] of the source, units.
        K: intrinsics [B,3,3] or [3,3] px.
        T_source_target: motion [B,4,4], translation in units.
        static: mask [B,1,H,W] of the target's pixels that do not move by themselves.
    """
    known = T_source_target.isfinite().flatten(1).all(1)[:, None, None]  # [B,1,1]
    eye = torch.eye(4, dtype=depth.dtype, device=depth.device)
    T = torch.where(known, T_source_target.to(depth.dtype), eye)
    K = K.to(depth.dtype)
    there = warp(source_depth.detach(), depth, K, T)  # D_s(p')
    _, z = project(back_project(depth, K), K, T)  # [B,1,H,W]
    difference = z.clamp(min=NEAREST).log() - there.image.clamp(min=NEAREST).log()
    counted = static & there.inside & known[..., None] & (difference.detach().abs() < OCCLUDED)
    weight = counted.to(depth.dtype)
    sums = (difference.abs() * weight).flatten(1).sum(1)  # [B]
    return (sums / weight.flatten(1).sum(1).clamp(min=1)).mean()
