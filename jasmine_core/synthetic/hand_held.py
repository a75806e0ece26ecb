# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Viewpoints and motions of cameras that a hand or a small robot carries through a room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jasmine_core.synthetic.camera_motion import Motion, Wobble, wobble
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.room_plan import Plan

NEAREST, FARTHEST = 0.45, 3.5  # distance from the target that the camera looks at [m]
CANDIDATES, VIEW = 3, 0.5  # viewpoints to choose from, and half their view [rad]
SPACE = 0.3  # that a camera needs on all sides [m]


@dataclass(frozen=True)
class Viewpoint:
    """Position and direction of a camera in a room."""

    place: tuple[float, float]  # x, z [m]
    height: float  # [m]
    heading: float  # [rad]
    tilt: float  # positive = up [rad]
    space: float  # free way to all sides [m]


def _space(plan: Plan, x: float, z: float) -> float:
    """Return the way to the nearest wall or piece of furniture [m]."""
    walls = min(plan.wide / 2 - abs(x), plan.long / 2 - abs(z))
    return min((walls, *(math.hypot(x - a, z - b) - r for a, b, r in plan.taken)))


def viewpoint(rng: Rng, plan: Plan, targets: Sequence[tuple[float, float, float]]) -> Viewpoint:
    """Sample a free place in the room and a direction, towards a target or across the room.

    Args:
        rng: source of the numbers.
        plan: the furnished room.
        targets: (x, height, z) of what is worth looking at from near [m].
    """
    low = rng.chance(0.15)  # a robot on the floor
    height = rng.uniform(0.12, 0.6) if low else rng.uniform(1.0, 1.8)
    best = Viewpoint((0.0, 0.0), height, rng.uniform(0, 6.3), 0.0, -math.inf)
    most, found = -1, 0
    for _ in range(60):
        here = _candidate(rng, plan, targets, height, low)
        if here.space <= SPACE:
            best = max(best, here, key=lambda v: v.space) if found == 0 else best
            continue
        seen = sum(_in_view(here, x, z) for x, _, z in targets)
        if seen > most:
            best, most = here, seen
        found += 1
        if found == CANDIDATES:
            break
    return best


def _in_view(view: Viewpoint, x: float, z: float) -> bool:
    """Return whether a target lies ahead of the camera."""
    away = math.hypot(x - view.place[0], z - view.place[1])
    angle = math.atan2(x - view.place[0], z - view.place[1]) - view.heading
    return away > 0.4 and math.cos(angle) > math.cos(VIEW)


def _candidate(
    rng: Rng, plan: Plan, targets: Sequence[tuple[float, float, float]], height: float, low: bool
) -> Viewpoint:
    if targets and rng.chance(0.6):
        x, look, z = rng.choice(targets)
        away = math.exp(rng.uniform(math.log(NEAREST), math.log(FARTHEST)))
        angle = rng.uniform(-math.pi, math.pi)
        place = (x - away * math.sin(angle), z - away * math.cos(angle))
        heading = angle + rng.gauss(0, 0.2)
        if not low and away < 1.5:
            height = min(plan.height - 0.2, look + rng.uniform(0.1, 0.8))
        tilt = math.atan2(look - height, away) + rng.gauss(0, 0.1)
    else:
        place = (rng.uniform(-0.5, 0.5) * plan.wide, rng.uniform(-0.5, 0.5) * plan.long)
        heading = math.atan2(-place[0], -place[1]) + rng.gauss(0, 0.6)
        tilt = rng.gauss(0.05 if low else -0.12, 0.15)
    return Viewpoint(place, height, heading, max(-1.0, min(0.5, tilt)), _space(plan, *place))


def held(rng: Rng, config: WorldConfig, view: Viewpoint) -> Motion:
    """Sample the motion of a camera that sways around its place and turns much."""
    speed = rng.uniform(*config.hand_speed) * rng.choice((0.3, 1.0, 1.0))
    reach = max(view.space - 0.1, 0.05)

    def sway(share: float) -> Wobble:
        rate = 2 * math.pi * rng.uniform(0.15, 0.4)
        fast = 2 * math.pi * rng.uniform(0.8, 1.6)
        amplitude = min(share * speed / rate, reach)
        terms = (
            (amplitude, rate, rng.uniform(0, 2 * math.pi)),
            (0.1 * share * speed / fast, fast, rng.uniform(0, 2 * math.pi)),
        )
        return Wobble(terms)

    turning = rng.choice((0.1, 0.35, 0.8))  # amplitude [rad]
    tilted = (rng.gauss(0, 0.06), 0.0, math.pi / 2)  # the hand does not hold the camera level
    return Motion(
        start=(view.place[0], -view.height, view.place[1]),
        speed=0.0,
        heading=view.heading,
        tilt=view.tilt,
        x=sway(1.0),
        y=sway(0.25 if view.height > 0.7 else 0.02),
        z=sway(1.0),
        yaw=wobble(rng, turning, (0.1, 0.4)),
        pitch=wobble(rng, rng.uniform(0.03, 0.2), (0.1, 0.5)),
        roll=Wobble((*wobble(rng, rng.uniform(0.02, 0.15), (0.1, 0.5)).terms, tilted)),
        steer=False,
    )
