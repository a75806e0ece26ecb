# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibrated confidence: the probability that the relative error of a pixel is below 10 %.

It is a logistic regression on features of the network's maps and of the image,

    p = 1 / (1 + exp(-b - sum_i f_i(x_i)))

with a piecewise-linear function f_i of each feature x_i. `jasmine calibrate` fits the functions on
rendered scenes, and stores them as confidence.json in the folder of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.calibration_file import find_calibration, unreadable
from jasmine_core.artifacts.checkpoint import Checkpoint

Map = NDArray[np.float32]  # [h,w]

THRESHOLD = 0.1  # relative error of a depth that counts as correct
FEATURES = (
    "change",  # of the depth by the last SSG iteration
    "change_around",
    "change_of_image",
    "gradient",  # of the image
    "texture",
    "edge",  # range of the depth of the neighbours
    "edges_of_image",
    "depth",  # relative to the median of the image
    "level_of_image",  # median of the depth
    "range_of_image",  # of the depth
    "noise_of_image",  # mean difference from the median of 3x3 pixels
    "contrast_of_image",  # standard deviation of the grey levels
)
OPTIONAL = ("noise_of_image", "contrast_of_image")  # missing in files of version 0.1.0
MAX_KNOTS = 32
# Rise of the log odds of a pixel whose depth was corrected by parallax, by the weight of the
# parallax; fitted on rendered streets and rooms and on KITTI.
_BY_PARALLAX, _MOST_PARALLAX = np.float32(0.8), np.float32(2.0)
_LARGEST = 1e3  # of the numbers in a file
_LEAST = np.float32(1e-6)
_FLOOR = np.float32(1e-3)  # of differences of logarithms, whose logarithm is a feature
_THREE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Line:
    """Piecewise-linear function, constant outside its knots."""

    knots: tuple[float, ...]  # increasing
    values: tuple[float, ...]

    def __call__(self, x: NDArray[Any]) -> Map:
        """Return the values at x."""
        return np.asarray(np.interp(x, self.knots, self.values), np.float32)


@dataclass(frozen=True)
class Calibration:
    """Confidence of the depth of one checkpoint."""

    intercept: float
    lines: Mapping[str, Line]  # by the name of the feature
    spread: Line  # standard deviation of the relative error, by confidence

    def __call__(self, depths: NDArray[np.float32], image: NDArray[np.uint8]) -> Map:
        """Return the confidence [h,w] in [0,1].

        Args:
            depths: depth [n,h,w] after each SSG iteration, in model units.
            image: image [h,w,3] of the network, of the same size.
        """
        found = features(depths, image)
        total = np.full(image.shape[:2], self.intercept, np.float32)
        for name, line in self.lines.items():
            total += line(found[name])
        p = 1 / (1 + np.exp(-np.clip(total, -30, 30)))
        return np.where(np.isfinite(depths[-1]) & (depths[-1] > 0), p, 0).astype(np.float32)


def with_parallax(confidence: Map, parallax: Map) -> Map:
    """Return the confidence [h,w] of depth that was corrected by parallax.

        p' = p e^r / (1 - p + p e^r)      r = _BY_PARALLAX min(weight, _MOST_PARALLAX)

    Args:
        confidence: calibrated confidence of the depth of a single image, NaN where unknown.
        parallax: weight [h,w] of the parallax, see `Correction`.
    """
    odds = np.exp(_BY_PARALLAX * np.minimum(parallax, _MOST_PARALLAX))
    return np.asarray(confidence * odds / (1 - confidence + confidence * odds), np.float32)


def features(depths: NDArray[np.float32], image: NDArray[np.uint8]) -> dict[str, Map]:
    """Return the features of each pixel [h,w], or of the image [1,1], by name.

    The depth is in model units, whose level tells rooms from streets for a given checkpoint.
    """
    logs = np.log(np.maximum(np.nan_to_num(depths[-2:], nan=0.0, posinf=0.0), _LEAST))  # [n,h,w]
    last = logs[-1]
    side = max(3, len(last) // 12 | 1)  # [px] of the neighbourhood
    levels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = np.asarray(levels, np.float32)
    noise = np.abs(grey - cv2.medianBlur(levels, 3)).mean()

    change = np.abs(last - logs[0])
    slope = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, _THREE)
    step = cv2.morphologyEx(last, cv2.MORPH_GRADIENT, _THREE)
    middle = np.median(last[::2, ::2])
    low, high = np.quantile(last[::2, ::2], (0.1, 0.9))

    def compressed(values: NDArray[Any]) -> Map:
        return np.asarray(np.log(np.asarray(values, np.float32) + _FLOOR), np.float32)

    return {
        "change": compressed(change),
        "change_around": compressed(cv2.blur(change, (side, side))),
        "change_of_image": compressed(np.full((1, 1), change.mean())),
        "gradient": np.log1p(np.asarray(slope, np.float32)),
        "texture": np.log1p(np.asarray(cv2.blur(slope, (side, side)), np.float32)),
        "edge": compressed(step),
        "edges_of_image": compressed(np.full((1, 1), np.mean(step))),
        "depth": np.asarray(last - middle, np.float32),
        "level_of_image": np.asarray([[middle]], np.float32),
        "range_of_image": np.asarray([[high - low]], np.float32),
        "noise_of_image": np.log1p(np.full((1, 1), noise, np.float32)),
        "contrast_of_image": np.log1p(np.full((1, 1), grey.std(), np.float32)),
    }


def read_calibration(checkpoint: Checkpoint) -> Calibration | None:
    """Return the calibration of a checkpoint; None if it has none, or one of other weights.

    Raises:
        CheckpointError: the file cannot be read, or has numbers out of range.
    """
    found = find_calibration(checkpoint)
    if found is None:
        return None
    file, content = found
    try:
        intercept = _numbers([content["intercept"]])[0]
        given = content["features"]
        names = [name for name in FEATURES if name in given or name not in OPTIONAL]
        lines = {name: _line(given[name]) for name in names}
        spread = _line(content["spread"])
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise unreadable(checkpoint, file, err) from err
    return Calibration(intercept, lines, spread)


def to_json(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as JSON values."""
    return {
        "intercept": calibration.intercept,
        "features": {name: _values(line) for name, line in calibration.lines.items()},
        "spread": _values(calibration.spread),
    }


def _values(line: Line) -> dict[str, list[float]]:
    return {"knots": list(line.knots), "values": list(line.values)}


def _line(content: Mapping[str, Any]) -> Line:
    knots, values = _numbers(content["knots"]), _numbers(content["values"])
    if not 1 <= len(knots) == len(values) <= MAX_KNOTS:
        raise ValueError(f"{len(knots)} knots and {len(values)} values")
    if any(b <= a for a, b in pairwise(knots)):
        raise ValueError("the knots do not increase")
    return Line(knots, values)


def _numbers(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) > MAX_KNOTS:
        raise ValueError("a list of numbers is missing or too long")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not abs(value) <= _LARGEST:  # NaN is not
            raise ValueError(f"a number is {value!r:.40}, outside -{_LARGEST:g} to {_LARGEST:g}")
    return tuple(float(value) for value in values)
