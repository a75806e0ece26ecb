# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Motion of a camera that a vehicle carries along a course."""

from __future__ import annotations

import math

from jasmine_core.synthetic.camera_motion import Motion, Wobble, wobble
from jasmine_core.synthetic.config import Dice, WorldConfig
from jasmine_core.synthetic.course import Course


def carried(
    rng: Dice, config: WorldConfig, course: Course, lane: float, usual: tuple[float, float]
) -> Motion:
    """Draw the motion of a vehicle that keeps to a lane of the course.

    Args:
        rng: source of the numbers.
        config: bounds of the speed, and the share of vehicles that stand.
        course: the road; sines along z become sines in time, so that poses stay closed formulas.
        lane: lateral position of the lane's middle [m].
        usual: range of speeds on such a road [m/s], narrowed by the bounds of the config.
    """
    low, high = max(usual[0], config.speed[0]), min(usual[1], config.speed[1])
    speed = rng.uniform(min(low, high), high)
    if rng.chance(config.standing):
        speed = 0.0
    moving = min(speed / 5, 1.0)
    swing = wobble(rng, rng.uniform(0.0, 0.3) * moving, (0.05, 0.2))
    bounce = wobble(rng, 0.02 * moving, (0.8, 2.0))
    nod = wobble(rng, 0.008 * moving, (0.7, 1.8))
    turns = tuple((a, k * speed, phase) for a, k, phase in course.turns)
    rises = tuple((-a, k * speed, phase) for a, k, phase in course.rises)
    slopes = tuple((a * k, k * speed, phase + math.pi / 2) for a, k, phase in course.rises)
    return Motion(
        start=(lane + rng.uniform(-0.3, 0.3), -rng.uniform(1.2, 1.9), 0.0),
        speed=speed,
        heading=rng.gauss(0, 0.02) + (0.0 if speed else course.heading(0.0)),
        tilt=rng.gauss(0, 0.012),
        x=Wobble((*swing.terms, *turns)),
        y=Wobble((*bounce.terms, *rises)),
        z=Wobble(),
        yaw=wobble(rng, rng.uniform(0, 0.06) * moving, (0.05, 0.25)),
        pitch=Wobble((*nod.terms, *slopes)),
        roll=wobble(rng, 0.008 * moving, (0.4, 1.5)),
        steer=True,
    )
