# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cross-section and extent of a street."""

from __future__ import annotations

from dataclasses import dataclass

BEHIND, AHEAD = 14.0, 150.0  # [m] extent of the street beyond the path of the camera
DETAIL = 45.0  # [m] distance beyond the path within which small parts are drawn


@dataclass(frozen=True)
class Plan:
    """Cross-section of a street, in metres from its middle, and its extent along z."""

    lane: float  # width of a lane
    kerb: float  # edge of the road
    wall: float  # outer edge of the pavement
    line: float  # front of the houses
    hand: int  # side on which traffic keeps; +1 is the right
    parking: tuple[bool, bool]  # cars are parked on the left, on the right
    length: float  # from z = 0
    crossing: float  # z of a side street, above `length` if there is none
    near: float  # z up to which details are drawn
    style: str  # town, suburb, country or works (industrial)
