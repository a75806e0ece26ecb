# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metrics of a confidence map: reliability, expected calibration error and sparsification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.metrics import FloatArray
from jasmine_core.runtime.confidence import THRESHOLD

BINS = 10  # of the confidence, evenly spaced over [0,1]
SHARES = np.linspace(0, 0.95, 20)  # of the pixels that are left out
_BAR = 20  # characters of a full bar


class Reliability:
    """Comparison of confidence with the errors of the depth; every image has the same weight.

        ECE = sum_b w_b |mean confidence in b - share of correct pixels in b|
        AUSE = mean_s (AbsRel without the share s of least confidence - AbsRel without the share s
               of largest error)

    A pixel is correct if its relative error is below `THRESHOLD`. AUSE is 0 if the confidence
    orders the pixels as their errors do. AURG is the mean gain over leaving out random pixels,
    positive if the confidence helps.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((3, BINS))  # of weights, confidences and correct pixels
        self._ause: list[float] = []
        self._aurg: list[float] = []

    def add(self, confidence: FloatArray, depth: FloatArray, ground_truth: FloatArray) -> None:
        """Add the valid pixels [N] of an image: confidence in [0,1], aligned and true depth [m]."""
        error = np.abs(depth - ground_truth) / ground_truth  # [N]
        sure = np.nan_to_num(np.asarray(confidence, np.float64), nan=0.0)
        bins = np.minimum((sure * BINS).astype(int), BINS - 1)
        for row, values in zip(self._sums, (None, sure, error < THRESHOLD), strict=True):
            row += np.bincount(bins, values, BINS) / len(error)
        kept, best = _remaining(error, -sure), _remaining(error, error)
        self._ause.append(float(np.mean(kept - best)))
        self._aurg.append(float(np.mean(error.mean() - kept)))

    @property
    def state(self) -> dict[str, Any]:
        """Return everything that was added as JSON values."""
        return {"sums": self._sums.tolist(), "ause": self._ause, "aurg": self._aurg}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Reliability:
        """Return the collection with a `state`."""
        found = cls()
        found._sums += np.asarray(state["sums"], np.float64).reshape(3, BINS)
        found._ause += map(float, state["ause"])
        found._aurg += map(float, state["aurg"])
        return found

    def extend(self, other: Reliability) -> None:
        """Add the images of another collection."""
        self._sums += other._sums
        self._ause += other._ause
        self._aurg += other._aurg

    def summary(self) -> dict[str, Any]:
        """Return the metrics as JSON values; without an image the result is empty."""
        if not self._ause:
            return {}
        weight, confidence, correct = self._sums
        used = weight > 0
        error = np.abs(confidence - correct)[used].sum() / weight.sum()
        return {
            "ece": float(error),
            "ause": float(np.mean(self._ause)),
            "aurg": float(np.mean(self._aurg)),
            "correct": float(correct.sum() / weight.sum()),
            "bins": [
                {
                    "share": float(w / weight.sum()),
                    "confidence": float(c / w),
                    "correct": float(k / w),
                }
                for w, c, k in zip(weight[used], confidence[used], correct[used], strict=True)
            ],
        }


def reliability_table(summary: dict[str, Any], calibrated: bool) -> str:
    """Return the metrics and the reliability diagram as Markdown."""
    kind = "calibrated" if calibrated else "not calibrated"
    lines = [
        f"confidence ({kind}): ECE {summary['ece']:.3f}, AUSE {summary['ause']:.3f}, AURG "
        f"{summary['aurg']:.3f}; {summary['correct']:.1%} of the pixels have an error below "
        f"{THRESHOLD:.0%}\n",
        "",
        "| confidence | correct pixels | | share of pixels |",
        "|--:|--:|:--|--:|",
    ]
    for row in summary["bins"]:
        bar = "█" * round(_BAR * row["correct"])
        lines.append(
            f"| {row['confidence']:.2f} | {row['correct']:.2f} | {bar} | {row['share']:.1%} |"
        )
    return "\n".join(lines) + "\n"


def _remaining(error: FloatArray, order: NDArray[Any]) -> FloatArray:
    """Return the mean error after each of SHARES of the pixels, last in `order`, is left out."""
    by_order = np.asarray(error, np.float64)[np.argsort(order, kind="stable")]
    sums = np.cumsum(by_order)
    left = np.maximum(1, np.round(len(error) * (1 - SHARES)).astype(int))
    means: FloatArray = sums[left - 1] / left
    return means
