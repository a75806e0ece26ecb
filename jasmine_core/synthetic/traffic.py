# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Traffic on a road: vehicles in all lanes from near to far, riders, and people on foot."""

from __future__ import annotations

import math

from jasmine_core.synthetic import props, vehicles
from jasmine_core.synthetic.config import Rng
from jasmine_core.synthetic.course import BentSketch
from jasmine_core.synthetic.cross_section import Section

FARTHEST = 230.0  # of a vehicle [m]
DETAILED = 40.0  # vehicles nearer than this are drawn in detail [m]
LONGEST = 17.0  # of a vehicle [m]


def _vehicle(s: BentSketch, detailed: bool, heavy: float) -> None:
    """Draw a vehicle; `heavy` is the share of trucks and buses."""
    rng = s.rng
    if rng.chance(heavy):
        rng.choice((vehicles.truck, vehicles.truck, vehicles.bus))(s, detailed)
    elif rng.chance(0.06):
        vehicles.motorcycle(s, ridden=True)
    else:
        vehicles.any_car(s, detailed)


def traffic(s: BentSketch, section: Section, own: int, speed: float, duration: float) -> None:
    """Draw traffic in both directions, and people where there are houses.

    Args:
        s: sketch of the scene.
        section: lanes of the road.
        own: number of the camera's lane, counted from the middle.
        speed: of the camera [m/s]; traffic around a standing camera stands or drives.
        duration: of the scene [s]; nothing meets the camera in its lane before the end.
    """
    rng = s.rng
    usual = max(speed, rng.uniform(4, 12))
    queue = speed < 0.5 and rng.chance(0.5)  # the own direction waits
    for lane in range(section.lanes[0]):
        dense = rng.choice((0.0, 1.0, 1.0, 2.5)) if lane != own else rng.choice((0.4, 1.0, 2.5))
        pace = 0.0 if queue else usual * rng.uniform(0.75, 1.15)
        nearest = max(0.0, speed - pace) * duration + 5.0 + LONGEST / 2 if lane == own else -2.0
        outer = lane == section.lanes[0] - 1
        _lane(s, section.middle(lane), nearest, pace, 1, dense, 0.3 if outer else 0.08, duration)
    for lane in range(section.lanes[1]):
        dense = rng.choice((0.0, 1.0, 1.0, 2.5))
        pace = usual * rng.uniform(0.75, 1.15) if rng.chance(0.9) else 0.0
        outer = lane == section.lanes[1] - 1
        x = section.middle(lane, own=False)
        _lane(s, x, 2.0, pace, -1, dense, 0.3 if outer else 0.08, duration)
    if section.style != "motorway":
        _riders(s, section, duration)
    if section.built or section.style == "village":
        _people(s, section, duration)


def _lane(
    s: BentSketch, x: float, nearest: float, pace: float, way: int, dense: float, heavy: float,
    duration: float,
) -> None:  # fmt: skip
    """Draw the vehicles of one lane; `dense` is their number per usual distance."""
    if dense == 0:
        return
    rng = s.rng
    usual = 12.0 + 1.3 * pace
    z = nearest + rng.expovariate(dense / usual)
    while z < FARTHEST:
        # Where it is half-way through the scene decides how it is drawn.
        start = z - way * pace * duration / 2 if way < 0 else z
        here = s.at(
            x + rng.gauss(0, 0.15), start, 0.0 if way > 0 else math.pi,
            velocity=(0.0, 0.0, way * pace),
        )  # fmt: skip
        _vehicle(here, z < DETAILED, heavy)
        z += LONGEST / 2 + 4.0 + 0.3 * pace + rng.expovariate(dense / usual)


def _riders(s: BentSketch, section: Section, duration: float) -> None:
    """Draw cyclists at the outer edge of the road."""
    rng = s.rng
    for _ in range(rng.choice((0, 0, 0, 1, 2, 3))):
        with_us, pace = rng.chance(0.5), rng.uniform(2.5, 7)
        side = section.hand if with_us else -section.hand
        half = section.half[1 if side > 0 else 0]
        z, way = rng.uniform(4, 60), 1 if with_us else -1
        here = s.at(
            side * (half - rng.uniform(0.3, 0.7)), z - way * pace * duration / 2,
            0.0 if with_us else math.pi, velocity=(0.0, 0.0, way * pace),
        )  # fmt: skip
        vehicles.bicycle(here, ridden=True)


def walker(s: BentSketch, rng: Rng, x: float, z: float, across: float, duration: float) -> None:
    """Draw a person who walks along the road, or across it where `across` is -1 or +1."""
    pace = rng.uniform(0.7, 1.9)
    way = rng.side()
    if across:
        velocity, yaw = (across * pace, 0.0, 0.0), across * math.pi / 2
    else:
        velocity, yaw = (0.0, 0.0, way * pace), 0.0 if way > 0 else math.pi
    start = (x - velocity[0] * duration / 2, z - velocity[2] * duration / 2)
    props.person(s.at(*start, yaw, 0.0 if across else 0.12, velocity=velocity))


def _people(s: BentSketch, section: Section, duration: float) -> None:
    """Draw people who walk on the pavements and sometimes cross the road."""
    rng = s.rng
    for _ in range(rng.choice((1, 3, 6, 10))):
        side = rng.side()
        x = side * (section.half[1 if side > 0 else 0] + rng.uniform(2.6, 4.2))
        walker(s, rng, x, math.exp(rng.uniform(math.log(4), math.log(70))), 0.0, duration)
    if rng.chance(0.3):
        z = rng.uniform(9, 45) + 2.0 * duration
        for _ in range(rng.randint(1, 3)):
            x = rng.uniform(-1, 1) * min(section.half)
            walker(s, rng, x, z + rng.uniform(0, 3), rng.side(), duration)
