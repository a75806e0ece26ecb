# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Projection of points to the image of an Orbit view of RViz, computed without RViz."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = (960, 720)  # [px] of the 3D panel in a window of 1400x900 px
FIELD_OF_VIEW = math.radians(45)  # vertical; the default of RViz's renderer
NEAR = 0.01  # [m] distance from which RViz draws
AXES = 0.2  # length of the axes of a TF frame with Marker Scale 1 [m]


@dataclass(frozen=True)
class Eye:
    """Camera of the view in the fixed frame."""

    position: NDArray[np.float64]  # [3]
    R: NDArray[np.float64]  # [3,3], rows: the camera's right, down and forward in the fixed frame

    def project(self, points: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Return the pixels [N,2] and the depths [N] of points [N,3], and who is in the frustum."""
        x, y, z = self.R @ (points - self.position).T
        focal = SIZE[1] / 2 / math.tan(FIELD_OF_VIEW / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = np.stack([focal * x / z + SIZE[0] / 2, focal * y / z + SIZE[1] / 2], axis=-1)
        inside = (z > NEAR) & ((pixels >= 0) & (pixels < SIZE)).all(axis=-1)
        return pixels, z, inside

    def length(self, size: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> float:
        """Return the length of an object [m] at a point, as a share of the height of the image."""
        depth = self.R[2] @ (np.array(at) - self.position)
        return size / depth / math.tan(FIELD_OF_VIEW / 2) / 2


def orbit(view: Mapping[str, Any]) -> Eye:
    """Return the camera of an Orbit view: Yaw and Pitch are around z of the target frame."""
    distance, yaw, pitch = (float(view[name]) for name in ("Distance", "Yaw", "Pitch"))
    focal = np.array([float(view["Focal Point"][axis]) for axis in "XYZ"])
    outwards = np.array(
        [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    right = np.cross(-outwards, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    return Eye(
        focal + distance * outwards, np.stack([right, np.cross(-outwards, right), -outwards])
    )


def covered(eye: Eye, points: NDArray, tile: int = 16) -> float:
    """Return the share of the image's tiles of `tile` px in which a point [N,3] is seen."""
    pixels, _, inside = eye.project(points)
    width, height = SIZE[0] // tile, SIZE[1] // tile
    u, v = (pixels[inside] // tile).astype(int).T
    return np.unique(v * width + u).size / (width * height)
