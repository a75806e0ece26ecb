# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Health report of a prepared recording for people, with images that show its findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import Index, image_name, read_image
from jasmine_core.prepare.health_findings import About
from jasmine_core.prepare.keyframes import BREAKS, DROPPED, Status
from jasmine_core.prepare.statistics import RecordingStatistics
from jasmine_core.report.blocks import (
    Chart,
    Facts,
    Figure,
    Finding,
    Findings,
    Gallery,
    Level,
    Page,
    Section,
    Series,
    Tiles,
)
from jasmine_core.report.chart import robust_limits
from jasmine_core.report.images import THUMBNAIL, data_uri

THUMBNAILS, SAMPLES = 4, 4  # images of a finding, and samples that are shown
_LEVELS: dict[str, Level] = {"good": "good", "usable": "warning", "poor": "problem"}
_X_LABEL = "time since the first image [s]"
_Order = NDArray[np.int64]  # indices of images, the best example first


def health_page(
    health: dict[str, Any], statistics: RecordingStatistics, index: Index, folder: Path
) -> Page:
    """Return the page of a recording.

    Args:
        health: report of `examine`.
        statistics: statistics of all images of the recording.
        index: index of the sequence.
        folder: folder with the images of all keyframes.
    """
    images, time = health["images"], health["time"]
    findings = tuple(_finding(f, statistics, index, folder) for f in health["findings"])
    metric = "with metric scale" if health["metric_scale_can_be_learned"] else "no metric scale"
    dropped = sum(statistics.statuses[status] for status in DROPPED)
    tiles = Tiles(
        (
            (str(images["samples"]), "samples for training"),
            (str(images["received"]), "images in the recording"),
            (str(dropped), "images dropped"),
            (f"{time['seconds']:g} s", "duration"),
            (f"{time['rate_hz']:g} Hz", "rate"),
            ("yes" if health["metric_scale_can_be_learned"] else "no", "metric scale"),
        )
    )
    return Page(
        f"Health of {health['bag'].get('bag', 'the recording')}",
        f"{images['samples']} samples from {images['received']} images in {time['seconds']:g} s, "
        f"{metric}.",
        (
            Section("Findings", (tiles, Findings(findings)), wide=True),
            Section("Over time", _charts(statistics)),
            Section("Samples: neighbour, target, neighbour", _samples(index, folder), wide=True),
            Section("Measurements", (Facts(_facts(health, statistics)),), wide=True),
        ),
        _LEVELS[health["verdict"]],
        health["verdict"],
    )


def _finding(
    finding: dict[str, str], statistics: RecordingStatistics, index: Index, folder: Path
) -> Finding:
    remedy, about = finding.get("remedy", ""), finding.get("about", "")
    text = finding["text"].removesuffix(f"; {remedy}") if remedy else finding["text"]
    order = _EXAMPLES[About(about)](statistics) if about else np.zeros(0, np.int64)
    figures = _thumbnails(order, statistics, index, folder)
    level: Level = "problem" if finding["level"] == "problem" else "note"
    level = "warning" if finding["level"] == "warning" else level
    return Finding(level, text, remedy, figures)


def _thumbnails(
    order: _Order, statistics: RecordingStatistics, index: Index, folder: Path
) -> tuple[Figure, ...]:
    """Return the first images of an order that were stored."""
    stored = ~statistics.has_status(*DROPPED)
    times = statistics.times()
    suffix = Path(index.frames[0].image).suffix.removeprefix(".")
    figures = []
    for i in order[stored[order]][:THUMBNAILS].tolist():
        path = folder / image_name(statistics.stamps[i], suffix)
        figures.append(Figure(data_uri(read_image(path), THUMBNAIL), f"{times[i]:.2f} s"))
    return tuple(figures)


def _least(values: Sequence[float]) -> _Order:
    """Return the indices of the known values, the smallest first."""
    numbers = np.array(values, np.float64)
    order = np.argsort(np.where(np.isfinite(numbers), numbers, np.inf), kind="stable")
    return order[np.isfinite(numbers[order])]


def _extreme_light(statistics: RecordingStatistics) -> _Order:
    brightness = np.array(statistics.brightness, np.float64)
    return _least((-np.abs(brightness - 128)).tolist())


def _first_of(*statuses: Status) -> Callable[[RecordingStatistics], _Order]:
    return lambda statistics: np.flatnonzero(statistics.has_status(*statuses))


