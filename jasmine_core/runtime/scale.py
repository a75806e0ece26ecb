# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""From model units to metres: a fixed factor, or one that is measured again and again."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

from jasmine_core.runtime.scale_measure import Measurement

MODES = ("fixed", "camera_height", "sparse_depth")
FRESH = 1.0  # [s] since the last measurement; an older scale is held
LEAST_CONFIDENCE = 0.2  # of a measurement that is believed
_MEDIAN_OF = 5  # measurements: two wrong ones in a row leave no trace
_FORGET = 5.0  # time constants without a measurement, after which the older ones say nothing


@dataclass(frozen=True)
class Scale:
    """Hold the factor from model units to metres, where it comes from and how good it is."""

    metres_per_unit: float
    source: str  # "parameter", "checkpoint", "camera_height", "sparse_depth", or "unknown"
    confidence: float = 1.0  # share of what was measured that agrees with it, 0..1
    age: float = 0.0  # [s] since it was last measured; 0 for one that never changes

    @property
    def state(self) -> str:
        """Return "metric", "holding" for what was measured a while ago, or "up-to-scale".

        The last is said of a factor that is a mere placeholder.
        """
        if self.source == "unknown":
            return "up-to-scale"
        return "metric" if self.age <= FRESH else "holding"


def fixed_scale(parameter: float | None, checkpoint: float | None) -> Scale:
    """Choose the scale: the user's, else the checkpoint's, else 1 and honestly unknown."""
    if parameter is not None:
        return Scale(parameter, "parameter")
    if checkpoint is not None:
        return Scale(checkpoint, "checkpoint")
    return Scale(1.0, "unknown", confidence=0.0)


class ScaleFilter:
    """Make one calm scale of many measurements, and keep the last one when they cease.

    The logarithm of the median of the last five follows a low pass of first order. At the beginning
    it is their mean, so that no time passes with a wrong scale. Stamps may jump back, as those of a
    bag that is played in a loop do: the scale stays.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._recent: deque[float] = deque(maxlen=_MEDIAN_OF)  # logarithms
        self._log = 0.0
        self._confidence = 0.0
        self._count = 0
        self._measured = self._asked = 0  # [ns] stamps of the last measurement, of the last call

    def add(self, stamp: int, measurement: Measurement | None, time_constant: float) -> None:
        """Take the measurement of an image, or that it gave none; stamp [ns], time constant [s].

        One that is not believed counts as none. Without one the confidence sinks.
        """
        since = max(0.0, (stamp - self._asked) / 1e9) if self._count else 0.0
        gap = (stamp - self._measured) / 1e9
        if gap < 0:  # time began anew
            self._measured = stamp
        self._asked = stamp
        low_pass = 1 - math.exp(-since / max(time_constant, 1e-6))
        if measurement is None or measurement.confidence < LEAST_CONFIDENCE:
            self._confidence *= 1 - low_pass
            return
        if gap > _FORGET * time_constant:
            self._recent.clear()
        self._count += 1
        self._measured = stamp
        self._recent.append(math.log(measurement.metres_per_unit))
        gain = max(1 - math.exp(-max(gap, 0.0) / max(time_constant, 1e-6)), 1 / self._count)
        self._log += gain * (median(self._recent) - self._log)
        self._confidence += gain * (measurement.confidence - self._confidence)

    def at(self, stamp: int, until_then: Scale) -> Scale:
        """Return the scale at a time [ns]; `until_then` is what serves before any measurement."""
        if not self._count:
            return until_then
        age = max(0.0, (stamp - self._measured) / 1e9)
        return Scale(math.exp(self._log), self.source, self._confidence, age)
