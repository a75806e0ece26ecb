# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What one image's depth says about the scale, beside something whose size is known in metres.

Each measurement is as many times smaller as the depth it was given is larger.
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
FEWEST_POINTS = 20  # pixels that are compared with a cloud or another depth image, and ...
FEWEST_IN_BEAM = 3  # ... with one beam
NEAREST = 0.95  # share of a wide beam that lies behind what sends the echo back
GRID = 3000  # pixels that the ground is sought among
DENSE = 20_000  # points that another depth image is thinned to
_WITHIN = 0.25  # of the median, where the final one is taken
_NARROW = math.radians(2.0)  # half angle at which a thinner beam is compared


@dataclass(frozen=True)
class Measurement:
    """Hold the scale that one image showed."""

    metres_per_unit: float
    confidence: float  # share of the points that agree with it to within AGREES, 0..1
    points: int  # pixels that were compared


def from_ground(depth: Depth, camera: Camera, height: float, up: ArrayLike) -> Measurement | None:
    """Compare the camera's height above the ground in model units with its true one [m].

    `up` [3] in the optical frame is true to within some degrees. None if no ground is seen.
    """
    points = _thinned_points(depth, camera, GRID)
    ground = fit_ground(points, up)
    if ground is None:
        return None
    return Measurement(height / ground.height, ground.support, len(points))


def from_depth(depth: Depth, measured: Depth) -> Measurement | None:
    """Compare depth [H,W] in model units with true depth [H,W] [m]; NaN is unknown in both."""
    return _compare(depth, measured, 0.5, FEWEST_POINTS)


def from_points(
    depth: Depth, camera: Camera, points: NDArray[np.floating], T_camera_sensor: Array
) -> Measurement | None:
    """Compare depth [H,W] with points [N,3] [m] in the frame of the sensor that measured them."""
    seen = points @ T_camera_sensor[:3, :3].T + T_camera_sensor[:3, 3]
    return from_depth(depth, project_points(seen.astype(np.float32), camera))


def from_image(
    depth: Depth, camera: Camera, measured: Depth, sensor: Camera, T_camera_sensor: Array
) -> Measurement | None:
    """Compare depth [H,W] with the depth image [m] of another camera of any size."""
    if measured.shape != (sensor.height, sensor.width):
        return None  # its CameraInfo has not caught up
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
    """Compare depth [H,W] with the distance [m] that a beam of full `angle` [rad] was long.

    The beam leaves along +X of its sensor. `echo`: the nearest thing anywhere in it sent it back,
    as sound does; else what is in its middle.
    """
    half = max(angle / 2, _NARROW) if echo else _NARROW
    directions = _cone(half) @ T_camera_sensor[:3, :3].T  # [N,3]
    points = distance * directions + T_camera_sensor[:3, 3]
    measured = project_points(points.astype(np.float32), camera)
    return _compare(depth, measured, NEAREST if echo else 0.5, FEWEST_IN_BEAM)


def _compare(depth: Depth, measured: Depth, quantile: float, fewest: int) -> Measurement | None:
    """Take a quantile of the ratios, then that of those near it, which outliers do not move."""
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
    """Return about `count` points [N,3] of a depth image, evenly spread over it."""
    step = max(1, math.ceil(math.sqrt(depth.size / count)))
    K = np.diag([1 / step, 1 / step, 1]) @ camera.K  # of every step-th row and column
    return back_project(depth[::step, ::step].astype(np.float32), K).reshape(-1, 3)


def _cone(half: float) -> Array:
    """Return unit vectors [N,3] that fill the cone of a half angle [rad] around +X evenly."""
    count = 400
    share = (np.arange(count) + 0.5) / count
    cosine = 1 - share * (1 - math.cos(half))
    around = np.arange(count) * math.pi * (3 - math.sqrt(5))  # the golden angle
    sine = np.sqrt(1 - cosine**2)
    return np.stack([cosine, sine * np.cos(around), sine * np.sin(around)], axis=-1)
