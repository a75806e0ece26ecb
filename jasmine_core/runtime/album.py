# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Album of a run for its report: depth and latency over time, and some images with their depth."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jasmine_core.report.blocks import Chart, Series, Slider
from jasmine_core.report.chart import robust_limits
from jasmine_core.report.images import RgbImage, data_uri, resized
from jasmine_core.runtime.colorize import SAMPLES, colorize

_JUMPS = 3  # images with the largest changes of depth that are kept


class _Jump(NamedTuple):
    change: float  # ratio of the median depths of two images, at least 1
    slider: Slider


class Album:
    """Statistics of each image of a run, and few of its images; the memory for images is bounded.

    Times are seconds since `start` [ns].
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._times, self._milliseconds, self._skipped = array("d"), array("f"), array("d")
        self._near, self._median, self._far = array("f"), array("f"), array("f")
        self.sliders: list[Slider] = []
        self._jumps: list[_Jump] = []

    def add(
        self,
        stamp: int,
        image: RgbImage,
        depth: NDArray[np.float32],
        seconds: float,
        show: bool = False,
    ) -> None:
        """Add a processed image.

        Args:
            stamp: time of the image [ns].
            image: RGB image [H,W,3].
            depth: its depth [h,w], NaN where unknown.
            seconds: duration of its processing [s].
            show: whether the image is shown in the report.
        """
        step = max(1, int((depth.size / SAMPLES) ** 0.5))
        known = depth[::step, ::step]
        known = known[np.isfinite(known)]
        near, median, far = np.percentile(known, (10, 50, 90)) if known.size else (np.nan,) * 3
        before = self._median[-1] if self._median else np.nan
        time = self._time(stamp)
        self._times.append(time)
        self._milliseconds.append(1000 * seconds)
        for values, value in ((self._near, near), (self._median, median), (self._far, far)):
            values.append(value)
        if show:
            self.sliders.append(_slider(image, depth, f"{time:.2f} s"))
        if np.isfinite(before) and np.isfinite(median) and min(before, median) > 0:
            self._keep_jump(max(median / before, before / median), time, image, depth)

    def skip(self, stamp: int) -> None:
        """Add an image that was not processed."""
        self._skipped.append(self._time(stamp))

    def charts(self, unit: str) -> tuple[Chart, ...]:
        """Return depth and latency over time; `unit` is that of the depth."""
        if not self._times:
            return ()
        label, name = "time since the first image [s]", "not processed"
        depth = Series("median", self._times, self._median, self._near, self._far)
        latency = Series("latency", self._times, self._milliseconds)
        return (
            Chart(
                f"Depth [{unit}]: median of each image, and the range of 80 % of its pixels",
                label,
                (depth,),
                marks=self._skipped,
                mark_name=name,
            ),
            Chart(
                "Latency of an image [ms]",
                label,
                (latency,),
                robust_limits(self._milliseconds, from_zero=True),
                self._skipped,
                name,
            ),
        )

    @property
    def jumps(self) -> list[Slider]:
        """Images whose depth differs most from that of the image before, the largest first."""
        return [jump.slider for jump in self._jumps]

    def _time(self, stamp: int) -> float:
        return 1e-9 * (stamp - self._start)

    def _keep_jump(
        self, change: float, time: float, image: RgbImage, depth: NDArray[np.float32]
    ) -> None:
        if len(self._jumps) == _JUMPS and change <= self._jumps[-1].change:
            return
        caption = f"{time:.2f} s: the median depth changed by {change - 1:.0%}"
        self._jumps.append(_Jump(change, _slider(image, depth, caption)))
        self._jumps = sorted(self._jumps, key=lambda jump: -jump.change)[:_JUMPS]


def _slider(image: RgbImage, depth: NDArray[np.float32], caption: str) -> Slider:
    return Slider(data_uri(image), data_uri(resized(colorize(depth), image)), caption)
