# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The health report as one image: words, plots and three samples to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import Index, RgbImage, read_image
from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.keyframes import BREAKS, Status
from jasmine_core.prepare.statistics import RecordingStatistics

WIDTH, MARGIN = 1500, 24  # [px]
_LINE = 24
_PLOT = 110  # [px] height
_HIGHEST = 260  # [px] height of an image
_INK, _PALE, _GRID = (40, 40, 40), (120, 120, 120), (225, 225, 225)
_BLUE, _RED, _GREEN, _AMBER = (40, 90, 190), (200, 50, 40), (40, 140, 70), (210, 140, 20)
_LEVELS = {"problem": _RED, "warning": _AMBER, "note": _PALE}
_BANDS = (
    (_GREEN, "kept", (Status.KEPT,)),
    (_PALE, "no motion", (Status.STILL,)),
    (_AMBER, "break", BREAKS),
    (_RED, "unusable", (Status.BACKWARDS, Status.DAMAGED, Status.BLANK)),
)
_VERDICTS = {"good": _GREEN, "usable": _AMBER, "poor": _RED}


def draw(
    health: dict[str, Any], statistics: RecordingStatistics, index: Index, folder: Path
) -> RgbImage:
    """Draw the report as RGB [H,W,3]; images are read from the sequence's folder."""
    parts = [
        _words(health),
        _series(
            "flow since the last kept image [% of width]",
            statistics,
            100 * _floats(statistics.flow),
        ),
        _series("sharpness", statistics, _floats(statistics.sharpness)),
        _series("brightness [0..255]", statistics, _floats(statistics.brightness)),
        _histograms(index),
        *_samples(index, folder),
    ]
    return np.concatenate(parts).astype(np.uint8)


def _words(health: dict[str, Any]) -> RgbImage:
    images, time, camera = health["images"], health["time"], health["intrinsics"]
    motion = health["motion"]
    metres = motion["metres_between_neighbours"]
    lines = [
        f"{images['received']} images in {time['seconds']:g} s at {time['rate_hz']:g} Hz: "
        f"{images['samples']} samples from {images['stored']} stored images, "
        f"{images.get('still', 0)} dropped for lack of motion",
        f"K: fx {camera['K'][0][0]:g}  fy {camera['K'][1][1]:g}  cx {camera['K'][0][2]:g}  "
        f"cy {camera['K'][1][2]:g} px at {'x'.join(map(str, camera['prepared_size']))}; field of "
        f"view {camera['horizontal_fov_deg']:g} x {camera['vertical_fov_deg']:g} deg",
        "neighbours: parallax "
        + _range(motion["parallax_percent_of_width"], "%")
        + ", "
        + _range(motion["seconds_between_neighbours"], "s")
        + (", " + _range(metres, "m") if metres else "")
        + f"; {'' if health['metric_scale_can_be_learned'] else 'no '}metric scale",
    ]
    wrapped = [
        (_LEVELS[f["level"]], f["level"], row, part)
        for f in health["findings"]
        for part, row in enumerate(_wrap(f["text"], 120))
    ]
    page = _page(58 + _LINE * (len(lines) + len(wrapped)) + 16)
    verdict = health["verdict"]
    _write(page, f"{health['bag']['bag']}: ", (MARGIN, 40), _INK, 0.9, 2)
    start = cv2.getTextSize(f"{health['bag']['bag']}: ", cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)[0][0]
    _write(page, verdict, (MARGIN + start, 40), _VERDICTS[verdict], 0.9, 2)
    y = 58
    for line in lines:
        y += _LINE
        _write(page, line, (MARGIN, y))
    legend = WIDTH - MARGIN - 130 * len(_BANDS)
    for colour, name, _ in _BANDS:  # of the bands below
        cv2.rectangle(page, (legend, 30), (legend + 10, 40), colour, -1)
        _write(page, name, (legend + 18, 40), _PALE)
        legend += 130
    for colour, level, row, part in wrapped:
        y += _LINE
        if part == 0:
            _write(page, level, (MARGIN, y), colour)
        _write(page, row, (MARGIN + 90, y))
    return page


def _series(title: str, statistics: RecordingStatistics, values: Array) -> RgbImage:
    """Plot a value per image over time; the band below shows each image's status."""
    page = _page(_PLOT + 66)
    left, right, top = MARGIN + 60, WIDTH - MARGIN, 30
    times = statistics.times()
    length = max(float(times.max(initial=0.0)), 1e-3)
    known = np.isfinite(values)
    high = float(np.percentile(values[known], 99.5)) * 1.1 if known.any() else 1.0
    high = high or 1.0
    _write(page, title, (MARGIN, 20))
    _axes(page, (left, top, right, top + _PLOT), (0.0, length, "s"), (0.0, high))
    u = left + (times / length * (right - left)).astype(int)
    v = top + _PLOT - np.clip(values / high, 0, 1) * _PLOT
    for i in np.flatnonzero(known):
        cv2.circle(page, (int(u[i]), int(v[i])), 1, _BLUE, -1, cv2.LINE_AA)
    y = top + _PLOT + 4
    for colour, _, statuses in _BANDS:
        for i in np.flatnonzero(statistics.has_status(*statuses)):
            cv2.line(page, (int(u[i]), y), (int(u[i]), y + 6), colour)
    return page


