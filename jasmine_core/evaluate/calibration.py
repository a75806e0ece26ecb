# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fit of the calibrated confidence of a checkpoint on images with ground truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_core.evaluate.metrics import FloatArray
from jasmine_core.runtime.confidence import FEATURES, THRESHOLD, Calibration, Line, features

Array = NDArray[np.float64]

PIXELS = 500  # pixels of an image that enter the fit
KNOTS = 8  # of the function of a feature
BINS = 10  # of the confidence, for the spread of the error
LARGEST_ERROR = 1.0  # relative error to which a larger one is clipped in the spread
_RIDGE = 0.3  # weight of the squared parameters; an image has the weight 1
_STEPS = 12  # of Newton's method


class CalibrationFit:
    """Collection of pixels with their features and errors, and the fit of the confidence to them.

    Args:
        seed: seed of the choice of the pixels.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._features: list[Array] = []  # [n,F] of each image
        self._errors: list[Array] = []  # [n] of each image

    @property
    def images(self) -> int:
        """Return the number of images."""
        return len(self._errors)

    def add(
        self,
        depths: NDArray[np.float32],
        image: NDArray[np.uint8],
        ground_truth: FloatArray,
    ) -> None:
        """Add an image, whose depth is aligned by the median.

        Args:
            depths: depth [n,h,w] after each SSG iteration, in model units.
            image: image [h,w,3] of the network.
            ground_truth: depth [h,w] m, 0 where unknown.
        """
        depth = depths[-1]
        known = np.isfinite(ground_truth) & (ground_truth > 0) & np.isfinite(depth) & (depth > 0)
        places = np.flatnonzero(known)
        if not places.size:
            return
        ratio = np.median(ground_truth[known]) / np.median(depth[known])
        chosen = self._rng.choice(places, min(PIXELS, places.size), replace=False)
        found = features(depths, image)
        columns = [np.broadcast_to(found[name], depth.shape).ravel()[chosen] for name in FEATURES]
        predicted, exact = (x.ravel()[chosen].astype(np.float64) for x in (depth, ground_truth))
        self._features.append(np.stack(columns, axis=1).astype(np.float64))
        self._errors.append(np.abs(ratio * predicted - exact) / exact)

    def fit(self) -> Calibration:
        """Return the calibration; every image has the same weight.

        Raises:
            FrameError: no image has been added.
        """
        if not self._errors:
            raise FrameError("no image has ground truth; the confidence cannot be fitted")
        x, errors = np.concatenate(self._features), np.concatenate(self._errors)
        weights = np.concatenate([np.full(len(e), 1 / len(e)) for e in self._errors])
        knots = [_knots(column) for column in x.T]
        design = np.column_stack([np.ones(len(x)), *map(_hats, x.T, knots)])  # [N,P]
        found = _logistic(design, errors < THRESHOLD, weights)
        lines, at = {}, 1
        for name, places in zip(FEATURES, knots, strict=True):
            lines[name] = Line(tuple(places), tuple(found[at : at + len(places)]))
            at += len(places)
        confidence = 1 / (1 + np.exp(-design @ found))
        return Calibration(float(found[0]), lines, _spread(confidence, errors, weights))


def _knots(column: Array) -> list[float]:
    """Return increasing places, evenly spaced over the values; one if all values are the same."""
    places = np.unique(np.round(np.quantile(column, np.linspace(0.01, 0.99, KNOTS)), 4))
    return [float(place) for place in places]


def _hats(column: Array, knots: list[float]) -> Array:
    """Return the weights [N,K] of linear interpolation between the knots."""
    if len(knots) == 1:
        return np.ones((len(column), 1))
    return np.stack([np.interp(column, knots, row) for row in np.eye(len(knots))], axis=1)


def _logistic(design: Array, correct: NDArray[np.bool_], weights: Array) -> Array:
    """Return the parameters [P] of a logistic regression, with a ridge on all but the first."""
    found = np.zeros(design.shape[1])
    penalty = np.full(design.shape[1], _RIDGE)
    penalty[0] = 1e-9
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = design.T @ (weights * (correct - p)) - penalty * found
        curvature = (design * (weights * p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        found = found + np.linalg.solve(curvature, gradient)
    return found


def _spread(confidence: Array, errors: Array, weights: Array) -> Line:
    """Return the standard deviation of the relative error by confidence; it never increases."""
    squared = np.minimum(errors, LARGEST_ERROR) ** 2
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, BINS + 1)))
    places, values = [], []
    for low, high in pairwise(edges):
        inside = (confidence >= low) & (confidence <= high)
        places.append(float(np.average(confidence[inside], weights=weights[inside])))
        values.append(float(np.sqrt(np.average(squared[inside], weights=weights[inside]))))
    if not places:  # All confidences are the same.
        places = [float(confidence[0])]
        values = [float(np.sqrt(np.average(squared, weights=weights)))]
    kept = np.concatenate([[True], np.diff(places) > 1e-9])
    lowest = np.minimum.accumulate(values)
    return Line(tuple(np.array(places)[kept]), tuple(lowest[kept]))
