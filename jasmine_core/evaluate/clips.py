# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal metrics of the clips of a test set, collected frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.metrics import FloatArray, TemporalMetrics
from jasmine_core.evaluate.protocols import Aligned
from jasmine_core.geometry.camera import Window
from jasmine_core.geometry.rigid import Array

LONGEST_CLIP = 50  # frames; a longer clip is split, because its depth maps are kept in memory

GROUND_TRUTH = "ground_truth"


class ClipPose(NamedTuple):
    """Camera of one frame of a clip."""

    clip: int  # frames with the same number belong to one clip
    K: Array  # [3,3] px, of the whole image
    T_world_camera: Array  # [4,4], translation in m

    def within(self, window: Window) -> ClipPose:
        """Return the camera of a window of the image."""
        shift = np.array([[1.0, 0, -window.x], [0, 1, -window.y], [0, 0, 1]])
        return self._replace(K=shift @ self.K)


class _Frame(NamedTuple):
    stamp: int  # [ns]
    pose: ClipPose
    ground_truth: FloatArray  # [H,W] m
    valid: NDArray[np.bool_]  # [H,W]
    predictions: dict[str, FloatArray]  # [H,W] each, before alignment, by name


class ClipEvaluation:
    """Temporal metrics of several predictors and of ground truth, averaged over clips.

    Args:
        limits: range [m] to which aligned depth is clipped.
    """

    def __init__(self, limits: tuple[float, float]) -> None:
        self._limits = limits
        self._open: list[_Frame] = []  # the frames of the current clip
        self._scores: list[dict[str, TemporalMetrics]] = []  # by name, of each clip

    @property
    def count(self) -> int:
        """Return the number of clips with two frames or more."""
        return len(self.scores)

    @property
    def scores(self) -> list[dict[str, TemporalMetrics]]:
        """Return the metrics of each clip, by name of the predictor."""
        self._close()
        return self._scores

    def extend(self, scores: Iterable[dict[str, TemporalMetrics]]) -> None:
        """Add the clips of another evaluation, which follow the clips of this one."""
        self._close()
        self._scores.extend(scores)

    def add(self, stamp: int, pose: ClipPose, aligned: Mapping[str, Aligned]) -> None:
        """Add the frame that follows the last one.

        Args:
            stamp: timestamp [ns].
            pose: camera of the ground truth in `aligned`.
            aligned: predictions with their ground truth, by the name of the predictor.
        """
        _, ground_truth, valid, *_ = next(iter(aligned.values()))
        predictions = {name: each.unaligned for name, each in aligned.items()}
        frame = _Frame(stamp, pose, ground_truth, valid, predictions)
        if self._open and not self._continues(frame):
            self._close()
        self._open.append(frame)

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Return the mean metrics by name of the predictor, None for those without a value.

        The name of ground truth is `GROUND_TRUTH`. Without clips the result is empty.
        """
        self._close()
        if not self._scores:
            return {}
        means = {}
        for name in self._scores[0]:
            columns = np.array([scores[name] for scores in self._scores]).T  # [4,clips]
            known = [column[np.isfinite(column)] for column in columns]
            means[name] = {
                field: float(values.mean()) if values.size else None
                for field, values in zip(TemporalMetrics._fields, known, strict=True)
            }
        return means

    def _continues(self, frame: _Frame) -> bool:
        last = self._open[-1]
        return (
            frame.pose.clip == last.pose.clip
            and len(self._open) < LONGEST_CLIP
            and np.array_equal(frame.pose.K, last.pose.K)
            and frame.valid.shape == last.valid.shape
            and frame.predictions.keys() == last.predictions.keys()
        )

    def _close(self) -> None:
        """Measure the current clip; a single frame has no temporal metrics."""
        frames, self._open = self._open, []
        if len(frames) < 2:
            return
        # Imported here because other evaluations need no torch.
        from jasmine_core.evaluate.temporal import temporal_metrics

        ground_truths = np.stack([frame.ground_truth for frame in frames])  # [N,H,W]
        valid = np.stack([frame.valid for frame in frames])  # [N,H,W]
        T_world_camera = np.stack([frame.pose.T_world_camera for frame in frames])  # [N,4,4]
        stamps = [frame.stamp for frame in frames]
        K = frames[0].pose.K

        def measure(predictions: FloatArray) -> TemporalMetrics:
            return temporal_metrics(
                predictions, ground_truths, valid, K, T_world_camera, stamps, self._limits
            )

        scores = {
            name: measure(np.stack([frame.predictions[name] for frame in frames]))
            for name in frames[0].predictions
        }
        self._scores.append(scores | {GROUND_TRUTH: measure(ground_truths)})
