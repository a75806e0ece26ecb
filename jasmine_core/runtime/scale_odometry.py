# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metric scale from the motion of the camera in metres, by points triangulated between images."""

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
from jasmine_core.prepare.optical_flow import View, match, project, rays, view_of
from jasmine_core.runtime.scale import Scale, ScaleFilter
from jasmine_core.runtime.scale_measure import AGREES, Measurement

# T_target_source [4,4], metres, of the camera between two timestamps [ns]; None if it is unknown.
Motion = Callable[[int, int], Array | None]

FEWEST_POINTS = 20  # least number of triangulated points of a measurement
MIN_PARALLAX = 1.5  # [px] in an image of 320 px; less says nothing about the depth of a point
MAX_TURN = math.radians(10)  # between two images; a larger one changes what they show
OLDEST = 1_000_000_000  # [ns] age after which an image is not compared any more
PERIOD = 150_000_000  # [ns] between measurements
_WITHIN = 0.25  # relative distance from the median; the final median is taken within it
_LEAST_MOTION = 1e-3  # [m] of the camera


class _Reference(NamedTuple):
    stamp: int  # [ns]
    view: View
    depth: Depth  # [h,w] units, of the size of the view


class OdometryScale:
    """Scale that is measured between a kept image and later ones, and filtered over time.

    Without enough parallax, as of a camera that stands or only turns, there is no measurement, and
    the last scale is kept.
    """

    def __init__(self) -> None:
        self._filter = ScaleFilter("odometry")
        self._reference: _Reference | None = None
        self._last = 0  # [ns] timestamp of the last comparison

    def add(
        self,
        depth: Depth,
        image: NDArray[np.uint8],
        camera: Camera,
        stamp: int,
        motion: Motion,
        time_constant: float,
    ) -> Measurement | None:
        """Compare an image with the kept one; return the measurement, None without one.

        Args:
            depth: depth [H,W] of the image in model units, NaN where unknown.
            image: RGB image [h,w,3] of the same view, of any size.
            camera: camera of the depth.
            stamp: timestamp [ns].
            motion: motion of the camera.
            time_constant: time constant of the filter [s].
        """
        reference = self._reference
        if reference is not None and 0 <= stamp - self._last < PERIOD:
            return None
        self._last = stamp
        to_image = stretch(camera.size, (image.shape[1], image.shape[0]))
        view = view_of(image, to_image.camera(camera))
        measured = None
        if reference is not None and 0 < stamp - reference.stamp <= OLDEST:
            T_now_reference = motion(stamp, reference.stamp)
            if T_now_reference is not None and reference.view.camera.size == view.camera.size:
                measured = from_motion(reference.view, view, reference.depth, T_now_reference)
        self._filter.add(stamp, measured, time_constant)
        # An image without enough motion since is kept, so that the motion adds up.
        if measured or reference is None or not 0 <= stamp - reference.stamp <= OLDEST / 2:
            small = stretch(camera.size, view.camera.size).map(depth)
            self._reference = _Reference(stamp, view, small)
        return measured

    def at(self, stamp: int, initial: Scale) -> Scale:
        """Return the scale at a timestamp [ns]; `initial` before the first measurement."""
        return self._filter.at(stamp, initial)


def from_motion(a: View, b: View, depth: Depth, T_b_a: Array) -> Measurement | None:
    """Measure the scale of the depth [h,w] of image a from its motion [m] to image b.

    Points are tracked from a to b and triangulated; the scale is the median of their depth in
    metres divided by that of the map. Returns None if the camera moves or shows too little, turns
    too far, or if the images contradict the motion.
    """
    if np.linalg.norm(T_b_a[:3, 3]) < _LEAST_MOTION or angle_of(T_b_a[:3, :3]) > MAX_TURN:
        return None
    matches = match(a, b)
    found = agreement(a, b, matches, T_b_a)
    if (
        found is None
        or found.epipolar > MAX_EPIPOLAR_ERROR
        or found.in_front < MIN_IN_FRONT
        or len(matches.a) < FEWEST_POINTS
    ):
        return None
    turned = project(rays(matches.a, a.camera.K) @ T_b_a[:3, :3].T, b.camera.K)
    parallax = np.linalg.norm(matches.b - turned, axis=1)  # [N] px
    w, _ = inverse_depths(a, b, matches, T_b_a)  # [N] 1/m
    u, v = np.rint(matches.a).astype(int).T
    units = depth[v, u].astype(np.float64)  # [N]
    usable = (parallax > MIN_PARALLAX) & (w > 0) & np.isfinite(units) & (units > 0)
    if (count := int(np.count_nonzero(usable))) < FEWEST_POINTS:
        return None
    ratio = -np.log(w[usable] * units[usable])  # [N] of metres per unit
    middle = float(np.median(ratio))
    middle = float(np.median(ratio[np.abs(ratio - middle) < math.log1p(_WITHIN)]))
    # Points are triangulated less exactly than a LiDAR measures them.
    agree = float(np.mean(np.abs(ratio - middle) < math.log1p(2 * AGREES)))
    return Measurement(math.exp(middle), agree, count)
