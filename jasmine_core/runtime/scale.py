# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scale from model units to metres: a fixed factor, or one measured from the images."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

from jasmine_core.runtime.scale_measure import Measurement

MODES = ("fixed", "camera_height", "sparse_depth", "odometry")
FRESH = 1.0  # [s] since the last measurement, up to which the state is "metric"
LEAST_CONFIDENCE = 0.2  # of a measurement; those below it are not used
_MEDIAN_OF = 5  # measurements, so that two wrong ones have no effect
_FORGET = 5.0  # time constants without a measurement, after which older ones are discarded


@dataclass(frozen=True)
class Scale:
    """Factor from model units to metres, with its source and confidence."""

    metres_per_unit: float
    source: str  # "parameter", "checkpoint", "unknown", or one of MODES that measures
    confidence: float = 1.0  # share of the measured points that agree with it, 0..1
    age: float = 0.0  # [s] since the last measurement; 0 for a fixed scale
    spread: float | None = None  # relative, of a learned scale; None: a measured scale

    @property
    def state(self) -> str:
        """Return "metric", "estimated", "holding" or "up-to-scale".

        "estimated" means that the network learned the scale from other cameras and scenes, and
        that no measurement confirms it; "holding" that it was last measured more than `FRESH` ago;
        "up-to-scale" that the scale is unknown and the factor is a placeholder.
        """
        if self.source == "unknown":
            return "up-to-scale"
        if self.spread is not None:
            return "estimated"
        return "metric" if self.age <= FRESH else "holding"


def fixed_scale(
    parameter: float | None, checkpoint: float | None, spread: float | None = None
) -> Scale:
    """Return the scale of the parameter, else that of the checkpoint, else 1 as unknown scale.

    `spread` is that of the checkpoint's scale, if it is learned.
    """
    if parameter is not None:
        return Scale(parameter, "parameter")
    if checkpoint is not None:
        return Scale(checkpoint, "checkpoint", spread=spread)
    return Scale(1.0, "unknown", confidence=0.0)


class ScaleFilter:
    """Filter that gives a smooth scale from many measurements and holds it without new ones.

    The logarithm of the median of the last five measurements passes a first-order low pass. At the
    beginning it is their mean, so that the scale is usable at once. Timestamps may jump back, as
    when a bag is played in a loop; the scale is kept.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._recent: deque[float] = deque(maxlen=_MEDIAN_OF)  # logarithms
        self._log = 0.0
        self._confidence = 0.0
        self._count = 0
        self._measured = self._updated = 0  # [ns] of the last measurement, and of the last call

    def add(self, stamp: int, measurement: Measurement | None, time_constant: float) -> None:
        """Update the filter with the measurement of an image, or with None if there is none.

        A measurement below `LEAST_CONFIDENCE` is treated as None. None lowers the confidence.

        Args:
            stamp: Timestamp of the image [ns].
            measurement: Scale measured on the image.
            time_constant: Time constant of the low pass [s].
        """
        since = max(0.0, (stamp - self._updated) / 1e9) if self._count else 0.0
        gap = (stamp - self._measured) / 1e9
        if gap < 0:  # the timestamps jumped back
            self._measured = stamp
        self._updated = stamp
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

    def at(self, stamp: int, initial: Scale) -> Scale:
        """Return the scale at a timestamp [ns]; `initial` before the first measurement."""
        if not self._count:
            return initial
        age = max(0.0, (stamp - self._measured) / 1e9)
        return Scale(math.exp(self._log), self.source, self._confidence, age)
