# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Motion blur: the mean of an image along the way of every pixel while the shutter is open."""

from __future__ import annotations

import torch
from torch import Tensor

from jasmine_core.synthetic.trace import View

SAMPLES = 7  # along the way
SKY = 1e4  # depth of the sky [m]
LONGEST = 0.06  # of a way, as a share of the image's width


def displacement(
    view: View, depth: Tensor, velocity: Tensor, opening: Tensor, closing: Tensor, shutter: Tensor
) -> Tensor:
    """Return how far each pixel moves while the shutter is open, [F,2,H,W] in pixels.

    Args:
        view: cameras in the middle of the exposure.
        depth: [F,1,H,W] metres along +Z.
        velocity: [F,3,H,W] of what is seen, in the world [m/s].
        opening: [F,4,4] T_world_camera when the shutter opens.
        closing: [F,4,4] T_world_camera when it closes.
        shutter: [F] time between the two [s].
    """
    H, W = depth.shape[-2:]
    v, u = torch.meshgrid(
        torch.arange(H, device=depth.device), torch.arange(W, device=depth.device), indexing="ij"
    )
    pixel = torch.stack([u, v, torch.ones_like(u)]).float().flatten(1)  # [3,HW]
    ray = torch.linalg.inv(view.K) @ pixel  # [F,3,HW]
    point = view.rotation @ (ray * depth.nan_to_num(posinf=SKY).clamp_max(SKY).flatten(2))
    point = point + view.position[..., None]

    def seen(pose: Tensor, time: Tensor) -> Tensor:  # [F,2,HW] px
        at = point + velocity.flatten(2) * time[:, None, None]
        local = pose[:, :3, :3].transpose(1, 2) @ (at - pose[:, :3, 3:])
        image = view.K @ local
        places: Tensor = image[:, :2] / image[:, 2:].clamp_min(0.05)
        return places

    moved = seen(closing, shutter / 2) - seen(opening, -shutter / 2)
    limit = LONGEST * W
    length = moved.norm(dim=1, keepdim=True).clamp_min(1e-6)
    shortened: Tensor = moved * (limit / length).clamp_max(1.0)
    return shortened.view(-1, 2, H, W)


def blurred(light: Tensor, moved: Tensor) -> Tensor:
    """Return the mean of linear light [F,3,H,W] along displacements [F,2,H,W] in pixels."""
    H, W = light.shape[-2:]
    v, u = torch.meshgrid(
        torch.arange(H, device=light.device), torch.arange(W, device=light.device), indexing="ij"
    )
    total = torch.zeros_like(light)
    for step in range(SAMPLES):
        share = (step + 0.5) / SAMPLES - 0.5
        x = (u + share * moved[:, 0] + 0.5) * 2 / W - 1
        y = (v + share * moved[:, 1] + 0.5) * 2 / H - 1
        grid = torch.stack([x, y], dim=-1)
        total += torch.nn.functional.grid_sample(
            light, grid, padding_mode="border", align_corners=False
        )
    return total / SAMPLES
