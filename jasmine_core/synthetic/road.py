# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Roads in open or built-up country: curves, crests, several lanes, far things to see."""

from __future__ import annotations

import math

from jasmine_core.synthetic.alleys import alley
from jasmine_core.synthetic.built_up import built_up
from jasmine_core.synthetic.camera_motion import Motion
from jasmine_core.synthetic.carrier import carried, carrier
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.course import BentSketch, Course, Waves
from jasmine_core.synthetic.cross_section import Section, surface
from jasmine_core.synthetic.far_buildings import village
from jasmine_core.synthetic.landscape import landscape
from jasmine_core.synthetic.roadside import roadside
from jasmine_core.synthetic.solids import Solids
from jasmine_core.synthetic.structures import structures
from jasmine_core.synthetic.terrain import Terrain
from jasmine_core.synthetic.traffic import traffic

STYLES = (
    *("country",) * 4, *("motorway",) * 4, *("avenue",) * 2, *("suburb",) * 2, "village", "works",
)  # fmt: skip
SPEEDS = {
    "country": (6.0, 27.0), "motorway": (12.0, 36.0), "avenue": (3.0, 17.0),
    "suburb": (3.0, 14.0), "village": (4.0, 15.0), "works": (2.0, 14.0),
}  # fmt: skip


def road(seed: int, config: WorldConfig) -> tuple[Solids, Motion]:
    """Return the road of a seed and the drive along it."""
    rng = Rng(seed, "road")
    style = rng.choice(STYLES)
    section = _section(rng, style)
    course = _course(rng, style)
    number = rng.randrange(section.lanes[0])
    mount = Rng(seed, "motion")
    by = carrier(mount)
    lane = section.middle(number)
    if by.fastest < 10:  # slow ones keep to the edge of the road
        number, lane = section.lanes[0] - 1, section.hand * (section.half[section.hand > 0] - 0.6)
    motion = carried(mount, config, course, lane, SPEEDS[style], by)
    way = motion.speed * config.duration
    s = BentSketch(rng, course=course)
    surface(s, section, way)
    edge = max(section.half) + 2.0
    if section.built:
        edge = built_up(s, section, way)
    else:
        roadside(s, section, way)
    structures(s, section, way)
    land = Terrain()
    landscape(s, land, edge, section.built)
    if rng.chance(0.1 if style == "motorway" else 0.4):
        alley(s, land, section, way)
    if style == "village":
        for _ in range(2):
            x, z = rng.side() * rng.uniform(20, 45), rng.uniform(20, 160)
            village(s, land, x, z, rng.randint(5, 14))
    if config.moving_objects:
        traffic(s, section, number, motion.speed, config.duration)
    return s.solids(), motion


def _section(rng: Rng, style: str) -> Section:
    hand = rng.side()
    if style == "motorway":
        lanes = rng.choice((2, 2, 3, 3, 4))
        wide, median, shoulder = rng.uniform(3.4, 3.8), rng.uniform(1.5, 8), rng.uniform(1.5, 3.2)
        return Section((lanes, lanes), wide, median, shoulder, hand, style)
    if style == "avenue":
        lanes = rng.choice((1, 2, 2, 3))
        median = rng.choice((0.0, 0.0, rng.uniform(1, 4)))
        wide, shoulder = rng.uniform(2.9, 3.5), rng.uniform(0.3, 0.8)
        return Section((lanes, lanes), wide, median, shoulder, hand, style)
    wide = rng.uniform(2.5, 3.6)
    return Section((1, 1), wide, 0.0, rng.uniform(0.1, 1.2), hand, style)


def _course(rng: Rng, style: str) -> Course:
    """Draw curves and crests; half of the roads are straight, as long views need."""
    flat = style in ("avenue", "suburb", "works")
    turns: Waves = ()
    if rng.chance(0.3 if flat else 0.6):
        # With amplitude a and frequency k the tightest radius is 1 / (a k^2).
        k = 2 * math.pi / rng.uniform(260, 900)
        radius = rng.uniform(700, 3000) if style == "motorway" else rng.uniform(130, 900)
        amplitude = min(1 / (radius * k * k), 0.25 / k)
        turns = ((amplitude, k, rng.uniform(0, 2 * math.pi)),)
    rises: Waves = ()
    if rng.chance(0.35 if flat else 0.65):
        k = 2 * math.pi / rng.uniform(160, 700)
        steepest = rng.uniform(0.01, 0.035 if flat or style == "motorway" else 0.08)
        rises = ((steepest / k, k, rng.uniform(0, 2 * math.pi)),)
    return Course(turns, rises)
