# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Steps of the temporal filter of depth: agreement with the past, scale, and Kalman update.

All maps are float32 [h,w]; depth is inverse, and errors are differences of logarithms, so that no
step depends on the unit.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.carry import Map

Mask = NDArray[np.bool_]

NOISE = 8.0  # grey levels by which a pixel of a static scene may differ
SHIFT = 1.0  # [px] error of the place of a pixel, whose grey level then changes by the gradient
NEAR, FAR = 0.2, 0.5  # differences of logarithmic depth that agree, and that do not agree at all
# Logarithmic distances by which a pixel may come closer over `TREND` seconds. With a distance above
# the second one, all of the past is dropped.
CLOSER, MOVES = 0.08, 0.2
TREND = 0.5  # [s] time constant of the changes of a pixel
EDGE = 0.1  # logarithmic depth range of a pixel's neighbours at which its noise doubles
FLAT = 2.0  # grey levels of the deviation of a structure below which there is none
_LEAST = np.float32(1e-12)  # inverse depth that replaces 0
_THREE = np.ones((3, 3), np.uint8)


def edge_noise(inverse_depth: Map) -> Map:
    """Return the variance of each pixel, 1 on a smooth surface and more at the edges of objects.

    1 + (ln(max / min) / EDGE)^2      over the 3x3 neighbours
    """
    low = cv2.erode(inverse_depth, _THREE)
    high = cv2.dilate(inverse_depth, _THREE)
    step = np.log(np.maximum(high, 1e-12) / np.maximum(low, 1e-12)) / np.float32(EDGE)
    return np.asarray(1 + np.minimum(step, 10) ** 2, np.float32)


def fine_structure(grey: Map) -> Map:
    """Return a grey image without its coarse part, the mean over a third of the height around."""
    side = grey.shape[0] // 3 | 1
    return np.asarray(grey - cv2.blur(grey, (side, side)), np.float32)


def correlation(before: Map, now: Map, usable: Mask) -> float:
    """Return the correlation of two fine structures over the usable pixels, -1 to 1.

    Every second row and column is compared. The result does not depend on the exposure. Two images
    without structure are the same, and one without structure shows something else than one with it.
    Without usable pixels it is -1.
    """
    chosen = usable[::2, ::2]
    a, b = before[::2, ::2][chosen].astype(np.float64), now[::2, ::2][chosen].astype(np.float64)
    if not a.size:
        return -1.0
    a -= a.mean()
    b -= b.mean()
    strengths = a @ a / a.size, b @ b / b.size
    if max(strengths) < FLAT**2:
        return 1.0
    if min(strengths) < (FLAT / 4) ** 2:
        return 0.0
    return float(a @ b / a.size / np.sqrt(strengths[0] * strengths[1]))


def image_agreement(before: Map, now: Map, usable: Mask) -> Map:
    """Return how well the grey levels agree, 1 to 0, after removal of a change of exposure.

    The difference is compared with `NOISE`, and with the change that an error of `SHIFT` in the
    place of the pixel makes. Pixels that are not usable are 0.
    """
    if not usable.any():
        return np.zeros_like(now)
    mask = usable.astype(np.uint8)
    (m0, s0), (m1, s1) = (
        (float(m[0, 0]), float(s[0, 0]))
        for m, s in (cv2.meanStdDev(x, mask=mask) for x in (before, now))
    )
    gain = np.clip((s1 + 1) / (s0 + 1), 0.25, 4)
    difference = np.abs(now - (before * np.float32(gain) + np.float32(m1 - gain * m0)))
    slope = cv2.morphologyEx(now, cv2.MORPH_GRADIENT, _THREE)
    ratio = difference / (np.float32(NOISE) + np.float32(SHIFT / 2) * slope)
    return np.where(usable, np.clip(2 - ratio, 0, 1), 0).astype(np.float32)


def log_ratio(past: Map, now: Map) -> Map:
    """Return ln(now / past), finite also where one of them is 0."""
    ratio = np.maximum(now, _LEAST) / np.maximum(past, _LEAST)
    return np.asarray(np.log(ratio), np.float32)


def median_shift(change: Map, chosen: Mask) -> float:
    """Return the median of a map over the chosen pixels; 0 without any."""
    values = change[chosen]
    return float(np.median(values)) if values.size else 0.0


def agreement(change: Map, looks: Map) -> Map:
    """Return the weight of the past, 1 to 0, from the images and from the change of the depth."""
    return looks * np.clip((FAR - np.abs(change)) / np.float32(FAR - NEAR), 0, 1)


def trend_of(trend: Map, change: Map, seconds: float) -> Map:
    """Return the mean recent change [h,w] of each pixel, from that before the last one."""
    kept = np.float32(math.exp(-seconds / TREND))
    return np.asarray(kept * trend + (1 - kept) * change, np.float32)


def stays(trend: Map) -> Map:
    """Return the weight of the past, 1 to 0, of pixels whose inverse depth has this trend.

    An object that comes closer changes little from image to image, but always in the same
    direction. The mean with its past would be too far away. That of an object which moves away is
    too near, which a robot can accept.
    """
    return np.asarray(np.clip((MOVES - trend) / (MOVES - CLOSER), 0, 1), np.float32)


def update(past: Map, change: Map, variance: Map, noise: Map, agrees: Map) -> tuple[Map, Map, Map]:
    """Return the filtered inverse depth, its variance and the gain of the measurement.

        k = P / (P + R)      g = 1 - a (1 - k)      ln w = ln w_past + g change

    With an agreement a of 0 the pixel is the new measurement with its own noise R.
    """
    gain = 1 - agrees * (noise / (variance + noise))
    fused = np.maximum(past, _LEAST) * np.exp(gain * change)
    return fused.astype(np.float32), (gain * noise).astype(np.float32), gain.astype(np.float32)
