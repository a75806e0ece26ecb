# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Health report of a prepared recording: measurements, findings and a verdict, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jasmine_core.dataset.sequence import Index
from jasmine_core.geometry.camera import Camera
from jasmine_core.prepare.health_findings import find_problems
from jasmine_core.prepare.keyframes import KeyframeSelector, Status
from jasmine_core.prepare.statistics import OdometryFacts, OdometryProblem, RecordingStatistics

_BLURRED = 0.4  # of the median sharpness
_LONG_STILL = 1_000_000_000  # [ns]


def examine(
    index: Index,
    statistics: RecordingStatistics,
    selector: KeyframeSelector,
    facts: OdometryFacts,
    damaged: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the health report of a recording as JSON values.

    Args:
        index: index of the sequence.
        statistics: statistics of the images.
        selector: selector of the keyframes.
        facts: facts about the odometry.
        damaged: `count` and `example` of the damaged messages of each topic, without images.

    Returns:
        Measurements by subject, `findings` (level and text of each) and `verdict`: "good",
        "usable" (with warnings) or "poor" (with problems).
    """
    counts = statistics.statuses
    used = len(index.frames)
    keyframes = selector.keyframes
    report: dict[str, Any] = {
        "bag": index.source,
        "input": index.input_facts,
        "images": {
            "received": statistics.received,
            "samples": len(index.samples),
            "stored": used,
            "keyframes_without_neighbours": len(keyframes) - used,
            "keyframes_only_rotated": sum(k.only_rotated for k in keyframes),
            **{status.value: counts[status] for status in Status if counts[status]},
        },
        "time": _time(statistics),
        "still": _still(statistics),
        "motion": _motion(index),
        "exposure": _exposure(statistics),
        "sharpness": _sharpness(statistics),
        "intrinsics": _intrinsics(index.camera),
        "odometry": _odometry(index, facts),
        "damaged_messages": dict(damaged or {}),
        "metric_scale_can_be_learned": index.metric,
    }
    findings = find_problems(report, statistics)
    report["verdict"] = (
        "poor" if any(f["level"] == "problem" for f in findings)
        else "usable" if any(f["level"] == "warning" for f in findings) else "good"
    )  # fmt: skip
    report["findings"] = findings
    return report


def _odometry(index: Index, facts: OdometryFacts) -> dict[str, Any]:
    problem, detail = facts.problem, facts.detail
    if problem is None and not index.metric:
        problem = OdometryProblem.INCOMPLETE
        detail = "it covers less than half of the samples"
    return {
        "topic": facts.topic,
        "samples": facts.samples,
        "jumps": facts.jumps,
        "pairs_checked_against_images": facts.checked,
        "problem": problem and problem.value,
        "problem_detail": detail if problem else None,
    }


def _time(statistics: RecordingStatistics) -> dict[str, Any]:
    stamps = np.sort(np.array(statistics.stamps, np.int64))
    steps = np.diff(stamps) * 1e-9
    period = float(np.median(steps)) if len(steps) else 0.0
    return {
        "seconds": round(float(stamps[-1] - stamps[0]) * 1e-9, 3),
        "rate_hz": round(1 / period, 3) if period else 0.0,
        "lost_images": int(np.sum(np.maximum(np.rint(steps / period) - 1, 0))) if period else 0,
        "longest_gap_s": round(float(steps.max(initial=0.0)), 3),
    }


def _still(statistics: RecordingStatistics) -> dict[str, Any]:
    """Measure the periods without motion; single dropped images occur in slow motion too."""
    still = statistics.has_status(Status.STILL)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    stamps = np.array(statistics.stamps, np.int64)
    periods = [
        int(stamps[stop - 1] - stamps[start])
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
    ]
    long = [length for length in periods if length >= _LONG_STILL]
    length = int(stamps.max() - stamps.min()) or 1
    return {
        "periods": len(long),  # of at least one second
        "seconds": round(sum(long) * 1e-9, 1),
        "share_of_time": round(sum(long) / length, 4),
        "images_dropped": int(still.sum()),
    }


def _motion(index: Index) -> dict[str, Any]:
    frames = index.frames
    distances = [
        float(np.linalg.norm(T[:3])) for s in index.samples for T in s.T_target_source if T
    ]
    return {
        "flow_percent_of_width": _spread([100 * f for s in index.samples for f in s.flow]),
        "parallax_percent_of_width": _spread([100 * p for s in index.samples for p in s.parallax]),
        "seconds_between_neighbours": _spread(
            [
                abs(frames[s.target].stamp - frames[i].stamp) * 1e-9
                for s in index.samples
                for i in s.sources
            ]
        ),
        "metres_between_neighbours": _spread(distances) if distances else None,
    }


def _exposure(statistics: RecordingStatistics) -> dict[str, Any]:
    brightness = np.frombuffer(statistics.brightness, np.float32)
    known = brightness[np.isfinite(brightness)]
    return {
        "brightness": _spread(known.tolist()),
        "too_dark_share": round(float(np.mean(known < 25)), 4) if len(known) else 0.0,
        "too_bright_share": round(float(np.mean(known > 230)), 4) if len(known) else 0.0,
        "jumps": statistics.statuses[Status.EXPOSURE],
    }


def _sharpness(statistics: RecordingStatistics) -> dict[str, Any]:
    sharp = np.frombuffer(statistics.sharpness, np.float32)
    known = sharp[np.isfinite(sharp)]
    median = np.median(known) if len(known) else 0.0
    return {
        "laplacian": _spread(known.tolist()),
        "blurred_share": round(float(np.mean(known < _BLURRED * median)), 4) if len(known) else 0.0,
    }


def _intrinsics(camera: Camera) -> dict[str, Any]:
    K, (width, height) = camera.K, camera.size
    fov = [
        float(np.degrees(np.arctan2(c + 0.5, f) + np.arctan2(side - 0.5 - c, f)))
        for f, c, side in ((K[0, 0], K[0, 2], width), (K[1, 1], K[1, 2], height))
    ]
    return {
        "prepared_size": [width, height],
        "K": np.round(K, 3).tolist(),
        "horizontal_fov_deg": round(fov[0], 2),
        "vertical_fov_deg": round(fov[1], 2),
        "principal_point_share": [
            round((K[0, 2] + 0.5) / width, 4),
            round((K[1, 2] + 0.5) / height, 4),
        ],
    }


def _spread(values: list[float]) -> dict[str, float]:
    """Return the 5th, 50th and 95th percentile; empty without values."""
    if not values:
        return {}
    low, middle, high = np.percentile(values, (5, 50, 95))
    return {
        "p5": round(float(low), 4),
        "median": round(float(middle), 4),
        "p95": round(float(high), 4),
    }
