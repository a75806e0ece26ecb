# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images and exact depth of a textured corridor, rendered in some milliseconds."""

from __future__ import annotations

import cv2
import numpy as np

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.rigid import rigid

CAMERA = Camera(160, 96, np.array([[110.0, 0, 79.5], [0, 110.0, 47.5], [0, 0, 1]]))
# Planes n · X = d [m] in optical axes; the origin lies in the middle of the corridor.
_PLANES = ((0, 1, 0, 1.5), (0, -1, 0, 1.5), (1, 0, 0, 2.0), (-1, 0, 0, 2.0), (0, 0, 1, 30.0))


def _texture() -> np.ndarray:
    rng = np.random.default_rng(7)
    layers = [
        cv2.resize(rng.uniform(0, 1, (n, n, 3)).astype(np.float32), (512, 512))
        for n in (128, 64, 20)
    ]
    mixed = sum(layers)
    return np.float32(255) * (mixed - mixed.min()) / (mixed.max() - mixed.min())


_TEXTURE = _texture()


def turned(yaw: float) -> np.ndarray:
    """Return a rotation [3,3] to the right by an angle [rad]."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def pose(z: float = 0.0, x: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """Return T_world_camera [4,4] of a camera in the corridor."""
    return rigid(turned(yaw), [x, 0.0, z])


def look(
    T_world_camera: np.ndarray, camera: Camera = CAMERA, gain: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return image [H,W,3] uint8 and depth [H,W] m."""
    rays = camera.rays() @ T_world_camera[:3, :3].T  # [H,W,3] in world axes, at a depth of 1 m
    origin = T_world_camera[:3, 3]
    depth = np.full(rays.shape[:2], np.inf)
    at = np.zeros((*rays.shape[:2], 2), np.float32)
    for i, (*n, d) in enumerate(_PLANES):
        n = np.array(n, float)
        far = d + (1000.0 if i == 4 else 0.0)  # the end of the corridor is more than 1 km away
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (far - origin @ n) / (rays @ n)
        nearer = (t > 0) & (t < depth)
        point = origin + rays * np.where(np.isfinite(t), t, 0)[..., None]
        other = [axis for axis in range(3) if n[axis] == 0]
        at[nearer] = (point[..., other] * 30 + 137 * i)[nearer]
        depth[nearer] = t[nearer]
    image = cv2.remap(
        _TEXTURE, at[..., 0] % 511, at[..., 1] % 511, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    fog = np.minimum(depth / 25, 1)[..., None]  # hides the aliasing of the distant texture
    image = image * (1 - fog) + 128 * fog
    return np.uint8(np.clip(image * gain, 0, 255)), depth.astype(np.float32)
