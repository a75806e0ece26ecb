# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendering of scenes at given times into images with exact depth, many scenes at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from jasmine_core.synthetic.blur import blurred, displacement
from jasmine_core.synthetic.camera_motion import Motion
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.indoor import indoor
from jasmine_core.synthetic.light import Light, Lights, daylight, develop, lamplight
from jasmine_core.synthetic.road import road
from jasmine_core.synthetic.room import room
from jasmine_core.synthetic.shade import shade
from jasmine_core.synthetic.solids import Solids, stack
from jasmine_core.synthetic.street import street
from jasmine_core.synthetic.textures import texture_banks
from jasmine_core.synthetic.trace import TILE, Hits, View, trace
from jasmine_core.synthetic.weather import lamps, weather

# Rays traced at once: enough to hide the cost of a call, few enough for a cache or a GPU's memory.
_RAYS = {"cpu": 1 << 19, "cuda": 1 << 25}


@dataclass(frozen=True)
class Scene:
    """Scene of one seed: objects, light, motion and intrinsics."""

    seed: int
    solids: Solids  # B = 1
    light: Light
    motion: Motion
    K: Tensor  # [3,3] [px]


@dataclass(frozen=True)
class Frames:
    """Rendered frames, [F,...] in the order of the request."""

    images: Tensor  # [F,3,H,W] in [0,1]
    depths: Tensor  # [F,1,H,W] metres along +Z, inf for sky
    moving: Tensor  # [F,1,H,W] bool


@lru_cache(maxsize=4096)
def scene(seed: int, config: WorldConfig) -> Scene:
    """Return the scene of a seed; its content depends on neither device nor image size."""
    bank = seed % config.texture_banks
    rng = Rng(seed, "camera")
    fov = math.radians(rng.within(config.fov))
    focal = config.width / 2 / math.tan(fov / 2)
    K = torch.tensor(
        [[focal, 0, (config.width - 1) / 2], [0, focal, (config.height - 1) / 2], [0, 0, 1]]
    )
    light = Rng(seed, "light")
    if config.kind == "street":
        solids, motion = street(seed, config)
        return Scene(seed, solids, daylight(light, bank), motion, K)
    if config.kind == "indoor":
        solids, motion = indoor(seed, config)
        return Scene(seed, solids, lamps(light, bank), motion, K)
    if config.kind == "road":
        solids, motion = road(seed, config)
        return Scene(seed, solids, weather(light, bank), motion, K)
    solids, motion = room(seed, config)
    return Scene(seed, solids, lamplight(light, bank), motion, K)


def offsets(supersample: int) -> Tensor:
    """Return the offsets of a pixel's rays [S,2] [px]: its centre and, above 1, a grid around."""
    if supersample == 1:
        return torch.zeros(1, 2)
    side = (torch.arange(supersample) + 0.5) / supersample - 0.5
    v, u = torch.meshgrid(side, side, indexing="ij")
    return torch.cat([torch.zeros(1, 2), torch.stack([u.flatten(), v.flatten()], dim=-1)])


def _exposed(
    linear: Tensor, view: View, solids: Solids, lights: Lights, hits: Hits, scenes: Sequence[Scene]
) -> Tensor:
    """Return linear light [F,3,H,W] with the blur of the camera's and the objects' motion."""
    shutter = lights.shutter[view.scene]  # [F]
    opening, closing = (
        torch.stack(
            [
                scenes[i].motion.pose((time + sign * duration / 2)[None].cpu())[0].float()
                for i, time, duration in zip(view.scene.tolist(), view.time, shutter, strict=True)
            ]
        ).to(linear.device)
        for sign in (-1, 1)
    )
    thing = (hits.key.long() // 4).clamp_min(0)  # [F,tiles,R]
    velocity = torch.cat(
        [
            view.image(solids.velocity[view.scene, :, i].gather(1, thing.flatten(1)).view_as(thing))
            for i in range(3)
        ],
        dim=1,
    )
    moved = displacement(view, view.image(hits.t), velocity, opening, closing, shutter)
    return torch.where(shutter[:, None, None, None] > 0, blurred(linear, moved), linear)


@torch.no_grad()
def render(
    scenes: Sequence[Scene],
    index: Tensor,
    time: Tensor,
    pose: Tensor,
    config: WorldConfig,
    device: torch.device,
) -> Frames:
    """Render frames [F]: scenes[index[i]] at time[i] [s] seen from T_world_camera pose[i]."""
    solids = stack([s.solids for s in scenes]).to(device)
    banks = sorted({int(s.light.bank) for s in scenes})
    if len(banks) > 1:  # all of them, or every mixture would be kept as a table of its own
        banks = list(range(config.texture_banks))
    table = texture_banks(tuple(banks), device)
    lights = Lights.stack([s.light for s in scenes], device).with_banks(banks)
    places = offsets(config.supersample).to(device)
    K = torch.stack([s.K for s in scenes]).to(device)
    # A seed's noise differs from frame to frame, and is the same whichever frames are asked for.
    seeds = torch.tensor([s.seed for s in scenes])[index] * 7919 + (time * 1000).round().long()
    index, pose, seeds = index.to(device), pose.float().to(device), seeds.to(device)
    time = time.float().to(device)

    rays = (
        math.ceil(config.width / TILE) * math.ceil(config.height / TILE) * TILE * TILE * len(places)
    )
    numbers, parts = torch.arange(len(index), device=device), []
    for f in torch.split(numbers, max(1, _RAYS[device.type] // rays)):
        at, size = index[f], (config.width, config.height)
        view = View(at, pose[f, :3, :3], pose[f, :3, 3], time[f], K[at], *size, places)
        hits = trace(view, solids)
        linear = shade(view, solids, lights, table, hits, config.shadows)
        thing = (hits.key.long() // 4).clamp_min(0)
        moving = solids.moving[at].gather(1, thing.flatten(1)).view_as(thing)
        if (solids.clear[at] > 0).any():
            behind = solids.opaque()
            seen = shade(view, behind, lights, table, trace(view, behind), config.shadows)
            clear = solids.clear[at].gather(1, thing.flatten(1)).view_as(thing) * (hits.key >= 0)
            linear = torch.lerp(linear, seen, view.image(clear))
        if lights.shutter[at].any():
            linear = _exposed(linear, view, solids, lights, hits, scenes)
        parts.append(
            Frames(
                develop(linear, lights, at, seeds[f]),
                view.image(hits.t),
                view.image(moving & (hits.key >= 0)),
            )
        )
    return Frames(
        *(torch.cat([getattr(p, name) for p in parts]) for name in ("images", "depths", "moving"))
    )
