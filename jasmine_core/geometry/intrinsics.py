# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checks that a matrix can be the intrinsics K [3,3] of a pinhole camera in pixels."""

from __future__ import annotations

import numpy as np

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import Array, Size

# Limits of the focal length as a share of the longer side: fields of view of 169 and 0.06 deg. That
# of a fisheye of 220 deg is 0.26, and a normalised one of 1.0 is refused from 20 px on.
_SHORTEST, _LONGEST = 0.05, 1000.0
_TOLERANCE = 1e-6  # of the elements that are 0 or 1


def require_intrinsics(K: Array, size: Size, name: str = "K") -> None:
    """Raise CameraError if K [3,3] [px] cannot belong to images of this (width, height) [px].

    The error names the kind of fault: a transposed matrix, one that is normalised to the image
    size, an optical axis outside the image. `name` is that of the matrix.
    """
    if K.shape != (3, 3) or not np.isfinite(K).all():
        raise CameraError(f"{name} is not a matrix of 3x3 finite numbers; calibrate the camera")
    last = np.abs(K - np.eye(3)) > _TOLERANCE  # elements that differ from the identity
    if (last[2, 0] or last[2, 1]) and not (last[0, 2] or last[1, 2] or last[2, 2]):
        raise CameraError(
            f"{name} is transposed: the principal point is in its last row {_row(K)}; write the "
            "matrix row by row (fx 0 cx, 0 fy cy, 0 0 1)"
        )
    if last[2].any() or last[1, 0]:
        what = f"{name}[2,2] is {K[2, 2]:g}, not 1" if last[2, 2] else ""
        what = what or f"{name} has a last row of {_row(K)} and {name}[1,0] = {K[1, 0]:g}"
        raise CameraError(
            f"{what}; write the matrix row by row in pixels (fx 0 cx, 0 fy cy, 0 0 1)"
        )
    width, height = size
    fx, fy, cx, cy = (float(v) for v in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
    longer = max(width, height)
    for axis, f in (("fx", fx), ("fy", fy)):
        if f < _SHORTEST * longer:
            raise CameraError(
                f"{name} has {axis} = {f:g} px, which is impossible for an image of "
                f"{width}x{height} px; it seems to be normalised or in millimetres: write fx and "
                "cx in pixels of the image width, fy and cy in pixels of its height"
            )
        if f > _LONGEST * longer:
            raise CameraError(
                f"{name} has {axis} = {f:g} px, which is impossible for an image of "
                f"{width}x{height} px; calibrate the camera again"
            )
    if not (-0.5 <= cx <= width - 0.5 and -0.5 <= cy <= height - 0.5):
        raise CameraError(
            f"{name} has the principal point ({cx:g}, {cy:g}) px outside the image of "
            f"{width}x{height} px; it belongs to another image size or crop: calibrate the camera "
            "at this size"
        )


def _row(K: Array) -> str:
    return "[" + ", ".join(f"{v:g}" for v in K[2]) + "]"