def _before(status: Status) -> Callable[[RecordingStatistics], _Order]:
    """Return a function to the images before each run of images with a status."""

    def found(statistics: RecordingStatistics) -> _Order:
        has = statistics.has_status(status)
        return np.flatnonzero(~has[:-1] & has[1:])

    return found


_EXAMPLES: dict[About, Callable[[RecordingStatistics], _Order]] = {
    About.BLUR: lambda statistics: _least(statistics.sharpness),
    About.LIGHT: _extreme_light,
    About.ROTATION: lambda statistics: _least((-np.array(statistics.rotation)).tolist()),
    About.BREAK: _first_of(*BREAKS[1:]),
    About.EXPOSURE: _first_of(Status.EXPOSURE),
    About.STILL: _before(Status.STILL),
    About.BLANK: _before(Status.BLANK),
}


def _charts(statistics: RecordingStatistics) -> tuple[Chart, ...]:
    times = statistics.times()
    order = np.argsort(times, kind="stable")
    dropped = times[statistics.has_status(*DROPPED)]
    breaks = times[statistics.has_status(*BREAKS[1:])]
    curves = (
        ("Flow since the last keyframe [% of the width]", 100 * np.array(statistics.flow), None),
        ("Sharpness [grey levels]", np.array(statistics.sharpness), None),
        ("Brightness [grey levels]", np.array(statistics.brightness), (0.0, 255.0)),
    )
    charts = [
        Chart(
            title,
            _X_LABEL,
            (Series(title, times[order], values[order]),),
            limits or robust_limits(values, from_zero=True),
            breaks,
            "cut, gap or exposure jump",
        )
        for title, values, limits in curves
    ]
    period = Series("images", times[order][1:], np.diff(times[order]))
    title = "Time between images [s]"
    limits = robust_limits(np.diff(times[order]), from_zero=True)
    charts.append(Chart(title, _X_LABEL, (period,), limits, dropped, "image dropped"))
    return tuple(charts)


def _samples(index: Index, folder: Path) -> tuple[Gallery, ...]:
    """Return some samples, evenly spaced: the image before, the target and the image after."""
    count = len(index.samples)
    places = sorted({round((i + 0.5) * count / SAMPLES - 0.5) for i in range(SAMPLES)})
    rows = []
    for place in places:
        sample, frames = index.samples[place], index.frames
        before, after = sample.sources
        figures = []
        for frame in (before, sample.target, after):
            seconds = (frames[frame].stamp - frames[sample.target].stamp) * 1e-9
            caption = f"sample {place}" if frame == sample.target else f"{seconds:+.2f} s"
            image = read_image(folder / frames[frame].image)
            figures.append(Figure(data_uri(image, THUMBNAIL + 100), caption))
        rows.append(Gallery(tuple(figures), 3))
    return tuple(rows)


def _facts(health: dict[str, Any], statistics: RecordingStatistics) -> tuple[tuple[str, str], ...]:
    camera, motion, odometry = health["intrinsics"], health["motion"], health["odometry"]
    K, (width, height) = camera["K"], camera["prepared_size"]
    metres = motion["metres_between_neighbours"]
    counts = ", ".join(
        f"{status.value.replace('_', ' ')} {statistics.statuses[status]}"
        for status in Status
        if statistics.statuses[status]
    )
    return (
        ("images by status", counts),
        ("prepared size", f"{width}x{height} px"),
        ("intrinsics", f"fx {K[0][0]:g}, fy {K[1][1]:g}, cx {K[0][2]:g}, cy {K[1][2]:g} px"),
        ("field of view", f"{camera['horizontal_fov_deg']:g}° x {camera['vertical_fov_deg']:g}°"),
        ("parallax", _spread(motion["parallax_percent_of_width"], "% of the width")),
        ("time to neighbours", _spread(motion["seconds_between_neighbours"], "s")),
        ("distance to neighbours", _spread(metres, "m") if metres else "unknown"),
        ("odometry", f"{odometry['topic'] or 'none'}, {odometry['samples']} samples"),
        ("blurred images", f"{health['sharpness']['blurred_share']:.1%}"),
        ("lost images", str(health["time"]["lost_images"])),
    )


def _spread(spread: dict[str, float], unit: str) -> str:
    if not spread:
        return "unknown"
    return f"{spread['median']:.3g} ({spread['p5']:.3g} to {spread['p95']:.3g}) {unit}"
