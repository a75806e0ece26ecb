# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Warping of a source image to the camera pose of a target image, in torch.

    I_{s->t} = I_s < pi( K (R D K^-1 p + t) ) >          [R|t] = T_source_target        (Eq. 1)

The source image is sampled at the projections of the target's points. Matrix products over pixels
are avoided, because autocast and TF32 round products to about three digits, and a coordinate near
1000 px needs six.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

BEHIND = 1e-3  # [model units] least depth of a point that can be projected


class Warped(NamedTuple):
    """Source image, warped to the pose of the target."""

    image: Tensor  # [B,C,H,W]
    inside: Tensor  # [B,1,H,W] bool: the point is in front of the source camera and in its image


def rigid_transform(axis_angle: Tensor, translation: Tensor, invert: bool = False) -> Tensor:
    """Return T [B,4,4] that rotates by `axis_angle` [B,3] [rad], then translates by `translation`.

    `translation` is [B,3]; `invert` returns T^-1 instead. Rodrigues' formula is written with sinc,
    so that values and gradients are finite for a rotation of zero, which has no axis:

    R = cos a I + (sin a / a) [v]_x + ((1 - cos a) / a^2) v v^T        a = |v|
    """
    v = axis_angle
    angle = torch.linalg.vector_norm(v, dim=-1)[:, None, None]  # [B,1,1]
    sine = torch.sinc(angle / math.pi)  # sin(a) / a
    versine = torch.sinc(angle / (2 * math.pi)).square() / 2  # (1 - cos a) / a^2
    x, y, z = v.unbind(-1)
    o = torch.zeros_like(x)
    cross = torch.stack([o, -z, y, z, o, -x, -y, x, o], dim=-1).view(-1, 3, 3)  # [v]_x
    eye = torch.eye(3, dtype=v.dtype, device=v.device)
    R = torch.cos(angle) * eye + sine * cross + versine * (v[:, :, None] * v[:, None, :])
    t = translation
    if invert:
        R = R.transpose(1, 2)
        t = -(R * t[:, None, :]).sum(-1)
    last = torch.eye(4, dtype=v.dtype, device=v.device)[3:].expand(len(v), 1, 4)
    return torch.cat([torch.cat([R, t[:, :, None]], dim=2), last], dim=1)


def back_project(depth: Tensor, K: Tensor) -> Tensor:
    """Return the points [B,3,H,W] of a depth map [B,1,H,W]; K is [B,3,3] or [3,3] px."""
    height, width = depth.shape[-2:]
    u = torch.arange(width, dtype=K.dtype, device=K.device)
    v = torch.arange(height, dtype=K.dtype, device=K.device)[:, None]
    # Unlike inv, inv_ex does not wait for the GPU to check for a singular K; no camera has one.
    inverse: Tensor = torch.linalg.inv_ex(K).inverse
    k = inverse.expand(len(depth), 3, 3)[..., None, None]
    rays = k[:, :, 0] * u + k[:, :, 1] * v + k[:, :, 2]  # [B,3,H,W]
    return depth * rays


def project(points: Tensor, K: Tensor, T_source_target: Tensor) -> tuple[Tensor, Tensor]:
    """Return pixels [B,2,H,W] and depth [B,1,H,W] in the source of the target's points [B,3,H,W].

    Depth is along +Z of the source. Pixels of points behind the camera are finite, but not valid.
    """
    x, y, z = points[:, :, None].unbind(1)  # [B,1,H,W] each
    T = T_source_target[..., None, None]  # [B,4,4,1,1]
    moved = T[:, :3, 0] * x + T[:, :3, 1] * y + T[:, :3, 2] * z + T[:, :3, 3]  # [B,3,H,W]
    depth = moved[:, 2:]
    flat = moved[:, :2] / depth.clamp(min=BEHIND)
    k = K.expand(len(points), 3, 3)[..., None, None]
    return k[:, :2, 0] * flat[:, :1] + k[:, :2, 1] * flat[:, 1:] + k[:, :2, 2], depth


def warp(source: Tensor, depth: Tensor, K: Tensor, T_source_target: Tensor) -> Warped:
    """Return the source [B,C,H,W] warped to the target, for the target's depth [B,1,H,W].

    Depth and translation have the same unit. Both images have the same K [px]. Points that project
    outside the source get its nearest edge pixel and are not `inside`.
    """
    height, width = source.shape[-2:]
    pixels, distance = project(back_project(depth, K), K, T_source_target)
    u, v = pixels.unbind(1)  # [B,H,W] each
    grid = torch.stack([2 * u / (width - 1) - 1, 2 * v / (height - 1) - 1], dim=-1)  # in -1..1
    image = F.grid_sample(
        source.to(grid.dtype), grid, mode="bilinear", padding_mode="border", align_corners=True
    )
    # An image extends half a pixel beyond the centres of its outermost pixels.
    on_image = (u >= -0.5) & (u <= width - 0.5) & (v >= -0.5) & (v <= height - 0.5)
    inside = on_image[:, None] & (distance > BEHIND)
    return Warped(image, inside)
