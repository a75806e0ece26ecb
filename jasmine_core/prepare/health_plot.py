# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figure of the health report: findings, time series, histograms and three samples."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import Index, read_image
from jasmine_core.plots import (
    AMBER,
    BLUE,
    GREEN,
    INK,
    PALE,
    RED,
    add_axes,
    add_text,
    can_plot,
    png_figure,
)
from jasmine_core.prepare.keyframes import BREAKS, Status
from jasmine_core.prepare.statistics import RecordingStatistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, MARGIN = 1200, 30  # [px]
_LINE, _COLUMNS = 19, 140  # [px] height and [characters] length of a line of text
_LEFT = 85  # [px] left edge of the plots, right of their labels
_SERIES, _HISTOGRAMS, _GAP = 105, 130, 22  # [px] heights
_HIGHEST = 260  # [px] height of an image
_LEVELS = {"problem": RED, "warning": AMBER, "note": PALE}
_VERDICTS = {"good": GREEN, "usable": AMBER, "poor": RED}
_GROUPS = (
    ("keyframe", GREEN, (Status.KEYFRAME,)),
    ("no motion", PALE, (Status.STILL,)),
    ("break", AMBER, BREAKS),
    ("unusable", RED, (Status.OUT_OF_ORDER, Status.DAMAGED, Status.BLANK)),
)


