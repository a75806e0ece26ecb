# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Drives through a procedural world: images with exact depth, pose and odometry, from a seed.

`render_drive` makes one scene, for bags, tests and data sets on disk; `render_clips` makes many at
once, each at times of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from jasmine_core.synthetic.config import WorldConfig
from jasmine_core.synthetic.render import render, scene

__all__ = ["Clips", "Drive", "WorldConfig", "render_clips", "render_drive"]

Device = str | torch.device


@dataclass
class Drive:
    """N images of one scene with their depth, poses and velocities.

    The camera is the optical frame (x right, y down, z forward); the world has the same axes at the
    start of the street or in the middle of the room, its origin on the ground.
    """

    images: Tensor  # [N,3,H,W] RGB in [0,1]
    depths: Tensor  # [N,1,H,W] metres along +Z at the pixel's centre, inf for sky
    K: Tensor  # [3,3] [px], pixel centres at integers
    T_world_camera: Tensor  # [N,4,4]
    velocity: Tensor  # [N,3] of the camera in its own frame [m/s]
    angular_velocity: Tensor  # [N,3] of the camera in its own frame [rad/s]
    stamps: list[int]  # [ns] since the start of the scene
    moving: Tensor  # [N,1,H,W] bool, pixels on moving objects


@dataclass
class Clips:
    """B scenes of N images; the fields are those of `Drive` with a batch in front."""

    images: Tensor  # [B,N,3,H,W]
    depths: Tensor  # [B,N,1,H,W]
    K: Tensor  # [B,3,3]
    T_world_camera: Tensor  # [B,N,4,4]
    velocity: Tensor  # [B,N,3]
    angular_velocity: Tensor  # [B,N,3]
    times: Tensor  # [B,N] since the start of each scene [s], float64
    moving: Tensor  # [B,N,1,H,W]


def render_clips(
    seeds: list[int], times: Tensor, config: WorldConfig, device: Device = "cpu"
) -> Clips:
    """Render the scenes of several seeds at once, each at its own times [B,N] [s]."""
    device = torch.device(device)
    scenes = [scene(seed, config) for seed in seeds]
    B, N = times.shape
    times = times.double().cpu()
    pose = torch.stack([s.motion.pose(t) for s, t in zip(scenes, times, strict=True)])
    speeds = [s.motion.velocity(t) for s, t in zip(scenes, times, strict=True)]
    index = torch.arange(B).repeat_interleave(N)
    frames = render(scenes, index, times.flatten(), pose.flatten(0, 1), config, device)

    def batch(values: Tensor) -> Tensor:
        return values.view(B, N, *values.shape[1:])

    return Clips(
        images=batch(frames.images),
        depths=batch(frames.depths),
        K=torch.stack([s.K for s in scenes]).to(device),
        T_world_camera=pose.float().to(device),
        velocity=torch.stack([linear for linear, _ in speeds]).float().to(device),
        angular_velocity=torch.stack([angular for _, angular in speeds]).float().to(device),
        times=times,
        moving=batch(frames.moving),
    )


def render_drive(seed: int, config: WorldConfig, device: Device = "cpu") -> Drive:
    """Render the scene of a seed from its start to its end."""
    times = torch.arange(config.frames, dtype=torch.float64)[None] / config.rate
    clips = render_clips([seed], times, config, device)
    return Drive(
        images=clips.images[0],
        depths=clips.depths[0],
        K=clips.K[0],
        T_world_camera=clips.T_world_camera[0],
        velocity=clips.velocity[0],
        angular_velocity=clips.angular_velocity[0],
        stamps=[round(i * 1e9 / config.rate) for i in range(config.frames)],
        moving=clips.moving[0],
    )
