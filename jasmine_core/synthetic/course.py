# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Curved and hilly roads: a centreline in plan and profile, and a sketch that is bent along it.

Things are drawn as on a straight, level road: x is the distance from the centreline, z the way
along it. The sketch puts each of them where the road really is; what is long and lies along the
road is cut at the knots of the course, so that neighbouring pieces meet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jasmine_core.synthetic.paint import Paint
from jasmine_core.synthetic.solids import BOX, Sketch, Vector, turn

KNOTS, FAR_KNOTS, FAR = 10.0, 30.0, 210.0  # spacing near and far, and what is far [m]
FOLLOWS = 3.5  # boxes longer than this, and lower than long, follow the slope as slabs do [m]
Waves = tuple[tuple[float, float, float], ...]  # amplitude [m], angular frequency [rad/m], phase


@dataclass(frozen=True)
class Course:
    """Centreline x(z) of a road and its height above the origin, both sums of sines."""

    turns: Waves = ()
    rises: Waves = ()
    start: float = -40.0  # the ground is level before this z and beyond `end` [m]
    end: float = 600.0

    def x(self, z: float) -> float:
        """Return the lateral position of the centreline [m]."""
        return sum(a * math.sin(k * z + phase) for a, k, phase in self.turns)

    def heading(self, z: float) -> float:
        """Return the yaw of the centreline [rad]."""
        return math.atan(sum(a * k * math.cos(k * z + phase) for a, k, phase in self.turns))

    def height(self, z: float) -> float:
        """Return the height of the ground [m], linear between knots as the slabs are."""
        z = min(max(z, self.start), self.end)
        step = KNOTS if -FAR <= z < FAR else FAR_KNOTS
        low = math.floor(z / step) * step

        def wave(at: float) -> float:
            return sum(a * math.sin(k * at + phase) for a, k, phase in self.rises)

        before = wave(low)
        return before + (wave(low + step) - before) * (z - low) / step

    def slope(self, z: float) -> float:
        """Return the rise of the ground per metre along +z."""
        if not self.start < z < self.end:
            return 0.0
        return sum(a * k * math.cos(k * z + phase) for a, k, phase in self.rises)

    def place(self, x: float, z: float) -> tuple[float, float]:
        """Return the world's (x, z) of a place `x` beside the centreline at `z` [m]."""
        heading = self.heading(z)
        return self.x(z) + math.cos(heading) * x, z - math.sin(heading) * x

    def pieces(self, z: tuple[float, float]) -> list[tuple[float, float]]:
        """Return the interval cut at the knots; a straight and level course has none."""
        if not self.turns and not self.rises:
            return [z]
        knots, at = [z[0]], math.floor(z[0] / FAR_KNOTS) * FAR_KNOTS
        while at < z[1]:
            if z[0] + 0.5 < at < z[1] - 0.5:
                knots.append(at)
            at += KNOTS if -FAR <= at < FAR else FAR_KNOTS
        return list(zip(knots, [*knots[1:], z[1]], strict=True))


