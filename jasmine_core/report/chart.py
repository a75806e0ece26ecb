# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Geometry of a chart: SVG paths in a box of 1000 x 1000, and the positions of its labels.

The box is stretched to the width of the screen, and the labels are HTML, so that they keep their
size on a phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jasmine_core.report.blocks import Chart, Series

BOX = 1000.0
_COLUMNS = 400  # a curve with more points is reduced to its extremes in each column
_X_TICKS, _Y_TICKS = 5, 4
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Curve as SVG path data; `band` is empty without one."""

    name: str
    path: str
    band: str


@dataclass(frozen=True)
class Drawing:
    """Chart ready for the template; positions of ticks are percent from the left or the top."""

    curves: tuple[Curve, ...]
    marks: str
    mark_count: int
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


def draw(chart: Chart) -> Drawing:
    """Return the geometry of a chart."""
    xs = np.concatenate([_floats(s.x) for s in chart.series] or [np.zeros(0)])
    marks = _floats(chart.marks)
    left, right = _range(np.concatenate([xs, marks]))
    bottom, top = chart.limits or _padded(*_range(_heights(chart.series)))
    span = right - left, top - bottom

    def place(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
        return BOX * (x - left) / span[0], BOX * (1 - (y - bottom) / span[1])

    curves = []
    for series in chart.series:
        x, y = _floats(series.x), _floats(series.y)
        band = ""
        if len(series.low):
            outer, inner = _floats(series.low), _floats(series.high)
            band = _band(*place(x, outer), place(x, inner)[1])
        curves.append(Curve(series.name, _path(*place(x, y)), band))
    columns = np.unique(np.rint(BOX * (marks[np.isfinite(marks)] - left) / span[0]))
    return Drawing(
        tuple(curves),
        "".join(f"M{x:.0f} 0V{BOX:.0f}" for x in columns),
        len(marks),
        tuple((100 * (t - left) / span[0], _label(t, left, right)) for t in ticks(left, right)),
        tuple(
            (100 * (1 - (t - bottom) / span[1]), _label(t, bottom, top))
            for t in ticks(bottom, top, _Y_TICKS)
        ),
    )


def robust_limits(values: ArrayLike, from_zero: bool = False) -> tuple[float, float] | None:
    """Return limits of an axis from the 1st to the 99th percentile, so that outliers leave it."""
    known = _floats(values)
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    low, high = np.percentile(known, (1, 99)).tolist()
    return _padded(0.0 if from_zero else low, high)


def ticks(low: float, high: float, most: int = _X_TICKS) -> list[float]:
    """Return round numbers from `low` to `high`, about `most` of them."""
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _label(value: float, low: float, high: float) -> str:
    """Return a tick as text, with no more digits than the range needs."""
    if abs(value) < 1e-9 * (high - low):
        return "0"
    digits = max(0, 1 - floor(log10(high - low)))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if 0 < digits < 5 else f"{value:.4g}"


def _heights(series: tuple[Series, ...]) -> _Floats:
    parts = [_floats(values) for s in series for values in (s.y, s.low, s.high)]
    return np.concatenate(parts or [np.zeros(0)])


def _range(values: _Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    # Differences that only rounding makes are no range.
    if high - low > 1e-6 * max(abs(low), abs(high)):
        return low, high
    margin = 0.1 * abs(low) or 0.5
    return low - margin, high + margin


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.06 * (high - low) or 0.5
    return (0.0 if 0 <= low < 4 * margin else low - margin), high + margin


def _floats(values: Any) -> _Floats:
    return np.asarray(values, np.float64).ravel()


def _path(x: _Floats, y: _Floats) -> str:
    """Return a polyline as path data; it is interrupted where a value is not finite."""
    x, y = _thinned(x, y)
    parts, pen = [], "M"
    for at, height in zip(x.tolist(), y.tolist(), strict=True):
        if isfinite(at) and isfinite(height):
            parts.append(f"{pen}{at:.1f} {_clipped(height):.1f}")
            pen = "L"
        else:
            pen = "M"
    return f"{parts[0]}h0" if len(parts) == 1 else "".join(parts)


def _clipped(height: float) -> float:
    """Return a height outside the box as one that is not far outside."""
    return min(max(height, -BOX), 2 * BOX)


def _thinned(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
    """Return the points of a curve, or the lowest and highest of each column if there are many."""
    if len(x) <= 2 * _COLUMNS:
        return x, y
    chosen: list[int] = []
    for part in np.array_split(np.arange(len(x)), _COLUMNS):
        values = y[part]
        if np.isfinite(values).any():
            extremes = part[np.nanargmin(values)], part[np.nanargmax(values)]
            chosen += sorted({int(i) for i in extremes})
        else:
            chosen.append(int(part[0]))
    return x[chosen], y[chosen]


def _band(x: _Floats, low: _Floats, high: _Floats) -> str:
    """Return the area between two curves as path data."""
    known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
    parts = np.array_split(np.flatnonzero(known), min(known.sum(), _COLUMNS) or 1)
    borders = [(x[p].mean(), low[p].max(), high[p].min()) for p in parts if p.size]
    there = [f"{at:.1f} {_clipped(a):.1f}" for at, a, _ in borders]
    back = [f"{at:.1f} {_clipped(b):.1f}" for at, _, b in reversed(borders)]
    return f"M{'L'.join(there + back)}Z" if borders else ""
