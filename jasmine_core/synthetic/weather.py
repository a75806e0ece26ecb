# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weathers, times of day and cameras: low sun, dusk, rain, haze, monochrome, motion blur."""

from __future__ import annotations

import math
from dataclasses import replace

from jasmine_core.synthetic.config import Rng
from jasmine_core.synthetic.light import Light, daylight, lamplight, scaled, unit

WEATHERS = (
    "day",
    "day",
    "day",
    "day",
    "low sun",
    "low sun",
    "overcast",
    "overcast",
    "rain",
    "dusk",
    "haze",
)


def weather(rng: Rng, bank: int) -> Light:
    """Sample a weather, a time of day and a camera for an outdoor scene."""
    kind, light = rng.choice(WEATHERS), daylight(rng, bank)
    # Clear air is usual: far things must not be known by their haze alone.
    light = replace(light, haze=math.exp(rng.uniform(math.log(5e-5), math.log(2e-3))))
    if kind == "low sun":
        light = _low_sun(rng, light)
    elif kind in ("overcast", "rain"):
        light = _grey(rng, light, rain=kind == "rain")
    elif kind == "dusk":
        light = _dusk(rng, light)
    elif kind == "haze":
        light = replace(light, haze=math.exp(rng.uniform(math.log(0.004), math.log(0.02))))
    return any_camera(rng, light, dark=kind == "dusk")


def any_camera(rng: Rng, light: Light, dark: bool = False) -> Light:
    """Return the light as another camera records it; in the `dark` exposures are long."""
    shutter = rng.uniform(0.002, 0.012) if rng.chance(0.35) else 0.0
    if dark:
        shutter = rng.uniform(0.005, 0.03)
    saturation = rng.choice((1.0, 1.0, rng.uniform(0.5, 1.3)))
    return replace(
        light,
        exposure=light.exposure * math.exp(rng.uniform(-0.5, 0.35)),
        balance=rng.tinted(light.balance, rng.choice((0.05, 0.25))),
        gamma=rng.uniform(1.6, 2.7),
        vignette=rng.choice((0.0, rng.uniform(0.0, 0.3), rng.uniform(0.2, 0.6))),
        noise=math.exp(rng.uniform(math.log(0.002), math.log(0.03 if dark else 0.018))),
        colour=0.0 if rng.chance(0.12) else saturation,
        shutter=shutter,
    )


def _low_sun(rng: Rng, light: Light) -> Light:
    """Return the light of a clear morning or evening: a warm sun and long shadows."""
    elevation = math.radians(rng.uniform(4, 16))
    warm = 1 - elevation / math.radians(24)
    sunlight = scaled((1.0, 0.92 - 0.28 * warm, 0.78 - 0.5 * warm), rng.uniform(1.6, 3.2))
    ambient = rng.uniform(0.4, 0.7)
    brightness = 0.35 * sum(sunlight) / 3 + ambient
    glow = rng.uniform(0.8, 1.5)
    return replace(
        light,
        sun=unit(rng.uniform(-math.pi, math.pi), elevation),
        sunlight=sunlight,
        above=scaled((0.82, 0.94, 1.16), ambient),
        below=scaled((1.0, 0.92, 0.82), ambient * 0.45),
        horizon=rng.tinted(scaled((1.0, 0.86 - 0.15 * warm, 0.7 - 0.25 * warm), glow), 0.06),
        zenith=rng.tinted((0.22, 0.38, 0.68), 0.15),
        clouds=rng.uniform(0.0, 0.7),
        exposure=rng.uniform(0.9, 1.5) / brightness,
    )


def _grey(rng: Rng, light: Light, rain: bool) -> Light:
    """Return the light of a covered sky, with wet surfaces where it rains."""
    tone = rng.uniform(0.6, 1.0)
    ambient = rng.uniform(0.7, 1.0)
    return replace(
        light,
        sun=unit(rng.uniform(-math.pi, math.pi), math.radians(75)),
        sunlight=scaled((1.0, 1.0, 1.0), rng.uniform(0.0, 0.3)),
        above=scaled((0.95, 0.98, 1.04), ambient),
        below=scaled((1.0, 0.97, 0.93), ambient * 0.5),
        horizon=rng.tinted(scaled((0.95, 0.98, 1.02), tone), 0.04),
        zenith=rng.tinted(scaled((0.75, 0.8, 0.86), tone), 0.08),
        clouds=rng.uniform(0.7, 1.0),
        haze=rng.uniform(0.0005, 0.005) if rain else light.haze,
        exposure=rng.uniform(0.8, 1.4) / ambient,
        wet=rng.uniform(0.4, 1.0) if rain else 0.0,
    )


def _dusk(rng: Rng, light: Light) -> Light:
    """Return the light after sunset; lamps and windows that shine are then bright."""
    ambient = rng.uniform(0.16, 0.4)
    afterglow = rng.uniform(0.3, 1.0)
    return replace(
        light,
        sun=unit(rng.uniform(-math.pi, math.pi), math.radians(60)),
        sunlight=(0.0, 0.0, 0.0),
        above=scaled((0.82, 0.92, 1.25), ambient),
        below=scaled((1.0, 0.9, 0.85), ambient * 0.5),
        horizon=rng.tinted(scaled((0.85, 0.6, 0.5), 2.2 * ambient * afterglow), 0.1),
        zenith=rng.tinted(scaled((0.3, 0.4, 0.75), 1.6 * ambient), 0.1),
        clouds=rng.uniform(0.0, 0.8),
        exposure=rng.uniform(0.5, 1.1) / ambient,
        wet=rng.choice((0.0, 0.0, rng.uniform(0.3, 0.9))),
    )


def lamps(rng: Rng, bank: int) -> Light:
    """Sample the light of an interior, from lamps or a window, and a camera."""
    light, dark = lamplight(rng, bank), rng.chance(0.25)
    if dark:
        light = replace(light, sunlight=scaled(light.sunlight, 0.4))
    light = replace(light, lamplight=scaled((1.0, 0.9, 0.75), rng.choice((0.0, 0.6, 1.5))))
    return any_camera(rng, light, dark)
