# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera motion between two images, measured with tracked points.

Depth is learned from parallax: the flow that remains after the rotation of the camera is removed.
Flow and parallax are shares of the image width, so that they do not depend on the resolution.
Their upper decile describes the near part of the scene: on a road half of all points are so far
away that they hardly move.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.camera import Camera, stretch
from jasmine_core.geometry.rigid import Array, angle_of

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WIDTH = 320  # [px] of the images in which points are tracked
MAX_POINTS, MIN_POINTS = 200, 20
_SPACING = 8  # [px] between points, so that one object with rich texture does not dominate
_RETURN = 1.0  # [px] largest error of a point that is tracked to the other image and back
_WINDOW, _LEVELS = (15, 15), 4  # of the tracker, for displacements up to about 100 px
_TERMINATION = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.03)


@dataclass(frozen=True)
class View:
    """Small grey copy of an image, with the points that are tracked in it."""

    camera: Camera  # of the small image
    grey: Grey  # [h,w]
    allowed: Grey | None  # [h,w] nonzero where points may lie

    @cached_property
    def even(self) -> Grey:
        """Return the image [h,w] with fixed mean and contrast.

        So exposure does not disturb the tracker; `Matches.gain` measures it separately.
        """
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(self.grey))
        scale = 48 / max(deviation, 1.0)
        levels = self.grey.astype(np.float32) * scale + (128 - mean * scale)
        return np.asarray(np.clip(levels, 0, 255), np.uint8)

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Return the points [N,2] px to track."""
        corners = cv2.goodFeaturesToTrack(self.even, MAX_POINTS, 0.005, _SPACING, mask=self.allowed)
        found = np.zeros((0, 2)) if corners is None else corners.reshape(-1, 2)
        return np.asarray(found, np.float32)

    @cached_property
    def level(self) -> Grey:
        """Return the mean brightness [h,w] around each pixel."""
        return np.asarray(cv2.blur(self.grey, (15, 15)), np.uint8)


class Matches(NamedTuple):
    """Points that are visible in two images, a and b."""

    a: Array  # [N,2] px
    b: Array  # [N,2] px
    overlap: float  # share of the points of a that were found in b
    gain: float  # brightness of b over brightness of a, around these points


@dataclass(frozen=True)
class PairMotion:
    """Motion from image a to image b."""

    overlap: float  # see Matches
    gain: float = 1.0
    median_flow: float = 0.0  # share of the width
    flow: float = 0.0  # upper decile, share of the width
    parallax: float = 0.0  # upper decile of the flow without rotation, share of the width
    rotation: float = 0.0  # [rad]


def view_of(image: NDArray[np.uint8], camera: Camera, allowed: Grey | None = None) -> View:
    """Return the view of a rectified RGB image [H,W,3]; `allowed` comes from `allowed_points`."""
    to_small = stretch(camera.size, _small(camera))
    grey = to_small.image(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8))
    return View(to_small.camera(camera), grey, allowed)


def allowed_points(camera: Camera, seen: Mask) -> Grey | None:
    """Return the mask of a view where points may lie; `seen` [H,W] marks pixels of the scene."""
    if seen.all():
        return None
    inside = stretch(camera.size, _small(camera)).map(seen.astype(np.float32)) > 0.99
    # The border of the scene has strong corners that move with the camera.
    shrunk = cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=1)
    return np.asarray(shrunk, np.uint8)


def match(a: View, b: View) -> Matches:
    """Track the points of a into b and back, and keep those that return to their start."""
    nothing = Matches(np.zeros((0, 2)), np.zeros((0, 2)), 0.0, 1.0)
    if not len(a.points):
        return nothing
    there, found = _track(a, b, a.points)
    height, width = b.grey.shape
    found &= ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1)
    if found.any():
        back, returned = _track(b, a, there[found])
        consistent = np.linalg.norm(back - a.points[found], axis=1) < _RETURN
        found[found] = returned & consistent
    if not found.any():
        return nothing
    from_a, in_b = a.points[found], there[found]
    before, after = (
        float(np.median(_at(view.level, points))) for view, points in ((a, from_a), (b, in_b))
    )
    gain = (after + 1) / (before + 1)
    overlap = round(float(found.mean()), 4)
    return Matches(from_a.astype(float), in_b.astype(float), overlap, round(gain, 4))


def pair_motion(a: View, b: View, matches: Matches, rotation: Array | None = None) -> PairMotion:
    """Measure the motion from image a to image b.

    Args:
        a: first image.
        b: second image.
        matches: points tracked from a to b.
        rotation: R_b_a [3,3] from odometry; None fits it to the points.
    """
    m = matches
    if len(m.a) < MIN_POINTS:
        return PairMotion(overlap=0.0)  # too few points to measure
    rays_a, rays_b = rays(m.a, a.camera.K), rays(m.b, b.camera.K)  # [N,3]
    R = fit_rotation(rays_a, rays_b) if rotation is None else rotation
    flow = np.linalg.norm(m.b - m.a, axis=1) / a.camera.width
    left = np.linalg.norm(m.b - project(rays_a @ R.T, b.camera.K), axis=1) / a.camera.width
    return PairMotion(
        m.overlap,
        m.gain,
        median_flow=round(float(np.median(flow)), 6),
        flow=round(float(np.percentile(flow, 90)), 6),
        parallax=round(float(np.percentile(left, 90)), 6),
        rotation=round(angle_of(R), 6),
    )


def fit_rotation(rays_a: Array, rays_b: Array) -> Array:
    """Return the rotation R_b_a [3,3] that best maps the rays [N,3] of image a to those of b.

    It is Kabsch's solution, reweighted towards the points that agree with it: far points, whose
    motion hardly depends on the translation.
    """
    a = rays_a / np.linalg.norm(rays_a, axis=1, keepdims=True)
    b = rays_b / np.linalg.norm(rays_b, axis=1, keepdims=True)
    weights = np.ones(len(a))
    R = np.eye(3)
    for _ in range(6):
        U, _, Vt = np.linalg.svd((b * weights[:, None]).T @ a)
        R = U @ np.diag([1, 1, np.linalg.det(U @ Vt)]) @ Vt
        error = np.linalg.norm(b - a @ R.T, axis=1)
        weights = 1 / np.maximum(error, 0.1 * np.median(error) + 1e-9)
    return R


def rays(points: Array, K: Array) -> Array:
    """Return the points at Z = 1 [N,3] that project to pixels [N,2]."""
    found: Array = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(K).T
    return found


def project(points: Array, K: Array) -> Array:
    """Return the pixels [N,2] of points [N,3] in front of the camera."""
    pixels = points @ K.T
    flat: Array = pixels[:, :2] / np.maximum(pixels[:, 2:], 1e-6)
    return flat


def sharpness(image: NDArray[np.uint8]) -> float:
    """Return the deviation of the Laplacian of an RGB image [H,W,3].

    It depends on the scene, so only values of the same recording can be compared.
    """
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_16S).std())


def _small(camera: Camera) -> tuple[int, int]:
    return WIDTH, max(1, round(camera.height * WIDTH / camera.width))


def _track(a: View, b: View, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], Mask]:
    tracked, found, _ = cv2.calcOpticalFlowPyrLK(
        a.even,
        b.even,
        points,
        None,  # type: ignore[call-overload]  # no first guess
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_TERMINATION,
    )
    return tracked, found[:, 0] > 0


def _at(values: Grey, points: NDArray[np.float32]) -> Grey:
    u, v = np.rint(points).astype(int).T
    return np.asarray(values[v, u])