@dataclass
class BentSketch(Sketch):
    """Sketch whose objects lie along a course."""

    course: Course = Course()

    def at(
        self,
        x: float,
        z: float,
        yaw: float = 0.0,
        height: float = 0.0,
        velocity: Vector = (0, 0, 0),
    ) -> BentSketch:
        """Return a sketch of the same scene with a new origin along the course."""
        return BentSketch(self.rng, (x, height, z), yaw, velocity, self._rows, self.course)

    def add(
        self,
        shape: int,
        place: Vector,
        size: Vector,
        paint: Paint,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        taper: tuple[float, float] = (0.0, 0.0),
        casts: bool = True,
    ) -> None:
        """Add a solid of `size` with its underside at `place`, both as on a straight road."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        x = self.origin[0] + c * place[0] + s * place[2]
        z = self.origin[2] - s * place[0] + c * place[2]
        low = self.origin[1] + place[1]
        look = self.look(paint)
        length = size[2]
        along = shape == BOX and self.yaw == yaw == pitch == 0.0
        if along and (length > FOLLOWS or not casts) and size[1] < length:
            span = (z - length / 2, z + length / 2)
            for piece in self.course.pieces(span):
                self._lay(x, piece, low, size, paint, look, span[0], roll, casts)
            return
        heading, slope = self.course.heading(z), self.course.slope(z)
        ch, sh = math.cos(heading), math.sin(heading)
        where = self.course.place(x, z)
        if low < 0.3 and size[1] > 2.0:  # what stands on a slope reaches into the ground
            deeper = abs(slope) * (abs(s) * size[0] + abs(c) * length) / 2
            low, size = low - deeper, (size[0], size[1] + deeper, length)
        height = self.course.height(where[1]) + low + size[1] / 2
        ahead = sh * self.velocity[0] + ch * self.velocity[2]
        velocity = (
            ch * self.velocity[0] + sh * self.velocity[2],
            self.velocity[1] - slope * ahead,
            ch * self.velocity[2] - sh * self.velocity[0],
        )
        rotation = turn(heading + self.yaw + yaw, pitch, roll)
        self.append(
            shape, (where[0], -height, where[1]), size, rotation, paint, look,
            velocity=velocity, taper=taper, casts=casts,
        )  # fmt: skip

    def _lay(
        self, x: float, piece: tuple[float, float], low: float, size: Vector, paint: Paint,
        look: tuple[int, int, float, float], start: float, roll: float, casts: bool,
    ) -> None:  # fmt: skip
        """Lay a piece of a long box on the chord of the course between two knots."""
        course, (z0, z1) = self.course, piece
        x0, x1 = course.x(z0), course.x(z1)
        heading = math.atan2(x1 - x0, z1 - z0)
        ch, sh = math.cos(heading), math.sin(heading)
        middle = ((x0 + x1) / 2 + ch * x, (z0 + z1) / 2 - sh * x)
        # The chord of the ground below; level ground is continued where the course ends.
        slope = (course.height(z1) - course.height(z0)) / (z1 - z0)
        ground = (course.height(z0) + course.height(z1)) / 2 - slope * sh * x
        rotation = turn(heading, math.atan(slope * ch), roll + math.atan(slope * sh))
        up = low + size[1] / 2
        centre = (
            middle[0] - up * rotation[0][1],
            -ground - up * rotation[1][1],
            middle[1] - up * rotation[2][1],
        )
        bend = abs(course.heading(z1) - course.heading(z0))
        length = math.hypot(x1 - x0, z1 - z0) + bend * (abs(x) + size[0] / 2)
        shift = (z0 - start) / paint.span
        flat = size[0] > size[1]  # the pattern goes on from piece to piece
        u, v = (look[2], look[3] + shift) if flat else (look[2] + shift, look[3])
        self.append(
            BOX, centre, (size[0], size[1], length), rotation, paint, (*look[:2], u, v),
            velocity=self.velocity, casts=casts,
        )  # fmt: skip

    def ground(self, paint: Paint, below: float, reach: float = 4000.0) -> None:
        """Lay the ground as far as the horizon, `below` the height of the course [m]."""
        course, look = self.course, self.look(paint)
        inner = course.pieces((course.start, course.end)) if course.rises else []
        ends = ((-reach, course.start), (course.end, reach)) if inner else ((-reach, reach),)
        for z0, z1 in (*ends, *inner):
            y0, y1 = course.height(z0), course.height(z1)
            rotation = turn(0.0, math.atan2(y1 - y0, z1 - z0))
            half = below + 0.5
            centre = (
                0.0,
                -(y0 + y1) / 2 + half * rotation[1][1],
                (z0 + z1) / 2 + half * rotation[2][1],
            )
            size = (2 * reach, 1.0, math.hypot(z1 - z0, y1 - y0))
            shifted = (*look[:2], look[2], look[3] + z0 / paint.span)
            self.append(BOX, centre, size, rotation, paint, shifted, casts=False)
