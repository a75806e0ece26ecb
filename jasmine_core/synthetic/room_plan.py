# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Floor plan of a room."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Plan:
    """Size of a room and its occupied floor, as discs (x, z, radius), all in metres."""

    wide: float
    long: float
    height: float
    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, x: float, z: float, radius: float) -> bool:
        """Occupy a disc if it is free; return whether it was."""
        if any(math.hypot(x - a, z - b) < radius + r for a, b, r in self.taken):
            return False
        self.taken.append((x, z, radius))
        return True

    def wall(self, number: int) -> tuple[float, float, float, float]:
        """Return the centre (x, z) of a wall, the yaw of its inward normal [rad] and its length."""
        half = (self.wide if number % 2 else self.long) / 2
        yaw = number * math.pi / 2
        inward = (math.sin(yaw), math.cos(yaw))
        return -half * inward[0], -half * inward[1], yaw, self.long if number % 2 else self.wide
