# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ground plane below a camera, fitted to the points of a depth image.

A plane is represented by a vector m, and the distance of a point p from it is relative to depth:

    m · p = 1        m = down / height        m · p - 1 = relative error of the point's depth

Therefore one tolerance is valid for near and far points, in any unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TOLERANCE = 0.1  # largest relative error of depth of a point on the ground
FINEST = 0.05  # least tolerance in the final fit; a kerb is 0.07 of the height of a car's camera
TILT = np.deg2rad(10.0)  # largest angle between the normal of the ground and the given direction
ASIDE = 1.25  # [camera heights] distance to the side at which the weight of a point is one half
HORIZON = np.deg2rad(2.0)  # least angle of a ray below the horizon
FEWEST = 60  # least number of points below the horizon
_DRAWS, _SCORED = 3000, 150  # random triples of points, and number of plausible planes scored
_BELOW = 0.7  # penalty of a point below the plane; a point on the plane scores 1
_ROUNDS = 8  # iterations of the final fit


@dataclass(frozen=True)
class Ground:
    """Ground plane in the optical frame of the camera."""

    up: Array  # [3] unit normal
    height: float  # of the camera above the ground, in the unit of the points
    support: float  # weighted share of the points below the horizon that are on the ground, 0..1


def up_of(pitch: float) -> Array:
    """Return the up vector [3] in the optical frame of a camera pitched down by `pitch` [rad]."""
    return np.array([0.0, -np.cos(pitch), -np.sin(pitch)])


def fit_ground(points: NDArray[np.floating], up: ArrayLike) -> Ground | None:
    """Fit the ground to points [N,3] in the optical frame; return None if no ground is found.

    `up` [3] is the approximate vertical, within TILT. Points may be wrong or belong to other
    objects: the plane with many points on it and few below it is chosen. Points ahead have more
    weight than points to the side, which are often on kerbs and verges.
    """
    up = np.asarray(up, np.float64) / np.linalg.norm(up)
    p = points[np.isfinite(points).all(axis=1) & (points[:, 2] > 0)].astype(np.float64)
    p = p[p @ -up > np.sin(HORIZON) * np.linalg.norm(p, axis=1)]  # [N,3]
    if len(p) < FEWEST:
        return None
    share = 1 / (1 + (p[:, 0] / (ASIDE * (p @ -up))) ** 2)  # [N], the same at any scale

    # 1. Planes through three random points each, without those tilted too much.
    planes = _draw(p, up)  # [M,3]
    if not len(planes):
        return None

    # 2. The plane with the best score: up to 1 for a point near it, a penalty for a point below.
    error = planes.astype(np.float32) @ p.T.astype(np.float32) - 1  # [M,N]
    score = np.clip(1 - (error / TOLERANCE) ** 2, 0, None) - _BELOW * (error > TOLERANCE)
    m = planes[int(np.argmax(score @ share))]

    # 3. Least squares in inverse depth, where only 1 / z has errors: m · ray = 1 / z. The
    #    tolerance is adapted to the spread of the points near the plane.
    rays, q = p / p[:, 2:], 1 / p[:, 2]
    for _ in range(_ROUNDS):
        expected = np.maximum(rays @ m, 1e-12 * q)
        relative = np.abs(q / expected - 1)
        near = relative < TOLERANCE
        if np.count_nonzero(near) < FEWEST / 2:
            return None
        width = max(FINEST, min(TOLERANCE, 4.5 * float(np.median(relative[near]))))  # 3 sigma
        weight = np.clip(1 - (relative / width) ** 2, 0, None) / expected  # [N]
        weight *= np.sqrt(share)
        A = rays * weight[:, None]
        m = np.linalg.lstsq(A.T @ A, A.T @ (q * weight), rcond=None)[0]
        if not _leans_little(m[None], up)[0]:
            return None
    length = float(np.linalg.norm(m))
    support = float(share[np.abs(p @ m - 1) < TOLERANCE].sum() / share.sum())
    return Ground(-m / length, 1 / length, support)


def _draw(p: Array, up: Array) -> Array:
    """Return planes [M,3] through random points, with a fixed seed."""
    rng = np.random.default_rng(0)
    a, b, c = p[rng.integers(0, len(p), (3, _DRAWS))]
    normal = np.cross(b - a, c - a)  # [M,3]
    offset = (normal * a).sum(axis=1)
    scale = np.linalg.norm(normal, axis=1) * np.linalg.norm(a, axis=1)
    usable = np.abs(offset) > 1e-9 * scale  # points not on a line, plane not through the camera
    planes: Array = normal[usable] / offset[usable, None]
    return planes[_leans_little(planes, up)][:_SCORED]


def _leans_little(planes: Array, up: Array) -> NDArray[np.bool_]:
    """Return for each plane [M,3] whether the angle between its normal and `up` is below TILT."""
    return np.asarray(planes @ -up > np.cos(TILT) * np.linalg.norm(planes, axis=1), np.bool_)
