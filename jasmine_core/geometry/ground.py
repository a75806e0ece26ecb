# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The plane that a camera stands above, found among the points of a depth image.

A plane is one vector m, and by how much a point p misses it is a plain number:

    m · p = 1        m = down / height        m · p - 1 = relative error of the point's depth

so one tolerance serves near and far, and nothing depends on the unit of the points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TOLERANCE = 0.1  # relative error of depth up to which a point may lie on the ground, and ...
FINEST = 0.05  # ... up to which it may where the depth is good: a kerb is 0.07 of a car's height
TILT = np.deg2rad(10.0)  # how far the ground may lean away from the hint
ASIDE = 1.25  # heights to the left or right of the camera's way, where a point counts half
HORIZON = np.deg2rad(2.0)  # rays that dip less say little about the height
FEWEST = 60  # points below the horizon
_DRAWS, _SCORED = 3000, 150  # random triples; how many plausible planes are compared
_BELOW = 0.7  # of a point on it: what a point below it takes away
_ROUNDS = 8  # of the final fit


@dataclass(frozen=True)
class Ground:
    """Hold the ground in the camera's optical frame."""

    up: Array  # [3] unit normal
    height: float  # of the camera above it, in the unit of the points
    support: float  # share of the points below the horizon that lie on it, 0..1


def up_of(pitch: float) -> Array:
    """Return "up" [3] in the optical frame of a camera that looks down by `pitch` [rad]."""
    return np.array([0.0, -np.cos(pitch), -np.sin(pitch)])


def fit_ground(points: NDArray[np.floating], up: ArrayLike) -> Ground | None:
    """Find the ground among points [N,3] of the optical frame; None if there is none to be seen.

    `up` [3] is a hint, true to within TILT. Points may be wrong or belong to other things: the
    plane is wanted that many points lie on and few lie below, for nothing lies below the ground.
    What lies ahead counts more than what lies aside: kerbs and verges are not what one stands on.
    """
    up = np.asarray(up, np.float64) / np.linalg.norm(up)
    p = points[np.isfinite(points).all(axis=1) & (points[:, 2] > 0)].astype(np.float64)
    p = p[p @ -up > np.sin(HORIZON) * np.linalg.norm(p, axis=1)]  # [N,3]
    if len(p) < FEWEST:
        return None
    share = 1 / (1 + (p[:, 0] / (ASIDE * (p @ -up))) ** 2)  # [N], the same at any scale

    # 1. Planes through three points each, those that lean too much left out.
    planes = _draw(p, up)  # [M,3]
    if not len(planes):
        return None

    # 2. The best of them: near points count up to one, each point below it takes some away.
    error = planes.astype(np.float32) @ p.T.astype(np.float32) - 1  # [M,N]
    score = np.clip(1 - (error / TOLERANCE) ** 2, 0, None) - _BELOW * (error > TOLERANCE)
    m = planes[int(np.argmax(score @ share))]

    # 3. Least squares in inverse depth, where the rays are exact: m · ray = 1 / z. The tolerance
    #    follows the spread of what lies near the plane.
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
    """Return planes [M,3] through random points, the same ones each time."""
    rng = np.random.default_rng(0)
    a, b, c = p[rng.integers(0, len(p), (3, _DRAWS))]
    normal = np.cross(b - a, c - a)  # [M,3]
    offset = (normal * a).sum(axis=1)
    scale = np.linalg.norm(normal, axis=1) * np.linalg.norm(a, axis=1)
    usable = np.abs(offset) > 1e-9 * scale  # no line, and not through the camera
    planes: Array = normal[usable] / offset[usable, None]
    return planes[_leans_little(planes, up)][:_SCORED]


def _leans_little(planes: Array, up: Array) -> NDArray[np.bool_]:
    """Tell for each plane [M,3] whether it leans away from the hint by less than TILT."""
    return np.asarray(planes @ -up > np.cos(TILT) * np.linalg.norm(planes, axis=1), np.bool_)
