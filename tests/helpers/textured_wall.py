# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Textured wall, with a box before it, in front of a moving camera, with exact depth."""

from __future__ import annotations

import cv2
import numpy as np

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.rigid import inverse

W, H = 160, 96
CAMERA = Camera(W, H, np.array([[130.0, 0, 79.5], [0, 130.0, 47.5], [0, 0, 1]]))
STEP = 100_000_000  # [ns] between images
TEXTURE = cv2.GaussianBlur(
    np.random.default_rng(5).integers(0, 256, (1024, 1024)).astype(np.float32), (0, 0), 3
)
TEXTURE = ((TEXTURE - TEXTURE.min()) / np.ptp(TEXTURE) * 255).astype(np.float32)


def pose(x=0.0, z=0.0):
    T = np.eye(4)
    T[:3, 3] = x, 0, z
    return T


def scene(T_world_camera, wall=8.0, box=None, texture=TEXTURE):
    """Return image [H,W,3] and depth [H,W] of a wall at Z = `wall` m, and of a box before it.

    The box is the rectangle (x0, x1, y0, y1, Z) of the world; its texture is another part.
    """
    rays = CAMERA.rays()
    origin = T_world_camera[:3, 3]
    depth = np.full((H, W), wall - origin[2])
    points = origin + rays * depth[..., None]
    grey = look_up(texture, points)
    if box is not None:
        x0, x1, y0, y1, z = box
        near = z - origin[2]
        on_box = origin + rays * near
        x, y = on_box[..., 0], on_box[..., 1]
        seen = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        depth[seen] = near
        grey = np.where(seen, look_up(255 - texture, on_box + 3), grey)
    image = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    return image, depth.astype(np.float32)


def look_up(texture, points):
    u, v = ((points[..., i] * 40 + 512).astype(np.float32) for i in (0, 1))
    return cv2.remap(texture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def play(stabiliser, poses, gains=None, noise=0.0, motion=True, **options):
    """Return the results of a moving camera whose depth has errors, and the exact depths."""
    rng = np.random.default_rng(0)
    found, exact = [], []
    for index, T in enumerate(poses):
        image, depth = scene(T, **options)
        exact.append(depth)
        patches = cv2.resize(rng.normal(0, noise, (8, 12)), (W, H), interpolation=cv2.INTER_LINEAR)
        wrong = depth * np.exp(patches).astype(np.float32) * (gains[index] if gains else 1)
        T_last_now = inverse(poses[index - 1]) @ T if index and motion else None
        found.append(stabiliser(wrong.astype(np.float32), image, CAMERA, index * STEP, T_last_now))
    return found, exact


def errors(found, exact):
    """Return the logarithmic error [N,H,W] of each result."""
    return np.log(np.stack([f.depth for f in found]) / np.stack(exact))


def drive(count, x=0.02, z=0.1):
    return [pose(x * i, z * i) for i in range(count)]