def draw_health(
    health: dict[str, Any], statistics: RecordingStatistics, index: Index, folder: Path, path: Path
) -> bool:
    """Write the figure as PNG; without matplotlib log a warning and return False.

    Args:
        health: report of `examine`.
        statistics: statistics of all images of the recording.
        index: index of the sequence.
        folder: folder of the sequence, from which the samples are read.
        path: PNG file to write.
    """
    if not can_plot(path):
        return False
    lines = _summary(health)
    findings = [
        (f["level"], row, part)
        for f in health["findings"]
        for part, row in enumerate(wrap(f["text"], _COLUMNS))
    ]
    count = len(index.samples)
    shown = sorted({count // 6, count // 2, count * 5 // 6})
    width = min((WIDTH - 4 * MARGIN) // 3, round(_HIGHEST * index.width / index.height))
    size = (width, round(width * index.height / index.width))
    heights = [
        60 + _LINE * (len(lines) + len(findings)) + 50,
        4 * (_SERIES + _GAP) - _SERIES + 75,
        _HISTOGRAMS + 95,
        len(shown) * (size[1] + 34) + MARGIN,
    ]
    tops = np.cumsum([0, *heights]).tolist()
    with png_figure(path, WIDTH, tops[-1]) as figure:
        _write_text(figure, health, lines, findings)
        _draw_series(figure, tops[1], statistics)
        _draw_histograms(figure, tops[2], index)
        for row, sample in enumerate(shown):
            _draw_sample(figure, tops[3] + row * (size[1] + 34), size, index, sample, folder)
    return True


def _summary(health: dict[str, Any]) -> list[str]:
    images, time, camera = health["images"], health["time"], health["intrinsics"]
    motion, K = health["motion"], camera["K"]
    metres = motion["metres_between_neighbours"]
    neighbours = [
        "parallax " + _range(motion["parallax_percent_of_width"], "% of the width"),
        "time " + _range(motion["seconds_between_neighbours"], "s"),
        *(["distance " + _range(metres, "m")] if metres else []),
    ]
    return [
        f"{images['received']} images in {time['seconds']:g} s at {time['rate_hz']:g} Hz: "
        f"{images['samples']} samples from {images['stored']} stored images, "
        f"{images.get(Status.STILL.value, 0)} images dropped without motion",
        f"fx {K[0][0]:g}, fy {K[1][1]:g}, cx {K[0][2]:g}, cy {K[1][2]:g} px at "
        f"{'x'.join(map(str, camera['prepared_size']))} px; field of view "
        f"{camera['horizontal_fov_deg']:g}° x {camera['vertical_fov_deg']:g}°; "
        f"{'metric scale' if health['metric_scale_can_be_learned'] else 'no metric scale'}",
        "neighbours, median (5th to 95th percentile): " + ", ".join(neighbours),
    ]


def _write_text(
    figure: Figure, health: dict[str, Any], lines: list[str], findings: list[tuple[str, str, int]]
) -> None:
    verdict = health["verdict"]
    add_text(figure, verdict.upper(), MARGIN, 24, size=15, weight="bold", color=_VERDICTS[verdict])
    title = f"Health of {health['bag'].get('bag', 'the recording')}"
    add_text(figure, title, MARGIN + 110, 24, size=15, weight="bold")
    y = 60
    for line in lines:
        add_text(figure, line, MARGIN, y, size=10)
        y += _LINE
    y += 12
    for level, row, part in findings:
        if part == 0:
            add_text(figure, level, MARGIN, y, size=10, weight="bold", color=_LEVELS[level])
        add_text(figure, row, MARGIN + 80, y, size=10)
        y += _LINE


def _draw_series(figure: Figure, top: float, statistics: RecordingStatistics) -> None:
    """Plot the status, flow, sharpness and brightness of each image over time."""
    times = statistics.times()
    series = (
        ("flow since\nkeyframe [% width]", 100 * _floats(statistics.flow), None),
        ("sharpness\n[grey levels]", _floats(statistics.sharpness), None),
        ("brightness\n[grey levels]", _floats(statistics.brightness), 255.0),
    )
    strip = add_axes(figure, _LEFT, top, WIDTH - _LEFT - MARGIN, _GAP)
    strip.set(ylim=(0, 1), yticks=[], facecolor="#f4f4f4")
    strip.grid(visible=False)
    strip.tick_params(bottom=False, labelbottom=False)
    strip.set_ylabel("status", rotation=0, ha="right", va="center", labelpad=8)
    axes = [
        add_axes(
            figure,
            _LEFT,
            top + _GAP + 12 + row * (_SERIES + _GAP),
            WIDTH - _LEFT - MARGIN,
            _SERIES,
        )
        for row in range(len(series))
    ]
    for name, colour, statuses in _GROUPS:
        chosen = statistics.has_status(*statuses)
        label = f"{name} ({np.count_nonzero(chosen)})"
        strip.vlines(times[chosen], 0, 1, colors=colour, linewidth=1.5, label=label)
        for ax, (_, values, _) in zip(axes, series, strict=True):
            ax.plot(times[chosen], values[chosen], ".", color=colour, markersize=3)
    end = max(float(times.max(initial=0.0)), 1e-3)
    for ax, (label, values, limit) in zip(axes, series, strict=True):
        known = values[np.isfinite(values)]
        high = limit or 1.1 * (float(np.percentile(known, 99.5)) if known.size else 0.0) or 1.0
        ax.set_ylim(0, high)
        ax.set_ylabel(label, fontsize=8)
        ax.yaxis.set_label_coords(-0.035, 0.5)
        ax.tick_params(labelbottom=ax is axes[-1])
    for ax in (strip, *axes):
        ax.set_xlim(-0.005 * end, 1.005 * end)
    axes[-1].set_xlabel("time since the first image [s]")
    strip.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=len(_GROUPS), borderaxespad=0.2)


def _draw_histograms(figure: Figure, top: float, index: Index) -> None:
    """Plot the distributions of parallax, time and distance between neighbours."""
    frames = index.frames
    parallax = [100 * p for s in index.samples for p in s.parallax]
    seconds = [
        abs(frames[s.target].stamp - frames[i].stamp) * 1e-9
        for s in index.samples
        for i in s.sources
    ]
    metres = [float(np.linalg.norm(T[:3])) for s in index.samples for T in s.T_target_source if T]
    plots = (
        ("parallax [% of the width]", parallax),
        ("time [s]", seconds),
        ("distance [m]", metres),
    )
    add_text(figure, "Motion between neighbours", MARGIN, top, size=11, weight="bold")
    each = (WIDTH - _LEFT - MARGIN) / 3
    for column, (label, values) in enumerate(plots):
        ax = add_axes(figure, _LEFT + column * each, top + 28, each - 50, _HISTOGRAMS)
        ax.set_xlabel(label)
        if column == 0:
            ax.set_ylabel("pairs of images")
        if not values:
            ax.set(xticks=[], yticks=[])
            ax.text(0.5, 0.5, "unknown", color=PALE, ha="center", transform=ax.transAxes)
            continue
        high = 1.1 * float(np.percentile(values, 99.5)) or 1.0
        ax.hist(values, bins=30, range=(0, high), color=BLUE, rwidth=0.9)
        ax.set_xlim(0, high)
        ax.axvline(float(np.median(values)), color=INK, linewidth=1, label="median")
        ax.legend(loc="upper right")


def _draw_sample(
    figure: Figure, top: float, size: tuple[int, int], index: Index, i: int, folder: Path
) -> None:
    """Show a sample: the image before, the target and the image after."""
    sample, frames = index.samples[i], index.frames
    (width, height), (before, after) = size, sample.sources
    for column, frame in enumerate((before, sample.target, after)):
        image = read_image(folder / frames[frame].image)
        shown = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        left = MARGIN + column * (width + MARGIN)
        add_text(figure, _caption(index, i, column), left, top, size=9)
        ax = add_axes(figure, left, top + 20, width, height)
        ax.imshow(shown, interpolation="nearest", aspect="auto")
        ax.set_axis_off()


def _caption(index: Index, i: int, column: int) -> str:
    sample, frames = index.samples[i], index.frames
    if column == 1:
        return f"sample {i}, target at {frames[sample.target].stamp} ns"
    side = column // 2
    dt = (frames[sample.sources[side]].stamp - frames[sample.target].stamp) * 1e-9
    T = sample.T_target_source[side]
    metres = f", distance {np.linalg.norm(T[:3]):.3f} m" if T else ""
    return f"neighbour at {dt:+.3f} s, parallax {100 * sample.parallax[side]:.1f} %{metres}"


def _range(spread: dict[str, float], unit: str) -> str:
    return f"{spread['median']:.3g} ({spread['p5']:.3g} to {spread['p95']:.3g}) {unit}"


def _floats(values: Any) -> NDArray[np.float64]:
    return np.array(values, np.float64)
