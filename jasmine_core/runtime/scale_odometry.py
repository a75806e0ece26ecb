# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metric scale from the motion of the camera in metres, by parallax between two images.

Points that are tracked and triangulated confirm the motion and give a first scale; the comparison
of all pixels around it gives the scale of the whole image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.camera import Camera, stretch
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array, angle_of
from jasmine_core.prepare.odometry import (
    MAX_EPIPOLAR_ERROR,
    MIN_IN_FRONT,
    agreement,
    inverse_depths,
)
from jasmine_core.prepare.optical_flow import View, allowed_points, match, project, rays, view_of
from jasmine_core.runtime.scale_measure import AGREES, Measurement
from jasmine_core.runtime.scale_sweep import RANGE, PixelScales, sweep

# T_target_source [4,4], metres, of the camera between two timestamps [ns]; None if it is unknown.
Motion = Callable[[int, int], Array | None]

FEWEST_POINTS = 20  # least number of triangulated points of a measurement
MIN_PARALLAX = 1.5  # [px] in an image of 320 px; less says nothing about the depth of a point
MAX_TURN = math.radians(10)  # between two images; a larger one changes what they show
MAX_HEADING_ERROR = math.radians(20)  # between the motion and the one that the images show
OLDEST = 1_000_000_000  # [ns] age after which an image is not compared any more
PERIOD = 150_000_000  # [ns] between measurements
_WITHIN = 0.25  # relative distance from the median of points; their final one is taken within it
_NEAR = 0.5  # the same for pixels, as a logarithm
# Logarithmic distance of pixels that agree; parallax measures less exactly than a LiDAR.
_CLOSE = math.log1p(2 * AGREES)
_CHANCE = _CLOSE / RANGE  # share of pixels with meaningless depth that agree
_DETERMINED = 5.0  # least ratio of the singular values of a direction that the points determine
_LEAST_MOTION = 1e-3  # [m] of the camera

# Reasons why there is no measurement.
NO_MOTION = "there is no motion of the camera at the time of the image"
TOO_FAR_APART = "the images are too far apart in time"
STANDS = "the camera moves too little"
TURNS = "the camera turns too fast"
NO_POINTS = "the image has too few points that can be tracked"
CONTRADICTED = "the motion contradicts the images"


class Points(NamedTuple):
    """Scales of tracked points."""

    log_scale: Array  # [N] ln of metres per unit
    parallax: Array  # [N] px


class Comparison(NamedTuple):
    """Result of the comparison of two images."""

    measurement: Measurement
    pixels: PixelScales


class _Reference(NamedTuple):
    stamp: int  # [ns]
    view: View


class OdometryMeasurement:
    """Measurement of the scale between a kept image and later ones.

    Without enough parallax, as of a camera that stands or only turns, there is no measurement.
    """

    def __init__(self) -> None:
        self.problem = ""  # reason why the last comparison gave no measurement; empty if it did
        self.pixels: PixelScales | None = None  # scales of the last comparison
        self._reference: _Reference | None = None
        self._last = 0  # [ns] timestamp of the last comparison

    def due(self, stamp: int) -> bool:
        """Return whether an image with this timestamp [ns] is compared; not every one is."""
        return self._reference is None or not 0 <= stamp - self._last < PERIOD

    def __call__(
        self,
        depth: Depth,
        image: NDArray[np.uint8],
        camera: Camera,
        stamp: int,
        motion: Motion,
    ) -> Measurement | None:
        """Compare an image with the kept one; return the measurement, None without one.

        Args:
            depth: depth [H,W] of the image in model units, NaN where unknown.
            image: RGB image [h,w,3] of the same view, of any size.
            camera: camera of the depth.
            stamp: timestamp [ns].
            motion: motion of the camera.
        """
        self._last, reference = stamp, self._reference
        to_image = stretch(camera.size, (image.shape[1], image.shape[0]))
        seen = to_image.map(np.isfinite(depth).astype(np.float32)) > 0.5
        view_camera = to_image.camera(camera)
        view = view_of(image, view_camera, allowed_points(view_camera, seen))
        measured: Comparison | str = STANDS
        if reference is not None and stamp - reference.stamp > OLDEST:
            measured = TOO_FAR_APART
        elif reference is not None and stamp > reference.stamp:
            T_reference_now = motion(reference.stamp, stamp)
            if T_reference_now is None:
                measured = NO_MOTION
            elif reference.view.camera.size == view.camera.size:
                small = stretch(camera.size, view.camera.size).map(depth)
                measured = from_motion(view, reference.view, small, T_reference_now)
        found = None if isinstance(measured, str) else measured.measurement
        self.pixels = None if isinstance(measured, str) else measured.pixels
        self.problem = measured if isinstance(measured, str) else ""
        # An image without enough motion since is kept, so that the motion adds up.
        if found or reference is None or not 0 <= stamp - reference.stamp <= OLDEST / 2:
            self._reference = _Reference(stamp, view)
        return found


