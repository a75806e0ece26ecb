# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Vehicles and robots that carry a camera along a course: speed, height, tilt, roll, heading."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jasmine_core.synthetic.camera_motion import Motion, Wobble, wobble
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.course import Course


@dataclass(frozen=True)
class Carrier:
    """Mount of a camera on a vehicle or robot, and its speed."""

    height: tuple[float, float]  # of the camera above the ground, range [m]
    fastest: float  # [m/s]
    pitch: float  # usual deviation from level [rad]
    roll: float  # usual deviation from level [rad]
    shaking: float  # amplitude of the body's motion, that of a car = 1


CARRIERS = {
    "car": Carrier((1.1, 1.8), 40.0, 0.02, 0.008, 1.0),
    "truck": Carrier((1.8, 2.5), 25.0, 0.06, 0.008, 1.5),
    "bicycle": Carrier((0.9, 1.5), 8.0, 0.06, 0.05, 2.5),
    "robot": Carrier((0.3, 0.9), 2.5, 0.08, 0.02, 1.5),
}
USUAL = ("car", "car", "car", "car", "car", "car", "truck", "truck", "bicycle", "robot", "robot")
UP, DOWN = math.radians(10), math.radians(15)  # bounds of a tilted mount


def carrier(rng: Rng) -> Carrier:
    """Sample a carrier."""
    return CARRIERS[rng.choice(USUAL)]


def carried(
    rng: Rng,
    config: WorldConfig,
    course: Course,
    lane: float,
    usual: tuple[float, float],
    by: Carrier,
) -> Motion:
    """Sample the motion of a camera whose carrier keeps to a lane of the course.

    Args:
        rng: source of the numbers.
        config: bounds of the speed, and the share of vehicles that stand.
        course: the road; sines along z become sines in time, so that poses stay closed formulas.
        lane: lateral position of the lane's middle [m].
        usual: range of speeds on such a road [m/s], narrowed by the config and by the carrier.
        by: the carrier.
    """
    high = min(usual[1], config.speed[1], by.fastest)
    low = min(max(usual[0], config.speed[0]), 0.6 * high)
    speed = 0.0 if rng.chance(config.standing) else rng.uniform(low, high)
    moving = min(speed / 5, 1.0)
    shaking = moving * by.shaking
    swing = wobble(rng, rng.uniform(0.0, 0.3) * moving, (0.05, 0.2))
    bounce = wobble(rng, 0.02 * shaking, (0.8, 2.0))
    nod = wobble(rng, 0.008 * shaking, (0.7, 1.8))
    turns = tuple((a, k * speed, phase) for a, k, phase in course.turns)
    rises = tuple((-a, k * speed, phase) for a, k, phase in course.rises)
    slopes = tuple((a * k, k * speed, phase + math.pi / 2) for a, k, phase in course.rises)
    tilted, turned = rng.chance(0.12), rng.chance(0.1)
    heading = rng.uniform(-0.9, 0.9) if turned else rng.gauss(0, 0.03)
    return Motion(
        start=(lane + rng.uniform(-0.3, 0.3), -rng.uniform(*by.height), 0.0),
        speed=speed,
        heading=heading + (0.0 if speed else course.heading(0.0)),
        tilt=rng.uniform(-DOWN, UP) if tilted else max(-DOWN, min(UP, rng.gauss(0, by.pitch))),
        x=Wobble((*swing.terms, *turns)),
        y=Wobble((*bounce.terms, *rises)),
        z=Wobble(),
        yaw=wobble(rng, rng.uniform(0, 0.06) * moving, (0.05, 0.25)),
        pitch=Wobble((*nod.terms, *slopes)),
        roll=Wobble(
            (
                *wobble(rng, 0.008 * shaking, (0.4, 1.5)).terms,
                (rng.gauss(0, by.roll), 0.0, math.pi / 2),  # the mount itself is not level
            )
        ),
        steer=True,
    )
