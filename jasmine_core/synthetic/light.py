# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sun, sky and haze of a scene, and the camera response that turns linear light into an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from jasmine_core.synthetic.config import Colour, Rng
from jasmine_core.synthetic.textures import VARIANTS, sample_smooth

CLOUD = VARIANTS["cloud"][0]
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in a monochrome image


@dataclass(frozen=True)
class Light:
    """Light and camera response of one scene, in plain numbers."""

    sun: tuple[float, float, float]  # unit vector towards the sun or lamp, world frame
    sunlight: Colour  # on a surface that faces it
    above: Colour  # ambient light on a surface that looks up
    below: Colour  # ambient light on a surface that looks down
    horizon: Colour
    zenith: Colour
    clouds: float  # 0 clear .. 1 covered
    drift: tuple[float, float]  # where the clouds and stains lie [tiles]
    haze: float  # [1/m]
    exposure: float
    balance: Colour  # white balance
    gamma: float
    vignette: float  # loss of light in the corners, 0..1
    noise: float  # standard deviation in the finished image
    bank: float  # number of the texture bank
    wet: float = 0.0  # how much of the sky is mirrored by what looks up, 0..1
    colour: float = 1.0  # saturation: 0 for a monochrome camera
    shutter: float = 0.0  # exposure time [s]
    lamplight: Colour = (0.0, 0.0, 0.0)  # of a lamp, on a surface 1 m away that faces it
    lamp: tuple[float, float, float] = (0.0, -2.3, 0.0)  # where it hangs, world frame [m]


@dataclass(frozen=True)
class Lights:
    """Lights of B scenes: [B,3], [B,2] or [B] tensors of the same names."""

    sun: Tensor
    sunlight: Tensor
    above: Tensor
    below: Tensor
    horizon: Tensor
    zenith: Tensor
    clouds: Tensor
    drift: Tensor
    haze: Tensor
    exposure: Tensor
    balance: Tensor
    gamma: Tensor
    vignette: Tensor
    noise: Tensor
    bank: Tensor
    wet: Tensor
    colour: Tensor
    shutter: Tensor
    lamplight: Tensor
    lamp: Tensor

    @classmethod
    def stack(cls, lights: Sequence[Light], device: torch.device) -> Lights:
        """Join scenes along the batch."""
        return cls(
            *(
                torch.tensor([getattr(x, f.name) for x in lights], device=device)
                for f in fields(Light)
            )
        )

    def with_banks(self, banks: list[int]) -> Lights:
        """Return the lights with bank numbers counted inside a table of just these banks."""
        places = torch.searchsorted(self.bank.new_tensor(banks), self.bank)
        return replace(self, bank=places)


def unit(azimuth: float, elevation: float) -> tuple[float, float, float]:
    """Return the unit vector towards a direction of the sky, angles in radians."""
    flat = math.cos(elevation)
    return flat * math.sin(azimuth), -math.sin(elevation), flat * math.cos(azimuth)


def scaled(colour: Colour, factor: float) -> Colour:
    """Return a colour with its brightness changed."""
    r, g, b = colour
    return r * factor, g * factor, b * factor


def daylight(rng: Rng, bank: int) -> Light:
    """Sample a time of day and a weather, sunny to overcast, with a warm or a white sun."""
    elevation = math.radians(rng.uniform(18, 65))
    sunny = rng.choice((0.0, 0.4, 0.8, 1.0)) * rng.uniform(0.7, 1.0)
    warm = max(0.0, 1 - elevation / math.radians(45))
    if sunny == 0:
        elevation = math.radians(80)  # an overcast sky is brightest overhead
    sunlight = scaled((1.0, 0.95 - 0.15 * warm, 0.86 - 0.34 * warm), 0.4 + 2.8 * sunny)
    ambient = 1.0 - 0.5 * sunny
    blue = rng.uniform(0.6, 1.0) * sunny
    grey = rng.uniform(0.75, 1.1)
    horizon = scaled((1 - 0.35 * blue, 1 - 0.18 * blue, 1.0), grey)
    zenith = scaled((0.75 - 0.63 * blue, 0.8 - 0.5 * blue, 0.88 - 0.1 * blue), grey)
    brightness = 0.55 * sum(sunlight) / 3 + ambient
    return Light(
        sun=unit(rng.uniform(-math.pi, math.pi), elevation),
        sunlight=sunlight,
        above=scaled((0.92, 0.97, 1.08), ambient),
        below=scaled((1.0, 0.95, 0.88), ambient * 0.45),
        horizon=rng.tinted(horizon, 0.06),
        zenith=rng.tinted(zenith, 0.12),
        clouds=rng.uniform(0.0, 0.8) if sunny else rng.uniform(0.6, 1.0),
        drift=(rng.random(), rng.random()),
        haze=rng.choice((0.0004, 0.0008, 0.0015, 0.004)) * rng.uniform(0.5, 1.5),
        exposure=rng.uniform(0.9, 1.7) / brightness,
        balance=rng.tinted((1.0, 1.0, 1.0), 0.08),
        gamma=rng.uniform(1.9, 2.4),
        vignette=rng.uniform(0.0, 0.25),
        noise=rng.uniform(0.001, 0.008),
        bank=float(bank),
    )