def from_motion(a: View, b: View, depth: Depth, T_b_a: Array) -> Comparison | str:
    """Measure the scale of the depth [h,w] of image a from its motion [m] to image b.

    The scale is the median over all pixels whose places in both images agree at one scale, see
    `sweep`. It is searched around the scale of points that are tracked from b to a and
    triangulated. Returns the reason if there is no measurement: the camera moves too little, turns
    too far, or shows too little, or the images contradict the motion.
    """
    points = _points(a, b, depth, T_b_a)
    if isinstance(points, str):
        return points
    # Near points are triangulated more exactly, and far ones say more about the rest of the image.
    log_scale, weights = points.log_scale, np.sqrt(points.parallax)
    middle = _robust_median(log_scale, weights, math.log1p(_WITHIN))
    agree = float(np.mean(np.abs(log_scale - middle) < _CLOSE))
    pixels = sweep(a, b, depth, T_b_a, middle)
    known = np.isfinite(pixels.log_scale)
    if known.any():
        # A pixel's scale is more exact than a point's, so that far ones may have more weight.
        log_scale = pixels.log_scale[known].astype(np.float64)
        weights = np.asarray(pixels.parallax[known] ** 0.25, np.float64)
        middle = _robust_median(log_scale, weights, _NEAR)
        # The sweep finds scales of meaningless depth all over its range; the points do not.
        close = float(np.mean(np.abs(log_scale - middle) < _CLOSE))
        agree = min(agree, max(0.0, close - _CHANCE) / (1 - _CHANCE))
    return Comparison(Measurement(math.exp(middle), agree, len(log_scale)), pixels)


def _points(a: View, b: View, depth: Depth, T_b_a: Array) -> Points | str:
    """Return the scales at tracked points, or the reason why there is no measurement."""
    if np.linalg.norm(T_b_a[:3, 3]) < _LEAST_MOTION:
        return STANDS
    if angle_of(T_b_a[:3, :3]) > MAX_TURN:
        return TURNS
    # The corners of b are found once for all images that it is compared with.
    tracked = match(b, a)
    matches = tracked._replace(a=tracked.b, b=tracked.a)
    if len(matches.a) < FEWEST_POINTS:
        return NO_POINTS
    found = agreement(a, b, matches, T_b_a)
    if found is None:
        return STANDS
    if found.epipolar > MAX_EPIPOLAR_ERROR or found.in_front < MIN_IN_FRONT:
        return CONTRADICTED
    x = rays(matches.a, a.camera.K) @ T_b_a[:3, :3].T  # [N,3] turned like the camera
    y = rays(matches.b, b.camera.K)  # [N,3]
    parallax = np.linalg.norm(matches.b - project(x, b.camera.K), axis=1)  # [N] px
    clear = parallax > MIN_PARALLAX
    if np.count_nonzero(clear) < FEWEST_POINTS:
        return STANDS
    if heading_error(x[clear], y[clear], T_b_a[:3, 3]) > MAX_HEADING_ERROR:
        return CONTRADICTED
    w, _ = inverse_depths(a, b, matches, T_b_a)  # [N] 1/m
    u, v = np.rint(matches.a).astype(int).T
    units = depth[v, u].astype(np.float64)  # [N]
    usable = clear & (w > 0) & np.isfinite(units) & (units > 0)
    if np.count_nonzero(usable) < FEWEST_POINTS:
        return STANDS
    return Points(-np.log(w[usable] * units[usable]), parallax[usable])


def heading_error(x: Array, y: Array, t: Array) -> float:
    """Return the angle [rad] between a translation t [3] and the one that the images show.

    Rays x [N,3] of one image, turned into the frame of the other, and rays y [N,3] to the same
    points give the direction d that minimizes the sum of (d (y x x))^2, weighted against outliers.
    The angle is 0 where the points do not determine the direction.
    """
    normals = np.cross(y, x)  # [N,3]
    weights = np.ones(len(normals))
    for _ in range(4):
        _, strength, axes = np.linalg.svd(normals * weights[:, None], full_matrices=False)
        error = np.abs(normals @ axes[2])
        weights = 1 / np.sqrt(1 + (error / (1.5 * np.median(error) + 1e-12)) ** 2)
    if strength[1] < _DETERMINED * strength[2]:
        return 0.0
    return math.acos(min(1.0, abs(float(axes[2] @ t)) / float(np.linalg.norm(t))))


def _robust_median(values: Array, weights: Array, within: float) -> float:
    """Return the weighted median [N] of the values that are near the median of all."""
    middle = _weighted_median(values, weights)
    near = np.abs(values - middle) < within
    return _weighted_median(values[near], weights[near])


def _weighted_median(values: Array, weights: Array) -> float:
    """Return the value [N] below which the values have half of the weight [N]."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
