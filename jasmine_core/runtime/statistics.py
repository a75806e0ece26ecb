# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Statistics of a run: durations of its stages, and range of the depths."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


class Latencies:
    """Percentiles of the last durations of each stage."""

    def __init__(self, window: int = 10_000) -> None:
        self._samples: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=window))

    def add(self, seconds: Mapping[str, float]) -> None:
        """Record the durations of the stages of one frame [s]."""
        for stage, duration in seconds.items():
            self._samples[stage].append(duration)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return mean, p50, p95 and p99 of each stage, in milliseconds."""
        result = {}
        for stage, samples in self._samples.items():
            ms = 1000 * np.array(samples)
            p50, p95, p99 = np.percentile(ms, (50, 95, 99))
            values = {"mean": ms.mean(), "p50": p50, "p95": p95, "p99": p99}
            result[stage] = {name: round(float(value), 3) for name, value in values.items()}
        return result

    def seconds(self, stage: str) -> list[float]:
        """Return the recorded durations [s] of a stage, oldest first."""
        return list(self._samples.get(stage, ()))


def median_depth(depth: NDArray[np.float32]) -> float | None:
    """Return the median of the known depth of a map [H,W], None if all is unknown (NaN)."""
    known = depth[np.isfinite(depth)]
    return float(np.median(known)) if known.size else None


class DepthStatistics:
    """Statistics of many depth maps, which are not kept."""

    def __init__(self) -> None:
        self._minimum, self._maximum = np.inf, -np.inf
        self._medians: list[float] = []
        self._known, self._pixels = 0, 0

    def add(self, depth: NDArray[np.float32]) -> None:
        """Record a depth map [H,W]; NaN is unknown."""
        known = depth[np.isfinite(depth)]
        self._pixels += depth.size
        self._known += known.size
        if known.size:
            self._minimum = min(self._minimum, float(known.min()))
            self._maximum = max(self._maximum, float(known.max()))
            self._medians.append(float(np.median(known)))

    def summary(self) -> dict[str, float | None]:
        """Return minimum, median of the medians per frame, maximum and share of known pixels."""
        if not self._medians:
            return {"minimum": None, "median": None, "maximum": None, "known_share": 0.0}
        return {
            "minimum": _short(self._minimum),
            "median": _short(float(np.median(self._medians))),
            "maximum": _short(self._maximum),
            "known_share": round(self._known / self._pixels, 4),
        }


def _short(value: float) -> float:
    return float(f"{value:.5g}")
