# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth of an earlier image of a moving camera, carried into the view of a later one, in numpy.

Both images have the same intrinsics K. Inverse depth is stored, because it is linear over the
pixels of a plane, so that bilinear interpolation does not bend planes.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.rigid import Array, inverse

Map = NDArray[np.float32]  # [H,W]

_NEAREST = 1e-6  # [1/unit] least inverse depth, and least depth of a point before the camera


class Places(NamedTuple):
    """Positions of the pixels of a target image in a source image."""

    u: Map  # [H,W] px
    v: Map  # [H,W] px
    inside: NDArray[np.bool_]  # [H,W] the point is before the source camera and in its image


def places_in_source(inverse_depth: Map, K: Array, T_source_target: Array) -> Places:
    """Return the pixels of the source in which the points of the target [H,W] are seen.

    With w the inverse depth of the target, the point of the pixel p = (u, v, 1) is at

        q ~ K R K^-1 p + w K t        [R|t] = T_source_target

    which needs no division by the depth, and holds for points at infinity (w = 0).
    """
    height, width = inverse_depth.shape
    A = K @ T_source_target[:3, :3] @ np.linalg.inv(K)
    b = (K @ T_source_target[:3, 3]).astype(np.float32)
    u = np.arange(width)
    v = np.arange(height)[:, None]
    x, y, z = (
        inverse_depth * b[i] + ((A[i, 0] * u).astype(np.float32) + _column(A[i, 1] * v + A[i, 2]))
        for i in range(3)
    )  # [H,W] each
    ahead = z > _NEAREST
    z = np.maximum(z, _NEAREST)
    x /= z
    y /= z
    inside = ahead & (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return Places(x, y, inside)


def carried_inverse_depth(source: Map, places: Places, K: Array, T_source_target: Array) -> Map:
    """Return the inverse depth [H,W] of the source's points along +Z of the target camera.

    The source's inverse depth [H,W] is sampled at `places`. The point of depth d at the pixel q has
    in the target the depth z = d (R^T K^-1 q)_3 - (R^T t)_3. Points behind the target are 0.
    """
    w = sample(source, places)  # [H,W]
    T_target_source = inverse(T_source_target)
    row = T_target_source[2, :3] @ np.linalg.inv(K)
    ray = places.u * np.float32(row[0]) + places.v * np.float32(row[1]) + np.float32(row[2])
    z = ray + w * np.float32(T_target_source[2, 3])  # [H,W] depth in the target times w
    return np.where(z > _NEAREST, w / np.maximum(z, _NEAREST), np.float32(0))


def sample(values: Map, places: Places) -> Map:
    """Return the values [H,W] of the source at `places`, bilinear, with the border repeated."""
    return np.asarray(
        cv2.remap(values, places.u, places.v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def _column(values: Array) -> Map:
    return values.astype(np.float32)
