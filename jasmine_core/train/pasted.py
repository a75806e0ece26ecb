# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Upright surfaces pasted into images with exact depth.

A renderer has few kinds of objects, and a network recognises objects by what it has seen. A pasted
surface stands on visible ground and has the texture of another image, so that its depth can be read
from nothing but the place where it meets the ground, as with any object of a real scene.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.rigid import Array
from jasmine_core.loss.teacher import DEPTH_MAX

Image = NDArray[np.uint8]
Depth = NDArray[np.float32]
MOST = 4  # surfaces in an image
SLOPE = 0.3  # largest rise of ground per distance
HEIGHTS = 0.25, 2.5  # range of heights, as a share of the camera's height above the ground
ASPECTS = 0.1, 2.5  # range of width / height
ALONG = 0.5  # share of the surfaces that stand along the road and not across it
PLAIN = 0.2  # share of the solid surfaces of one colour; most of the others have one
SOLID, MESH = 0.55, 0.3  # shares of solid surfaces and of wire meshes; the others are bars
TOLERANCE = 1.03  # A surface is as far as the ground that it stands on.


@dataclass(frozen=True)
class Surface:
    """Upright surface, by image columns."""

    columns: NDArray[np.intp]  # [N] from left to right
    inverse: NDArray[np.float64]  # [N] inverse depth [1/unit], linear in the column
    along: NDArray[np.float64]  # [N] distance on the ground from its left end [unit]
    bottom: NDArray[np.float64]  # [N] row where it meets the ground
    top: NDArray[np.float64]  # [N] row of its upper edge


def paste_surfaces(
    rng: random.Random, image: Image, depth: Depth, K: Array, texture: Image
) -> tuple[Image, Depth, NDArray[np.bool_]]:
    """Paste some upright surfaces; what stands nearer hides them.

    Args:
        rng: decides number, places, shapes and colours.
        image: [H,W,3].
        depth: [H,W] in any unit, 0 = unknown, DEPTH_MAX = sky.
        K: [3,3] intrinsics of the image.
        texture: [h,w,3] image whose parts cover the surfaces.

    Returns:
        (image, depth, pixels that changed [H,W])
    """
    image, depth, changed = image.copy(), depth.copy(), np.zeros(depth.shape, bool)
    ground = ground_pixels(depth, K)
    rows = np.flatnonzero(ground.any(axis=1))
    if not len(rows):
        return image, depth, changed
    for _ in range(rng.randint(1, MOST)):
        surface = draw_surface(rng, depth, ground, rows, K)
        if surface is not None:
            changed |= _paint(rng, image, depth, surface, texture)
    return image, depth, changed


def ground_pixels(depth: Depth, K: Array) -> NDArray[np.bool_]:
    """Return the pixels of level ground below the camera [H,W], from depth and intrinsics."""
    height = below_camera(depth, K)  # [H,W]
    away = depth[:-2] - depth[2:]  # [H-2,W] from the row below to the row above
    rise = height[2:] - height[:-2]
    known = (depth[:-2] > 0) & (depth[2:] > 0) & (depth[:-2] < DEPTH_MAX)
    level = known & (away > 0.01 * depth[1:-1]) & (np.abs(rise) < SLOPE * away)
    found = np.zeros(depth.shape, bool)
    found[1:-1] = level & (height[1:-1] > 0)
    return found


def below_camera(depth: Depth, K: Array) -> NDArray[np.float64]:
    """Return how far below the camera's centre each pixel lies [H,W]: Y = (v - c_y) Z / f_y."""
    rows = np.arange(depth.shape[0])[:, None]
    return np.asarray((rows - K[1, 2]) / K[1, 1] * depth, np.float64)


def draw_surface(
    rng: random.Random,
    depth: Depth,
    ground: NDArray[np.bool_],
    rows: NDArray[np.intp],
    K: Array,
) -> Surface | None:
    """Draw a surface that stands on ground pixels; None if it would be narrower than a pixel."""
    v, u = _foot(rng, ground, rows)
    z = float(depth[v, u])
    tall = float(below_camera(depth, K)[v, u]) * _log_uniform(rng, HEIGHTS)  # [unit]
    if rng.random() < ALONG:
        other_v, other_u = _foot(rng, ground, rows)
        (u, v, z), (end, end_v, end_z) = sorted(
            [(u, v, z), (other_u, other_v, float(depth[other_v, other_u]))]
        )
        columns = np.arange(u, end + 1)
        share = (columns - u) / max(1, end - u)
        # A plane has an inverse depth that is linear in the pixel, and so has its edge on ground.
        inverse = (1 - share) / z + share / end_z
        bottom = (1 - share) * v + share * end_v
    else:
        half = K[0, 0] * tall * _log_uniform(rng, ASPECTS) / z / 2  # [px]
        first, last = max(0, round(u - half)), min(depth.shape[1] - 1, round(u + half))
        columns = np.arange(first, last + 1)
        inverse, bottom = np.full(len(columns), 1 / z), np.full(len(columns), float(v))
    if len(columns) < 2:
        return None
    x = (columns - K[0, 2]) / K[0, 0] / inverse
    steps = np.hypot(np.diff(x), np.diff(1 / inverse))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    return Surface(columns, inverse, along, bottom, bottom - K[1, 1] * tall * inverse)


