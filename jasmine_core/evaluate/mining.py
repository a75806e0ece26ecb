# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ranking of segments of recordings by what a model does not know.

The segments are chosen one after the other. Each time that of the largest score is taken,

    score = mean rank of the three residuals + novelty        both in [0,1]

where the novelty is the distance of its features to the nearest segment that was taken before,
relative to the largest one between a segment and the mean of all. So the second of two segments
that look alike is taken late, however large its residuals are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jasmine_core.evaluate.unknowns import Signals

RESIDUALS = ("photometric", "temporal", "uncertainty")
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """Part of a recording with the medians of its signals."""

    recording: str
    start: int  # [ns] time of recording
    stop: int  # [ns] after the last image
    images: int
    photometric: float
    temporal: float
    uncertainty: float
    features: NDArray[np.float32] = field(repr=False, compare=False)  # [C]


@dataclass(frozen=True)
class Ranked:
    """Segment with its place in the ranking."""

    rank: int  # from 1
    segment: Segment
    novelty: float  # 0 to 1, when it was taken
    score: float


def segment_of(recording: str, start: int, stop: int, signals: Sequence[Signals]) -> Segment:
    """Return the segment with the signals of its images, of which there is at least one."""
    return Segment(
        recording,
        start,
        stop,
        len(signals),
        photometric=median(s.photometric for s in signals),
        temporal=median(s.temporal for s in signals),
        uncertainty=median(s.uncertainty for s in signals),
        features=np.asarray(np.mean([s.features for s in signals], 0), np.float32),
    )


def rank_segments(segments: Sequence[Segment], choose: int) -> list[Ranked]:
    """Return all segments in the order in which they are worth to be learned.

    Segments of equal score keep their order. After the first `choose` the novelty is not updated
    any more, so that the cost is that of `choose` times all segments.
    """
    if not segments:
        return []
    residual = np.mean([_ranks([getattr(s, name) for s in segments]) for name in RESIDUALS], 0)
    features = _standardised(np.array([s.features for s in segments], np.float64))
    distance = np.linalg.norm(features, axis=1)  # [N] to the mean of all
    unit = max(float(distance.max()), 1e-12)
    nearest = distance / unit
    taken = np.zeros(len(segments), np.bool_)
    ranked = []
    for rank in range(1, min(choose, len(segments)) + 1):
        score = residual + np.minimum(nearest, 1)
        best = int(np.argmax(np.where(taken, -math.inf, score)))
        taken[best] = True
        ranked.append(
            Ranked(rank, segments[best], float(min(nearest[best], 1)), float(score[best]))
        )
        to_best = np.linalg.norm(features - features[best], axis=1) / unit
        nearest = to_best if rank == 1 else np.minimum(nearest, to_best)
    score = residual + np.minimum(nearest, 1)
    rest = [i for i in np.argsort(-score, kind="stable") if not taken[i]]
    ranked += [
        Ranked(rank, segments[i], float(min(nearest[i], 1)), float(score[i]))
        for rank, i in enumerate(rest, len(ranked) + 1)
    ]
    return ranked


def rank_recordings(ranked: Sequence[Ranked]) -> list[tuple[str, float, int]]:
    """Return (recording, mean residual rank, segments) of all recordings, the least known first."""
    names = sorted({r.segment.recording for r in ranked})
    means = {name: list[float]() for name in names}
    for one, residual in zip(ranked, _residuals(ranked), strict=True):
        means[one.segment.recording].append(residual)
    rows = [(name, float(np.mean(values)), len(values)) for name, values in means.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _residuals(ranked: Sequence[Ranked]) -> list[float]:
    columns = [_ranks([getattr(r.segment, name) for r in ranked]) for name in RESIDUALS]
    return [float(value) for value in np.mean(columns, 0)] if ranked else []


def _ranks(values: Sequence[float]) -> FloatArray:
    """Return the ranks of numbers, from 0 for the least to 1; equal ones have their mean rank."""
    numbers = np.array(values, np.float64)
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2  # mean rank of equal numbers
    return np.asarray(middle[place] / max(1, len(numbers) - 1))


def _standardised(features: FloatArray) -> FloatArray:
    """Return features [N,C] with mean 0 and deviation 1; constant ones are 0."""
    deviation = features.std(0)
    safe = np.where(deviation > 1e-9, deviation, np.inf)
    return np.asarray((features - features.mean(0)) / safe / math.sqrt(features.shape[1]))
