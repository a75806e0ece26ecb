# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model on a test set, compared with two predictors that ignore the image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import ConfigError, FrameError
from jasmine_core.evaluate.clips import ClipEvaluation, ClipPose
from jasmine_core.evaluate.metrics import (
    DepthMetrics,
    EdgeSharpness,
    TemporalMetrics,
    edge_sharpness,
    mean_metrics,
    scale_drift,
)
from jasmine_core.evaluate.protocols import (
    Aligned,
    Alignment,
    Protocol,
    align,
    check_alignment,
    find_protocol,
)

MARGIN = 0.1  # share of the width and height at each border of an image
DENSE = 0.5  # least share of pixels with ground truth to measure its edges

Summary = dict[str, dict[str, Any]]


class FrameScore(NamedTuple):
    """Scores of one frame."""

    stamp: int  # [ns]
    model: DepthMetrics
    trivial_constant: DepthMetrics
    trivial_mean_map: DepthMetrics
    ratio: float  # [m] per unit of the prediction
    edges: EdgeSharpness | None  # None for sparse ground truth
    regions: tuple[float, float]  # abs_rel in the margin and inside, NaN without ground truth
    baseline: DepthMetrics | None = None


class Evaluation:
    """Scores of all frames of a test set, with those of the trivial predictors.

    Args:
        mean_map: mean depth [h,w] m of the training set, see `mean_depth_map`.
        protocol: rules of the benchmark.
        alignment: alignment of predictions with the ground truth.
        constant: depth [m] of the constant predictor, by default the mean of `mean_map`; only
            without alignment does it change the scores.
    """

    def __init__(
        self,
        mean_map: NDArray[Any],
        protocol: str | Protocol = "eigen",
        alignment: Alignment = "median",
        constant: float | None = None,
    ) -> None:
        check_alignment(alignment)
        self.protocol = find_protocol(protocol)
        self.alignment: Alignment = alignment
        self.mean_map = np.asarray(mean_map, np.float32)
        self.constant = float(np.mean(self.mean_map)) if constant is None else constant
        if not (np.all(self.mean_map > 0) and 0 < self.constant < np.inf):
            raise ConfigError(
                "trivial predictors need positive depth: the mean map starts at "
                f"{self.mean_map.min():g} m, the constant is {self.constant:g} m; make the map "
                "with mean_depth_map"
            )
        self.frames: list[FrameScore] = []
        self.clips = ClipEvaluation((self.protocol.min_depth, self.protocol.max_depth))

    def add(
        self,
        stamp: int,
        prediction: NDArray[Any],
        ground_truth: NDArray[Any],
        baseline: NDArray[Any] | None = None,
        pose: ClipPose | None = None,
    ) -> Aligned:
        """Score one frame and return its aligned depth.

        Args:
            stamp: timestamp [ns].
            prediction: depth [h,w] of the model.
            ground_truth: depth [H,W] m, 0 or NaN where unknown.
            baseline: depth [h,w] of another model to compare with.
            pose: camera of the frame in its clip, for the temporal metrics; the frames of a clip
                are added one after the other.

        Raises:
            FrameError: the frame cannot be scored; it is not added.
        """
        predictions = {
            "model": prediction,
            "trivial_constant": np.full((1, 1), self.constant, np.float32),
            "trivial_mean_map": self.mean_map,
        }
        if baseline is not None:
            predictions["baseline"] = baseline
        every = {
            name: align(depth, ground_truth, self.protocol, self.alignment)
            for name, depth in predictions.items()
        }
        aligned = every["model"]
        edges = None
        if np.mean(aligned.ground_truth > 0) >= DENSE:
            edges = edge_sharpness(aligned.depth, np.where(aligned.valid, aligned.ground_truth, 0))
        scores = {name: each.metrics() for name, each in every.items()}
        self.frames.append(
            FrameScore(stamp, ratio=aligned.ratio, edges=edges, regions=_regions(aligned), **scores)
        )
        if pose is not None:
            size = ground_truth.shape[1], ground_truth.shape[0]
            self.clips.add(stamp, pose.within(self.protocol.window(size)), every)
        return aligned

    def extremes(self) -> dict[str, FrameScore]:
        """Return the best, median and worst frame by the model's abs_rel."""
        ranked = sorted(self._scored(), key=lambda frame: frame.model.abs_rel)
        return {"best": ranked[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}

    def summary(self) -> Summary:
        """Return the mean scores as JSON values, None for scores that cannot be measured."""
        frames = self._scored()
        summary: Summary = {
            name: {
                **mean_metrics([getattr(frame, name) for frame in frames])._asdict(),
                "frames": len(frames),
                "protocol": self.protocol.name,
                "alignment": self.alignment,
            }
            for name in ("model", "baseline", "trivial_constant", "trivial_mean_map")
            if name != "baseline" or frames[0].baseline
        }
        temporal = self.clips.summary()
        for name, row in summary.items():
            row |= temporal[name] if name in temporal else dict.fromkeys(TemporalMetrics._fields)
        drift = scale_drift([frame.ratio for frame in frames], [frame.stamp for frame in frames])
        summary["model"] |= {f"scale_ratio_{name}": x for name, x in drift._asdict().items()}
        regions = np.array([frame.regions for frame in frames])  # [N,2]
        for name, values in zip(("margin", "within"), regions.T, strict=True):
            mean = _mean(values[np.isfinite(values)])
            summary["model"][f"abs_rel_{name}"] = mean if np.isfinite(mean) else None
        edges = [frame.edges for frame in frames if frame.edges]
        means = np.mean(edges, axis=0).tolist() if edges else [None] * len(EdgeSharpness._fields)
        summary["model"] |= {
            f"edge_{name}": x for name, x in zip(EdgeSharpness._fields, means, strict=True)
        }
        return summary

    def _scored(self) -> list[FrameScore]:
        if not self.frames:
            raise FrameError(
                "no image was evaluated; the warnings above name the images and the ground truth "
                "that could not be used"
            )
        return self.frames


def _regions(aligned: Aligned) -> tuple[float, float]:
    """Return abs_rel in the margin and inside it."""
    height, width = aligned.ground_truth.shape
    rows, columns = round(MARGIN * height), round(MARGIN * width)
    within = np.zeros((height, width), np.bool_)
    within[rows : height - rows, columns : width - columns] = True
    error = np.abs(aligned.depth - aligned.ground_truth) / np.where(
        aligned.valid, aligned.ground_truth, 1
    )
    outer, inner = error[aligned.valid & ~within], error[aligned.valid & within]
    return _mean(outer), _mean(inner)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else np.nan


def mean_depth_map(
    ground_truths: Iterable[NDArray[Any]], protocol: str | Protocol = "plain"
) -> NDArray[np.float32]:
    """Return the mean ground truth [h,w] m of a training set for each pixel.

    It has the size of the first image. Depth outside the range of the protocol is ignored. A pixel
    without depth gets the mean of its row, and a row without depth the mean of the nearest row.
    """
    rules = find_protocol(protocol)
    total = count = np.zeros((0, 0))
    for whole in ground_truths:
        ground_truth = whole[rules.window((whole.shape[1], whole.shape[0])).slices].astype(
            np.float32
        )
        if not total.size:
            total, count = np.zeros((2, *ground_truth.shape))
        if ground_truth.shape != total.shape:  # Zeros are unknown, so depth is not interpolated.
            resized = cv2.resize(ground_truth, total.shape[::-1], interpolation=cv2.INTER_NEAREST)
            ground_truth = np.asarray(resized, np.float32)
        known = rules.in_range(ground_truth)
        total += np.where(known, ground_truth, 0)
        count += known
    if not count.any():
        raise FrameError(
            f"no training image has depth in the range of protocol {rules.name!r}; check that "
            "its unit is metres"
        )
    seen = np.flatnonzero(count.any(axis=1))
    row_means = total[seen].sum(axis=1) / count[seen].sum(axis=1)
    rows = np.arange(len(count))
    nearest = np.abs(rows[:, None] - seen).argmin(axis=1)  # [H]
    filled = np.where(count > 0, total / np.maximum(count, 1), row_means[nearest][:, None])
    return filled.astype(np.float32)
