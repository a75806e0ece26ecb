# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rigid transforms [4,4]: `T_target_source` maps points from the source to the target frame.

    p_target = T_target_source p_source        T_c_a = T_c_b @ T_b_a

Quaternions are (x, y, z, w) as in ROS. Seven numbers are a translation followed by a quaternion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# From the optical frame (right, down, forward) to the body frame (forward, left, up) of REP 103.
BODY_FROM_OPTICAL: Array = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def rotation_of(quaternion: ArrayLike) -> Array:
    """Return the rotation [3,3] of a quaternion (x, y, z, w) of any length above zero."""
    x, y, z, w = normalised(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_of(rotation: Array) -> Array:
    """Return the quaternion (x, y, z, w), w >= 0, of a rotation [3,3]."""
    # The eigenvector of the largest eigenvalue needs no special cases, unlike the usual formulas.
    (a, b, c), (d, e, f), (g, h, i) = rotation
    symmetric = np.array(
        [
            [a - e - i, b + d, c + g, h - f],
            [b + d, e - a - i, f + h, c - g],
            [c + g, f + h, i - a - e, d - b],
            [h - f, c - g, d - b, a + e + i],
        ]
    )
    quaternion: Array = np.linalg.eigh(symmetric)[1][:, -1]
    return -quaternion if quaternion[3] < 0 else quaternion


def normalised(quaternion: ArrayLike) -> Array:
    """Return a quaternion of length 1; raise ValueError if its length is zero or not finite."""
    q = np.asarray(quaternion, np.float64)
    length = np.linalg.norm(q)
    if not np.isfinite(length) or length < 1e-9:
        raise ValueError(f"quaternion {q.tolist()} is not a rotation: its length must be above 0")
    unit: Array = q / length
    return unit


def rigid(rotation: ArrayLike, translation: ArrayLike) -> Array:
    """Return the transform of a rotation [3,3] and a translation [3]."""
    T = np.eye(4)
    T[:3, :3] = rotation
    T[:3, 3] = translation
    return T


def from_numbers(numbers: ArrayLike) -> Array:
    """Return the transform of seven numbers (x, y, z, qx, qy, qz, qw)."""
    values = np.asarray(numbers, np.float64)
    return rigid(rotation_of(values[3:]), values[:3])


def to_numbers(T: Array) -> list[float]:
    """Return the seven numbers (x, y, z, qx, qy, qz, qw) of a transform."""
    return [*T[:3, 3].tolist(), *quaternion_of(T[:3, :3]).tolist()]


def inverse(T_target_source: Array) -> Array:
    """Return T_source_target."""
    R, t = T_target_source[:3, :3], T_target_source[:3, 3]
    return rigid(R.T, -R.T @ t)


def angle_of(rotation: Array) -> float:
    """Return the angle of a rotation [3,3], in 0..pi [rad]."""
    # atan2 is exact for the small rotations between frames; arccos loses half of the digits.
    (_, b, c), (d, _, f), (g, h, _) = rotation
    sine = np.sqrt((h - f) ** 2 + (c - g) ** 2 + (d - b) ** 2) / 2
    return float(np.arctan2(sine, (np.trace(rotation) - 1) / 2))


def interpolate(T_a: Array, T_b: Array, share: float) -> Array:
    """Interpolate between two transforms: linear translation, slerp of the rotation.

    `share` is 0 for `T_a` and 1 for `T_b`.
    """
    a, b = quaternion_of(T_a[:3, :3]), quaternion_of(T_b[:3, :3])
    if a @ b < 0:  # q and -q are the same rotation; use the shorter path
        b = -b
    half = float(np.arctan2(np.linalg.norm(b - (a @ b) * a), a @ b))
    if half < 1e-9:
        q = a
    else:
        q = (np.sin((1 - share) * half) * a + np.sin(share * half) * b) / np.sin(half)
    return rigid(rotation_of(q), (1 - share) * T_a[:3, 3] + share * T_b[:3, 3])
