# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shading of hits: pattern and palette, sun with shadow, ambient light, haze.

A pixel is shaded once, at its centre, with textures filtered to its footprint; of its other rays
only those that met another face than the centre's are shaded on their own (multisampling).
"""

from __future__ import annotations

import torch
from torch import Tensor

from jasmine_core.synthetic.intersect import ROUND
from jasmine_core.synthetic.light import CLOUD, Lights, sky
from jasmine_core.synthetic.solids import ELLIPSOID, TAPER, Solids
from jasmine_core.synthetic.textures import VARIANTS, bank_start, sample, sample_smooth
from jasmine_core.synthetic.trace import TILE, Hits, View, shadow, to_unit

GRAIN = VARIANTS["grain"][0]
GRAIN_SPAN, STAIN_SPAN = 2.3, 37.0  # tile sizes of the fine and the coarse modulation [m]
SOFTNESS = 0.06  # way inside a solid that takes all the sun [m]


def shade(
    view: View, solids: Solids, lights: Lights, table: Tensor, hits: Hits, shadows: bool
) -> Tensor:
    """Return the linear light of every pixel, [F,3,H,W]."""
    frames, tiles, rays = hits.t.shape
    pixels = TILE * TILE
    # 1. Which rays need a colour of their own.
    key = hits.key.view(frames, tiles, -1, pixels)  # [F,tiles,S,pixels]
    own = key != key[:, :, :1]
    own[:, :, 0] = True
    own = own.flatten(2)
    light = torch.zeros(frames, tiles, rays, 3, device=hits.t.device)
    rows, columns = view.grid
    X, Y = view.slopes()

    def slopes(frame: Tensor, tile: Tensor, ray: Tensor) -> Tensor:
        x, y = X[frame, tile % columns, ray], Y[frame, tile // columns, ray]
        return torch.stack([x, y, torch.ones_like(x)], dim=-1)  # [n,3] camera frame

    # 2. Sky and solids.
    where = (own & (hits.key.flatten(2) < 0)).nonzero(as_tuple=True)
    direction = (view.rotation[where[0]] * slopes(*where)[:, None]).sum(-1)
    start = bank_start(lights.bank.long())
    light[where] = sky(lights, view.scene[where[0]], direction, table, start)

    where = (own & (hits.key.flatten(2) >= 0)).nonzero(as_tuple=True)
    light[where] = _surface(
        view,
        solids,
        lights,
        table,
        where[0],
        slopes(*where),
        hits.t[where],
        hits.key[where],
        shadows,
    )

    # 3. The rest takes the colour of its centre; then the mean over the samples.
    light = light.view(frames, tiles, -1, pixels, 3)
    light = torch.where(own.view(frames, tiles, -1, pixels, 1), light, light[:, :, :1])
    light = light.mean(2).view(frames, rows, columns, TILE, TILE, 3)
    light = light.permute(0, 5, 1, 3, 2, 4).reshape(frames, 3, rows * TILE, columns * TILE)
    return light[:, :, : view.height, : view.width]


def _surface(
    view: View, solids: Solids, lights: Lights, table: Tensor,
    frame: Tensor, slope: Tensor, t: Tensor, key: Tensor, shadows: bool,
) -> Tensor:  # fmt: skip
    """Return the light [n,3] from points at depth t [n] along camera rays `slope` [n,3]."""
    scene = view.scene[frame]
    thing, face = key.long() // 4, key.long() % 4
    at = scene * solids.shape.shape[1] + thing  # [n] into the flattened objects

    def of(values: Tensor) -> Tensor:
        return values.flatten(0, 1).index_select(0, at)

    # 1. Where on its solid each point lies, and the normal there.
    linear, origin = (x.flatten(0, 1) for x in to_unit(solids, view))
    seen = frame * solids.shape.shape[1] + thing  # [n] into the objects of all frames
    turned = (linear.index_select(0, seen) * slope[:, None]).sum(-1)
    local = torch.addcmul(origin.index_select(0, seen), t[:, None], turned)
    half, rotation, shape = of(solids.half), of(solids.rotation), of(solids.shape)
    outward = _gradient(local, face, shape, of(solids.taper)) / half
    outward = torch.nn.functional.normalize(outward, dim=-1)  # [n,3] object frame
    normal = (rotation * outward[:, None]).sum(-1)  # world frame
    direction = (view.rotation[frame] * slope[:, None]).sum(-1)
    point = view.position[frame] + t[:, None] * direction

    # 2. Pattern: metres on the face that looks most along the normal, then tiles.
    axis = torch.where(face == ROUND, outward.abs().argmax(-1), face)
    metres = (local + torch.where(shape == ELLIPSOID, 0, 1)[:, None]) * half  # from a corner
    across = torch.where(axis == 0, metres[:, 2], metres[:, 0])
    up = torch.where(axis == 1, metres[:, 2], 2 * half[:, 1] - metres[:, 1])
    tiling = of(solids.tiling)
    uv = torch.stack([across, up], dim=-1) / tiling[:, :1] + tiling[:, 1:]
    start = bank_start(lights.bank.long())[scene]
    texture = start + torch.where(axis == 1, of(solids.texture)[:, 1], of(solids.texture)[:, 0])
    # A pixel covers t/f across the view and, seen at a slant, 1/cos as much along it. The geometric
    # mean is the usual compromise of an isotropic filter between blur and flicker.
    length = torch.linalg.vector_norm(direction, dim=-1)
    facing = (-(normal * direction).sum(-1) / length).clamp(1 / 16, 1)
    footprint = t * length / view.K[frame, 0, 0] * facing.rsqrt()
    maps = sample(table, texture, uv, footprint / tiling[:, 0])
    ink, glass = maps[:, 1:2], maps[:, 2:3]
    palette = of(solids.palette)
    colour = torch.lerp(palette[:, :3], palette[:, 3:6], ink)
    colour = torch.lerp(colour, palette[:, 6:], glass) * (2 * maps[:, :1])
    # Grain that only a near camera sees, and stains wider than any tile: without them the repeating
    # pattern could be matched to itself one period off.
    fine = uv * (tiling[:, :1] / GRAIN_SPAN)
    grain = sample_smooth(table, start + GRAIN, fine, footprint / GRAIN_SPAN)[:, :1]
    wide = uv * (tiling[:, :1] / STAIN_SPAN) + lights.drift[scene]
    stain = sample_smooth(table, start + CLOUD, wide, footprint / STAIN_SPAN)
    sheen = of(solids.sheen)
    glow, gloss = sheen[:, :1], sheen[:, 1:2]
    wear = (0.5 + stain[:, 1:2]) * (0.55 + 0.9 * grain) * (0.94 + 0.12 * stain)
    clean = torch.maximum(glow, 0.7 * glass)  # lamps, windows and cars have no stains
    colour = colour * torch.lerp(wear, torch.ones_like(wear), clean)
    # Water darkens what looks up and makes it a mirror at grazing angles.
    wet = lights.wet[scene] * (-normal[:, 1]).clamp_min(0) ** 4
    colour = colour * (1 - 0.4 * wet)[:, None]

    # 3. Light: sun or lamp, hemisphere of ambient light, mirrored sky on glass.
    sun = lights.sun[view.scene]
    facing_sun = (normal * sun[frame]).sum(-1).clamp_min(0)
    if shadows:
        facing_sun = facing_sun * shadow(
            solids, view.scene, view.time, sun, frame, point + 1e-3 * normal, SOFTNESS
        )
    upward = (0.5 - 0.5 * normal[:, 1])[:, None]
    ambient = torch.lerp(lights.below[scene], lights.above[scene], upward)
    if lights.lamplight.any():  # it fades with the square of the distance, softly near the lamp
        towards = lights.lamp[scene] - point
        squared = towards.square().sum(-1)
        facing_lamp = (normal * towards).sum(-1).clamp_min(0) * squared.clamp_min(1e-6).rsqrt()
        fading = (2.0 * facing_lamp / (1 + squared))[:, None]
        ambient = ambient + lights.lamplight[scene] * fading
    lit = colour * (ambient + lights.sunlight[scene] * facing_sun[:, None])
    ray = direction / length[:, None]
    mirrored = ray - 2 * (ray * normal).sum(-1, keepdim=True) * normal
    bright = torch.lerp(
        lights.horizon[scene], lights.zenith[scene], (-mirrored[:, 1:2]).clamp(0, 1)
    ) * (0.25 + 0.75 * (0.5 - 4 * mirrored[:, 1:2]).clamp(0, 1))
    fresnel = 0.15 + 0.85 * (1 - facing[:, None]) ** 4
    puddles = (wet * (0.35 + 0.65 * stain[:, 0]))[:, None] * (1 - facing[:, None]) ** 3
    lit = torch.lerp(lit, bright, torch.maximum(gloss * glass * fresnel, puddles.clamp_max(0.8)))
    lit = torch.lerp(lit, colour, glow)
    clear = torch.exp(-lights.haze[scene] * t)[:, None]
    return torch.lerp(lights.horizon[scene], lit, clear)


def _gradient(local: Tensor, face: Tensor, shape: Tensor, taper: Tensor) -> Tensor:
    """Return the outward normal in unit coordinates (not of unit length), [n,3]."""
    axes = torch.nn.functional.one_hot(face.clamp_max(2), 3)
    flat = local.sign() * axes
    # The slanted sides of a taper also look up: the gradient of ±x - (a/2) y.
    slant = (shape == TAPER) & (face != 1)
    rise = -torch.where(face == 0, taper[:, 0], taper[:, 1]) / 2
    flat[:, 1] = torch.where(slant, rise, flat[:, 1])
    around = local * torch.stack(
        [torch.ones_like(face), (shape == ELLIPSOID).long(), torch.ones_like(face)], dim=-1
    )
    return torch.where((face == ROUND)[:, None], around, flat)