def lamplight(rng: Rng, bank: int) -> Light:
    """Sample the light of a room: a lamp near the ceiling or a bright window to one side."""
    window = rng.chance(0.5)
    elevation = math.radians(rng.uniform(35, 55) if window else rng.uniform(60, 80))
    tone = rng.tinted((1.0, 0.95, 0.88) if window else (1.0, 0.86, 0.68), 0.1)
    ambient = rng.uniform(0.55, 0.9)
    return Light(
        sun=unit(rng.uniform(-math.pi, math.pi), elevation),
        sunlight=scaled(tone, rng.uniform(0.5, 1.3)),
        above=scaled(rng.tinted((1.0, 0.97, 0.92), 0.06), ambient),
        below=scaled(rng.tinted((1.0, 0.93, 0.82), 0.06), ambient * rng.uniform(0.5, 0.8)),
        horizon=(1.0, 1.0, 1.0),
        zenith=(0.7, 0.8, 1.0),
        clouds=0.5,
        drift=(rng.random(), rng.random()),
        haze=0.0,
        exposure=rng.uniform(0.65, 1.1),
        balance=rng.tinted((1.0, 1.0, 1.0), 0.1),
        gamma=rng.uniform(1.9, 2.4),
        vignette=rng.uniform(0.0, 0.3),
        noise=rng.uniform(0.001, 0.010),
        bank=float(bank),
    )


def sky(lights: Lights, scene: Tensor, direction: Tensor, table: Tensor, start: Tensor) -> Tensor:
    """Return the light [n,3] that comes from directions [n,3] of the world.

    `start` [B] is the number of the first texture of each scene's bank in `table`.
    """
    up = -direction[:, 1] / torch.linalg.vector_norm(direction, dim=-1)
    height = up.clamp(0, 1)[:, None]
    clear = torch.lerp(lights.horizon[scene], lights.zenith[scene], height.sqrt())
    # Clouds lie on a plane high above the ground and merge towards the horizon.
    plane = direction[:, ::2] / (-direction[:, 1:2]).clamp_min(0.04)
    uv = plane * 0.06 + lights.drift[scene]
    texture = start[scene] + CLOUD
    detail = torch.zeros_like(up)  # the finest level: clouds are smooth
    billow = 0.6 * sample_smooth(table, texture, uv, detail)[:, :1]
    billow = billow + 0.4 * sample_smooth(table, texture, 3 * uv, detail)[:, 1:2]
    cover = lights.clouds[scene][:, None]
    weight = ((billow - 0.62 + 0.4 * cover) * 4).clamp(0, 1) * (height * 6).clamp(0, 1)
    white = lights.horizon[scene] * (0.75 + 0.5 * billow)
    return torch.lerp(clear, white, weight * (0.35 + 0.6 * cover))


def white_noise(seed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return noise of mean 0 and deviation 1, [F,*shape]: a hash of seed [F] and place.

    A hash gives the same noise on every device and in every batch, unlike a generator.
    """
    count = math.prod(shape)
    mask = 0xFFFFFFFF
    x = torch.arange(count, device=seed.device) * 0x9E3779B1 + seed[:, None] * 0x85EBCA6B
    for multiplier in (0x21F0AAAD, 0x735A2D97):
        x = x & mask
        x = ((x ^ (x >> 16)) * multiplier) & mask
    x = x ^ (x >> 15)
    pair = (x & 0xFFFF) + (x >> 16)  # two uniform numbers make a triangular one
    return ((pair.float() / 65535 - 1) * math.sqrt(6)).view(-1, *shape)


def develop(linear: Tensor, lights: Lights, scene: Tensor, seed: Tensor) -> Tensor:
    """Return the image [F,3,H,W] in [0,1] of linear light [F,3,H,W]."""
    H, W = linear.shape[-2:]
    v = torch.linspace(-1, 1, H, device=linear.device)[:, None] * (H / W)
    u = torch.linspace(-1, 1, W, device=linear.device)[None]
    corner = (u * u + v * v) / (1 + (H / W) ** 2)  # 1 in the corners
    gain = (lights.exposure[:, None] * lights.balance)[scene][:, :, None, None]
    light = linear * gain * (1 - lights.vignette[scene][:, None, None, None] * corner)
    # A soft knee keeps bright skies and walls from clipping to plain white.
    light = light.clamp_min(1e-6) * (1 + light**4) ** -0.25
    image = light ** (1 / lights.gamma[scene][:, None, None, None])
    amount = lights.noise[scene][:, None, None, None]
    image = (image + amount * white_noise(seed, (3, H, W))).clamp(0, 1)
    colour = lights.colour[scene][:, None, None, None]
    if (colour == 1).all():
        return image
    grey = (image * image.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
    return torch.where(colour == 1, image, torch.lerp(grey, image, colour).clamp(0, 1))