def _foot(rng: random.Random, ground: NDArray[np.bool_], rows: NDArray[np.intp]) -> tuple[int, int]:
    v = int(rng.choice(rows))
    return v, int(rng.choice(np.flatnonzero(ground[v])))


def _log_uniform(rng: random.Random, limits: tuple[float, float]) -> float:
    return math.exp(rng.uniform(*map(math.log, limits)))


def _paint(
    rng: random.Random, image: Image, depth: Depth, surface: Surface, texture: Image
) -> NDArray[np.bool_]:
    """Paint a surface into image and depth; return its visible pixels [H,W]."""
    height, width = depth.shape
    rows = np.arange(height)[:, None]
    first, last = surface.columns[0], surface.columns[-1] + 1
    down = (rows - surface.top) / (surface.bottom - surface.top)  # [H,N] 0 = top, 1 = ground
    across = np.linspace(-1, 1, len(surface.columns))[None]
    inside = (down >= 0) & (down <= 1) & _outline(rng, down, across)
    distance = np.broadcast_to(1 / surface.inverse, inside.shape).astype(np.float32)
    behind = depth[:, first:last]
    inside &= (behind == 0) | (distance < TOLERANCE * behind)

    kind = rng.random()
    opacity = np.ones(inside.shape, np.float32)
    if kind > SOLID:
        opacity = _mesh(rng, rows, surface) if kind < SOLID + MESH else _bars(rng, height, surface)
    alpha = cv2.GaussianBlur(np.where(inside, opacity, 0), (3, 3), 0.6)[..., None]
    part = image[:, first:last]
    colour = _colour(rng, surface, texture, height, PLAIN if kind < SOLID else 1 - PLAIN)
    part[:] = np.rint(part * (1 - alpha) + colour * alpha).clip(0, 255).astype(np.uint8)
    behind[inside] = distance[inside]
    visible = np.zeros((height, width), bool)
    visible[:, first:last] = inside
    return visible


def _outline(
    rng: random.Random, down: NDArray[np.float64], across: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return the pixels of a shape [H,N]: a board, a rounded body, or a crown on a trunk."""
    kind = rng.random()
    if kind < 0.4:
        return np.ones(down.shape, bool)
    if kind < 0.7:
        power = rng.uniform(2, 5)
        upper = np.clip(1 - 2 * down, 0, 1) ** power + np.abs(across) ** power <= 1
        return np.asarray(upper)
    split = rng.uniform(0.3, 0.8)
    crown = ((2 * down / split - 1) ** 2 + across**2 <= 1) & (down <= split)
    noise = np.random.default_rng(rng.getrandbits(32)).standard_normal((12, 12))
    leaves = cv2.resize(noise, down.shape[::-1], interpolation=cv2.INTER_CUBIC) > -rng.uniform(0, 2)
    return np.asarray(crown & leaves | (down > split / 2) & (np.abs(across) < 0.15))


def _mesh(rng: random.Random, rows: NDArray[np.intp], surface: Surface) -> NDArray[np.float32]:
    """Return the opacity [H,N] of wires thinner than a pixel, between posts and below a rail."""
    spacing = float(surface.along[-1]) / rng.uniform(1, 12)  # [unit] between posts
    post = np.diff(np.floor(surface.along / spacing), prepend=0) > 0  # [N]
    rail = np.abs(rows - surface.top) < rng.uniform(0.3, 1)  # [H,N]
    wires, frame = rng.uniform(0.08, 0.6), rng.uniform(0.5, 1)
    return np.where(post[None] | rail, frame, wires).astype(np.float32)


def _bars(rng: random.Random, height: int, surface: Surface) -> NDArray[np.float32]:
    """Return the opacity [H,N] of upright bars."""
    period = rng.uniform(3, 7)
    bars = (surface.columns % period < rng.uniform(1.5, 3)).astype(np.float32)
    return np.maximum(bars, np.float32(rng.uniform(0.1, 0.4)))[None].repeat(height, axis=0)


def _colour(
    rng: random.Random, surface: Surface, texture: Image, height: int, plain: float
) -> NDArray[np.float32]:
    """Return the colours [H,N,3] of a surface: one colour, or a part of the texture."""
    columns = len(surface.columns)
    if rng.random() < plain:
        grey = rng.uniform(0, 255)
        colour = [grey + rng.gauss(0, 25) for _ in "rgb"]
        return np.full((height, columns, 3), colour, np.float32)
    share = rng.uniform(0.1, 0.6)
    h, w = (max(2, round(share * n)) for n in texture.shape[:2])
    y, x = rng.randrange(texture.shape[0] - h + 1), rng.randrange(texture.shape[1] - w + 1)
    top, bottom = math.floor(surface.top.min()), math.ceil(surface.bottom.max()) + 1
    # The texture is stretched over the surface's box, most of which may lie above the image.
    grid = np.linspace(y, y + h - 1, max(2, bottom - top))[max(0, -top) :][: height - max(0, top)]
    xs = np.linspace(x, x + w - 1, columns)
    mapped = cv2.remap(
        texture.astype(np.float32),
        np.broadcast_to(xs, (len(grid), columns)).astype(np.float32),
        np.broadcast_to(grid[:, None], (len(grid), columns)).astype(np.float32),
        cv2.INTER_LINEAR,
    )
    colours = np.zeros((height, columns, 3), np.float32)
    colours[max(0, top) : max(0, top) + len(grid)] = mapped
    return colours * np.float32(math.exp(rng.uniform(-0.8, 0.4)))
