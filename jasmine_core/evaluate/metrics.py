# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth metrics, independent of files and protocols.

Computations keep the precision of their input: single precision reproduces published numbers
exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


class DepthMetrics(NamedTuple):
    """Depth errors, then accuracies in [0,1], of one image or averaged over many."""

    abs_rel: float
    sq_rel: float
    rmse: float
    rmse_log: float
    a1: float
    a2: float
    a3: float


class TemporalMetrics(NamedTuple):
    """Consistency of depth over time, of one clip or averaged over many."""

    tae: float  # [%] temporal alignment error
    tae_static: float  # [%] the same on static pixels that both images show
    opw: float  # [%] flow-warped difference
    scale_spread: float  # standard deviation / median of the scale of the frames
    scale_drift: float  # |trend| of the scale of the frames / median, per second


def depth_metrics(prediction: FloatArray, ground_truth: FloatArray) -> DepthMetrics:
    """Return the metrics of valid pixels [N] with positive depth [m].

    sq_rel and rmse are in metres; a_i is the share of pixels with max(p/t, t/p) < 1.25^i for
    prediction p and ground truth t.
    """
    error = ground_truth - prediction
    log_error = np.log(ground_truth) - np.log(prediction)
    ratio = np.maximum(ground_truth / prediction, prediction / ground_truth)
    return DepthMetrics(
        abs_rel=float(np.mean(np.abs(error) / ground_truth)),
        sq_rel=float(np.mean(error**2 / ground_truth)),
        rmse=float(np.sqrt(np.mean(error**2))),
        rmse_log=float(np.sqrt(np.mean(log_error**2))),
        a1=float(np.mean(ratio < 1.25)),
        a2=float(np.mean(ratio < 1.25**2)),
        a3=float(np.mean(ratio < 1.25**3)),
    )


def mean_metrics(images: Sequence[DepthMetrics]) -> DepthMetrics:
    """Return the mean over images; each image has the same weight."""
    means = np.asarray(images, np.float64).mean(axis=0)  # [7]
    return DepthMetrics._make(float(mean) for mean in means)


def align_median(prediction: FloatArray, ground_truth: FloatArray) -> float:
    """Return the scale [m per unit of prediction] that makes the medians of [N] pixels equal."""
    return float(np.median(ground_truth) / np.median(prediction))


def align_least_squares(prediction: FloatArray, ground_truth: FloatArray) -> tuple[float, float]:
    """Return (s, t) that minimize the sum of (s p + t - ground truth)^2 over [N] pixels.

    The fit is in depth, not in inverse depth. For a constant prediction many (s, t) are optimal and
    the one with the least norm is returned.
    """
    system = np.stack([prediction, np.ones_like(prediction)], axis=-1)  # [N,2]
    (s, t), *_ = np.linalg.lstsq(system, ground_truth, rcond=None)
    return float(s), float(t)


class ScaleDrift(NamedTuple):
    """Variation of the metres per model unit over a sequence."""

    median: float  # [m] per model unit
    spread: float  # standard deviation / median
    trend: float  # slope of a straight line through the ratios / median, per second
    max_change: float  # largest / smallest median of all windows - 1


def scale_drift(ratios: Sequence[float], stamps: Sequence[int], window: float = 1.0) -> ScaleDrift:
    """Measure the scale drift from the ratio median(ground truth) / median(prediction) per frame.

    `spread` includes the flicker between frames; `max_change` compares medians over windows, which
    one bad frame does not change.

    Args:
        ratios: ratio of each frame.
        stamps: timestamps [ns] in any order.
        window: length of a window [s].
    """
    values = np.asarray(ratios, np.float64)
    seconds = (np.asarray(stamps, np.int64) - min(stamps)) * 1e-9
    median = float(np.median(values))
    offsets = seconds - seconds.mean()
    moment = float(offsets @ offsets)
    slope = float(offsets @ values) / moment if moment > 0 else 0.0
    windows = np.floor(seconds / window).astype(np.int64)
    order = np.argsort(windows, kind="stable")
    starts = np.flatnonzero(np.diff(windows[order])) + 1
    medians = [float(np.median(part)) for part in np.split(values[order], starts)]
    return ScaleDrift(
        median, float(values.std()) / median, slope / median, max(medians) / min(medians) - 1
    )


EDGE_RATIO = 1.25  # neighbouring pixels whose depths differ by this factor form an edge
EDGE_REACH = 8  # [px] search range on both sides of an edge
EDGE_TOLERANCE = 1  # [px] displacement or blur at which an edge still counts as found


class EdgeSharpness(NamedTuple):
    """Sharpness of the depth edges of a prediction, against dense ground truth."""

    width: float  # [px] from 1 (as sharp as the ground truth) to 2 EDGE_REACH + 1 (not found)
    recall: float  # share of the ground-truth edges that the prediction has, [0,1]
    precision: float  # share of the predicted edges that are correct, [0,1]; 0 without edges


def edge_sharpness(depth: FloatArray, ground_truth: FloatArray) -> EdgeSharpness | None:
    """Measure the sharpness of depth [H,W] at the edges of ground truth [H,W], None without edges.

    An edge lies between two neighbours i, i + 1 of a row or column whose log depths l differ by
    |l(i+1) - l(i)| > ln EDGE_RATIO. The step of the other map within k pixels on both sides, for a
    rising edge, is

        D_k = max_{j<=k} l(i+1+j) - min_{j<=k} l(i-j)

    and it finds the edge at the smallest k with D_k >= |l(i+1) - l(i)| / 2. `width` is the mean of
    2k + 1 over the ground-truth edges, `recall` the share found with k <= EDGE_TOLERANCE, and
    `precision` the same share with exchanged roles. Logarithms make all three independent of scale.
    Ground truth of 0 or NaN is unknown.
    """
    known = np.isfinite(ground_truth) & (ground_truth > 0)
    # Comparisons with NaN are false and fmin and fmax ignore it: unknown pixels have no edges.
    predicted = np.log(np.where(known & (depth > 0), depth, np.nan))
    true = np.log(np.where(known, ground_truth, np.nan))
    reaches = _edge_reaches(true, predicted)
    if not reaches.size:
        return None
    drawn = _edge_reaches(predicted, true)
    return EdgeSharpness(
        float(np.mean(2 * reaches + 1)),
        float(np.mean(reaches <= EDGE_TOLERANCE)),
        float(np.mean(drawn <= EDGE_TOLERANCE)) if drawn.size else 0.0,
    )


def _edge_reaches(edges: FloatArray, other: FloatArray) -> NDArray[np.int64]:
    """Return k for each edge of a log-depth map [H,W], EDGE_REACH for an edge not found."""
    found = []
    # Falling edges are rising edges of the negated maps, columns are rows of the transposed ones.
    for source, target in ((edges, other), (edges.T, other.T)):
        for sign in (1, -1):
            step = np.diff(sign * source, axis=1)  # [H,W-1]
            row, column = np.nonzero(step > np.log(EDGE_RATIO))
            half = step[row, column] / 2
            near, far = np.full((2, row.size), np.nan)
            reach = np.full(row.size, EDGE_REACH)
            for k in range(EDGE_REACH):
                left, right = column - k, column + 1 + k
                inside = left >= 0
                near[inside] = np.fmin(near[inside], sign * target[row[inside], left[inside]])
                inside = right < target.shape[1]
                far[inside] = np.fmax(far[inside], sign * target[row[inside], right[inside]])
                reach[(far - near >= half) & (reach > k)] = k
            found.append(reach)
    return np.concatenate(found)
