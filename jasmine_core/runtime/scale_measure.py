# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measurements of the scale from the depth of one image and a reference in metres.

A measured scale is inversely proportional to the given depth: depth times scale is in metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.ground import fit_ground
from jasmine_core.geometry.points import Depth, back_project, project_points
from jasmine_core.geometry.rigid import Array

AGREES = 0.1  # relative difference of a point that agrees with a scale
FEWEST_POINTS = 20  # least number of pixels compared with a point cloud or another depth image
FEWEST_IN_BEAM = 3  # least number of pixels compared with one beam
NEAREST = 0.95  # share of the pixels of a wide beam that are behind the reflecting object
GRID = 3000  # number of pixels in which the ground is searched
DENSE = 20_000  # number of points that another depth image is reduced to
_WITHIN = 0.25  # relative distance from the median; the final median is taken within it
_NARROW = math.radians(2.0)  # least half angle of a beam in the comparison


@dataclass(frozen=True)
class Measurement:
    """Scale measured on one image."""

    metres_per_unit: float
    confidence: float  # share of the points that agree with it to within AGREES, 0..1
    points: int  # number of compared pixels


def from_ground(depth: Depth, camera: Camera, height: float, up: ArrayLike) -> Measurement | None:
    """Measure the scale from the known height [m] of the camera above the ground.

    `up` is the vertical direction [3] in the optical frame, within a few degrees. Returns None if
    no ground is found.
    """
    points = _thinned_points(depth, camera, GRID)
    ground = fit_ground(points, up)
    if ground is None:
        return None
    return Measurement(height / ground.height, ground.support, len(points))


def from_depth(depth: Depth, measured: Depth) -> Measurement | None:
    """Compare depth [H,W] in model units with measured depth [H,W] [m]; NaN is unknown in both."""
    return _compare(depth, measured, 0.5, FEWEST_POINTS)


def from_points(
    depth: Depth, camera: Camera, points: NDArray[np.floating], T_camera_sensor: Array
) -> Measurement | None:
    """Compare depth [H,W] with points [N,3] [m] in the frame of the sensor that measured them."""
    in_camera = points @ T_camera_sensor[:3, :3].T + T_camera_sensor[:3, 3]
    return from_depth(depth, project_points(in_camera.astype(np.float32), camera))


def from_image(
    depth: Depth, camera: Camera, measured: Depth, sensor: Camera, T_camera_sensor: Array
) -> Measurement | None:
    """Compare depth [H,W] with the depth image [m] of another camera of any size."""
    if measured.shape != (sensor.height, sensor.width):
        return None  # the CameraInfo is still that of another image size
    points = _thinned_points(measured, sensor, DENSE)
    return from_points(depth, camera, points, T_camera_sensor)


def from_beam(
    depth: Depth,
    camera: Camera,
    distance: float,
    angle: float,
    T_camera_sensor: Array,
    echo: bool,
) -> Measurement | None:
    """Compare depth [H,W] with a distance [m] measured by a beam of the full angle `angle` [rad].

    The beam points along +X of its sensor. With `echo` (ultrasound), the distance is that of the
    nearest object in the beam; without, that of the object in its middle.
    """
    half = max(angle / 2, _NARROW) if echo else _NARROW
    directions = _cone(half) @ T_camera_sensor[:3, :3].T  # [N,3]
    points = distance * directions + T_camera_sensor[:3, 3]
    measured = project_points(points.astype(np.float32), camera)
    return _compare(depth, measured, NEAREST if echo else 0.5, FEWEST_IN_BEAM)


def _compare(depth: Depth, measured: Depth, quantile: float, fewest: int) -> Measurement | None:
    """Return the quantile of the ratios measured/depth, None with fewer than `fewest` pixels.

    For the median, it is computed again over the ratios near the first one, to reject outliers.
    """
    if depth.shape != measured.shape:
        raise ValueError(f"depth {depth.shape} and measured depth {measured.shape} differ in size")
    known = (measured > 0) & (depth > 0) & np.isfinite(measured) & np.isfinite(depth)
    if (count := int(np.count_nonzero(known))) < fewest:
        return None
    ratio = np.log(measured[known].astype(np.float64) / depth[known])  # [N]
    middle = float(np.quantile(ratio, quantile))
    if quantile == 0.5:
        middle = float(np.median(ratio[np.abs(ratio - middle) < math.log1p(_WITHIN)]))
    agree = float(np.mean(np.abs(ratio - middle) < math.log1p(AGREES)))
    return Measurement(math.exp(middle), agree, count)


def _thinned_points(depth: Depth, camera: Camera, count: int) -> NDArray[np.float32]:
    """Return about `count` points [N,3] of a depth image, evenly spaced over it."""
    step = max(1, math.ceil(math.sqrt(depth.size / count)))
    K = np.diag([1 / step, 1 / step, 1]) @ camera.K  # of every step-th row and column
    return back_project(depth[::step, ::step].astype(np.float32), K).reshape(-1, 3)


def _cone(half: float) -> Array:
    """Return unit vectors [N,3], evenly spread over the cone of a half angle [rad] around +X."""
    count = 400
    share = (np.arange(count) + 0.5) / count
    cosine = 1 - share * (1 - math.cos(half))
    around = np.arange(count) * math.pi * (3 - math.sqrt(5))  # the golden angle
    sine = np.sqrt(1 - cosine**2)
    return np.stack([cosine, sine * np.cos(around), sine * np.sin(around)], axis=-1)
