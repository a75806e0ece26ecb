# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Direction of gravity, from an accelerometer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

STANDARD = 9.80665  # [m/s^2]
_PLAUSIBLE = 0.3  # relative difference from STANDARD; more is a shock, or another unit
_TIME = 0.5  # [s] of the low pass, longer than a footstep and shorter than a slope


class Gravity:
    """Low-pass filter of the acceleration, which at rest points up (REP 145)."""

    def __init__(self) -> None:
        self._mean: Array | None = None
        self._stamp = 0

    def add(self, stamp: int, acceleration: ArrayLike) -> None:
        """Add a sample [3] [m/s^2]; all samples are in the same frame."""
        sample = np.asarray(acceleration, np.float64)
        length = float(np.linalg.norm(sample))
        if not abs(length - STANDARD) < _PLAUSIBLE * STANDARD:  # true for NaN as well
            return
        since = (stamp - self._stamp) / 1e9
        self._stamp = stamp
        if self._mean is None or since < 0:
            self._mean = sample
        else:
            self._mean = self._mean + (1 - math.exp(-since / _TIME)) * (sample - self._mean)

    @property
    def up(self) -> Array | None:
        """Return the unit vector up [3], None before the first sample."""
        return None if self._mean is None else self._mean / np.linalg.norm(self._mean)
