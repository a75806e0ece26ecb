# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of depth images to points and integers, and removal of unreliable pixels.

Depth is float32 [H,W] in metres along +Z; NaN is unknown (REP 118).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.camera import Camera

Depth = NDArray[np.float32]

_NEIGHBOURS = np.ones((3, 3), np.uint8)  # a pixel and the eight around it


def back_project(depth: Depth, K: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the points [H,W,3] of all pixels in the optical frame (REP 103); NaN stays NaN.

    X = (u - c_x) / f_x · Z and Y = (v - c_y) / f_y · Z. A rectified image has no skew, so that one
    factor per column and one per row are enough. X, Y and Z are separate planes in memory, which
    are faster to write and to pack into point clouds.
    """
    height, width = depth.shape
    x = ((np.arange(width) - K[0, 2]) / K[0, 0]).astype(np.float32)  # [W]
    y = ((np.arange(height) - K[1, 2]) / K[1, 1]).astype(np.float32)[:, None]  # [H,1]
    planes = np.empty((3, height, width), np.float32)
    np.multiply(depth, x, out=planes[0])
    np.multiply(depth, y, out=planes[1])
    planes[2] = depth
    return planes.transpose(1, 2, 0)  # [H,W,3]


def without_flying_pixels(depth: Depth, threshold: float) -> Depth:
    """Return depth [H,W] without the pixels on both sides of a depth discontinuity.

    A pixel d is removed if |d - q| / min(d, q) > threshold for one of its eight neighbours q. Only
    the largest and the smallest neighbour matter: d is kept if max / (1 + threshold) <= d <= min (1
    + threshold). This also removes pixels between two surfaces at a blurred edge. Unknown
    neighbours are ignored.
    """
    ratio = np.float32(1 + threshold)
    lower, upper = depth / ratio, depth * ratio
    cv2.patchNaNs(lower, 0.0)
    cv2.patchNaNs(upper, np.inf)
    return _within(depth, cv2.dilate(lower, _NEIGHBOURS), cv2.erode(upper, _NEIGHBOURS))


def limit_range(depth: Depth, near: float, far: float) -> Depth:
    """Return depth without the pixels outside [near, far] metres."""
    return _within(depth, near, far)


def _within(depth: Depth, lower: Any, upper: Any) -> Depth:
    """Return depth without the pixels outside of bounds, each a number or a map [H,W]."""
    limited = np.full(depth.shape, np.nan, np.float32)
    cv2.copyTo(depth, cv2.inRange(depth, lower, upper), limited)  # five times faster than numpy
    return limited


def depth_to_millimetres(depth: Depth) -> NDArray[np.uint16]:
    """Return depth in millimetres with 0 for unknown (REP 118)."""
    return depth_to_sixteen_bits(depth, 1000)


def depth_to_sixteen_bits(depth: Depth, units_per_metre: float) -> NDArray[np.uint16]:
    """Return depth in integer units with 0 for unknown.

    Depth above 65 535 units becomes unknown too; an overflow would turn it into a near obstacle.
    """
    units = np.rint(depth * np.float32(units_per_metre))
    fits = (units > 0) & (units <= 65535)  # false for NaN
    return np.where(fits, units, 0).astype(np.uint16)


def thin(
    depth: Depth, image: NDArray[np.uint8], K: NDArray[np.float64], stride: int
) -> tuple[Depth, NDArray[np.uint8], NDArray[np.float64]]:
    """Return every `stride`-th row and column of depth [H,W] and image [H,W,3], with their K.

    Pixels are not averaged: pixel (u, v) of the result is pixel (u s, v s) of the input.
    """
    thinned = np.diag([1 / stride, 1 / stride, 1]) @ K
    return depth[::stride, ::stride], image[::stride, ::stride], thinned


def project_points(points: NDArray[np.float32], camera: Camera) -> Depth:
    """Return the sparse depth image [H,W] of points [N,3] in the optical frame; NaN elsewhere.

    If several points fall into one pixel, the nearest is used, as it hides the others.
    """
    z = points[:, 2]
    ahead = np.isfinite(points).all(axis=1) & (z > 0)
    uvw = points[ahead].astype(np.float64) @ camera.K.T  # [N,3]
    u, v = np.rint(uvw[:, :2] / uvw[:, 2:]).astype(np.int64).T
    inside = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    nearest = np.full((camera.height, camera.width), np.inf, np.float32)
    np.minimum.at(nearest, (v[inside], u[inside]), z[ahead][inside])
    return np.where(np.isfinite(nearest), nearest, np.float32(np.nan))
