# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth pictures as measurements: points in space, flying pixels, ranges, millimetres.

Everywhere depth is float32 [H,W] in metres along +Z, and NaN says that nothing is known there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.camera import Camera

Depth = NDArray[np.float32]

_NEIGHBOURS = np.ones((3, 3), np.uint8)  # a pixel and the eight around it


def back_project(depth: Depth, K: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the points [H,W,3] seen by every pixel, optical frame (REP 103); NaN stays NaN.

    X = (u - c_x) / f_x · Z and Y = (v - c_y) / f_y · Z. A rectified picture has no skew, so one
    factor per column and one per row do the work of a ray per pixel.
    """
    height, width = depth.shape
    x = ((np.arange(width) - K[0, 2]) / K[0, 0]).astype(np.float32)  # [W]
    y = ((np.arange(height) - K[1, 2]) / K[1, 1]).astype(np.float32)[:, None]  # [H,1]
    return np.asarray(cv2.merge((depth * x, depth * y, depth)), np.float32)  # [H,W,3]


def flying_pixels(depth: Depth, threshold: float) -> NDArray[np.bool_]:
    """Mark the pixels [H,W] on either side of a depth discontinuity.

    A pixel d is marked if |d - q| / min(d, q) > threshold for one of its eight neighbours q. The
    largest and the smallest of them decide: max > d (1 + threshold) or d > min (1 + threshold).
    What a blurred edge leaves floating between two surfaces is marked with the edge. Unknown
    pixels are neither marked nor neighbours.
    """
    farthest, nearest = depth.copy(), depth.copy()
    cv2.patchNaNs(farthest, 0.0)
    cv2.patchNaNs(nearest, np.inf)
    ratio = np.float32(1 + threshold)
    before_another = cv2.dilate(farthest, _NEIGHBOURS) > depth * ratio
    behind_another = depth / ratio > cv2.erode(nearest, _NEIGHBOURS)
    return np.asarray(before_another | behind_another, np.bool_)


def limit_range(depth: Depth, near: float, far: float) -> Depth:
    """Forget what lies outside [near, far] metres."""
    limited = np.full(depth.shape, np.nan, np.float32)
    cv2.copyTo(depth, cv2.inRange(depth, near, far), limited)  # a fifth of numpy's time
    return limited


def depth_to_millimetres(depth: Depth) -> NDArray[np.uint16]:
    """Return whole millimetres with 0 for unknown (REP 118)."""
    return depth_to_sixteen_bits(depth, 1000)


def depth_to_sixteen_bits(depth: Depth, units_per_metre: float) -> NDArray[np.uint16]:
    """Return whole units with 0 for unknown.

    What rounds to more than 65 535 does not fit and becomes unknown too; wrapped around it would be
    a near obstacle that is not there.
    """
    units = np.rint(depth * np.float32(units_per_metre))
    fits = (units > 0) & (units <= 65535)  # false for NaN
    return np.where(fits, units, 0).astype(np.uint16)


def thin(
    depth: Depth, image: NDArray[np.uint8], K: NDArray[np.float64], stride: int
) -> tuple[Depth, NDArray[np.uint8], NDArray[np.float64]]:
    """Take every `stride`-th row and column of depth [H,W] and picture [H,W,3], and their K.

    Samples are taken, not averaged, so pixel (u, v) of the result is pixel (u s, v s) exactly.
    """
    thinned = np.diag([1 / stride, 1 / stride, 1]) @ K
    return depth[::stride, ::stride], image[::stride, ::stride], thinned


def project_points(points: NDArray[np.float32], camera: Camera) -> Depth:
    """Return the sparse depth [H,W] that points [N,3] of the optical frame leave; NaN elsewhere.

    Of several points in one pixel the nearest counts, as it hides the others.
    """
    z = points[:, 2]
    ahead = np.isfinite(points).all(axis=1) & (z > 0)
    uvw = points[ahead].astype(np.float64) @ camera.K.T  # [N,3]
    u, v = np.rint(uvw[:, :2] / uvw[:, 2:]).astype(np.int64).T
    inside = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    nearest = np.full((camera.height, camera.width), np.inf, np.float32)
    np.minimum.at(nearest, (v[inside], u[inside]), z[ahead][inside])
    return np.where(np.isfinite(nearest), nearest, np.float32(np.nan))