def _histograms(index: Index) -> RgbImage:
    distances = [
        float(np.linalg.norm(T[:3])) for s in index.samples for T in s.T_target_source if T
    ]
    seconds = [
        abs(index.frames[s.target].stamp - index.frames[i].stamp) * 1e-9
        for s in index.samples
        for i in s.sources
    ]
    plots = [
        (
            "parallax to a neighbour [% of width]",
            [100 * p for s in index.samples for p in s.parallax],
        ),
        ("time to a neighbour [s]", seconds),
        ("distance to a neighbour [m]", distances),
    ]
    page = _page(_PLOT + 70)
    each = (WIDTH - 2 * MARGIN) // 3
    for i, (title, values) in enumerate(plots):
        left, right, top = MARGIN + i * each + 40, MARGIN + (i + 1) * each - 20, 30
        _write(page, title, (left - 30, 20))
        if not values:
            _write(page, "not known", (left + 20, top + _PLOT // 2), _PALE)
            continue
        high = float(np.percentile(values, 99.5)) * 1.1 or 1.0
        counts, _ = np.histogram(values, bins=30, range=(0, high))
        _axes(page, (left, top, right, top + _PLOT), (0.0, high, ""), (0.0, float(counts.max())))
        for b, count in enumerate(counts):
            u0, u1 = (left + (right - left) * k // 30 for k in (b, b + 1))
            v = top + _PLOT - int(_PLOT * count / counts.max())
            cv2.rectangle(page, (u0, v), (max(u0, u1 - 2), top + _PLOT), _BLUE, -1)
    return page


def _samples(index: Index, folder: Path) -> list[RgbImage]:
    """Show three samples: the image before, the target, the image after."""
    rows = []
    count = len(index.samples)
    each = (WIDTH - 2 * MARGIN) // 3
    for i in sorted({count // 6, count // 2, count * 5 // 6}):
        sample = index.samples[i]
        order = (sample.sources[0], sample.target, sample.sources[1])
        width = min(each - 8, round(_HIGHEST * index.width / index.height))
        height = round(width * index.height / index.width)
        page = _page(height + 34)
        for column, frame in enumerate(order):
            image = read_image(folder / index.frames[frame].image)
            shown = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            x = MARGIN + column * each
            page[28 : 28 + height, x : x + width] = shown
            _write(page, _caption(index, i, column), (x, 20))
        rows.append(page)
    return rows


def _caption(index: Index, i: int, column: int) -> str:
    sample, frames = index.samples[i], index.frames
    if column == 1:
        return f"sample {i}: target {frames[sample.target].stamp}"
    side = column // 2
    dt = (frames[sample.sources[side]].stamp - frames[sample.target].stamp) * 1e-9
    T = sample.T_target_source[side]
    metres = f", {np.linalg.norm(T[:3]):.3f} m" if T else ""
    return f"{dt:+.3f} s, parallax {100 * sample.parallax[side]:.1f} %{metres}"


def _axes(
    page: RgbImage,
    box: tuple[int, int, int, int],
    x: tuple[float, float, str],
    y: tuple[float, float],
) -> None:
    left, top, right, bottom = box
    for share in (0.0, 0.5, 1.0):
        v = round(bottom + (top - bottom) * share)
        cv2.line(page, (left, v), (right, v), _GRID)
        _write(page, f"{y[0] + (y[1] - y[0]) * share:.3g}", (left - 46, v + 5), _PALE, 0.42)
        u = round(left + (right - left) * share)
        text = f"{x[0] + (x[1] - x[0]) * share:.3g} {x[2]}"
        _write(page, text, (min(u, right - 36), bottom + 30), _PALE, 0.42)


def _page(height: int) -> RgbImage:
    return np.full((height, WIDTH, 3), 255, np.uint8)


def _write(
    page: RgbImage,
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int] = _INK,
    size: float = 0.52,
    weight: int = 1,
) -> None:
    plain = text.encode("ascii", "replace").decode()  # OpenCV's letters are ASCII
    cv2.putText(page, plain, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, weight, cv2.LINE_AA)


def _wrap(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) + 1 > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]


def _range(spread: dict[str, float], unit: str) -> str:
    return f"{spread['median']:.3g} {unit} ({spread['p5']:.3g} .. {spread['p95']:.3g})"


def _floats(values: Any) -> NDArray[np.float64]:
    return np.array(values, np.float64)
