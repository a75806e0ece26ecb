# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth made consistent over time, with the motion of the camera in metres where it is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array
from jasmine_core.runtime.correction import Correction, correction_of
from jasmine_core.runtime.scale import ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_odometry import Motion, OdometryMeasurement
from jasmine_core.runtime.stabiliser import LONGEST_GAP, WRONG_MOTION, Stabiliser, Steadied

NO_MOTION = "there is no motion of the camera; only the scale is kept"
POSE_NET = "there is no motion of the camera; that of the pose net is used"
NO_UNIT = "the unit of the depth is not measured yet; only the scale is kept"
_STANDS = 1e-3  # [m] between two images, below which the unit does not matter
_TIME_CONSTANT = 2.0  # [s] of the filter on the unit
_UNKNOWN = fixed_scale(None, None)
# T_before_image [4,4] in model units, of two RGB images [h,w,3].
PoseNetMotion = Callable[[NDArray[np.uint8], NDArray[np.uint8]], Array]


class SteadyDepth:
    """Stabiliser of a camera whose motion is given in metres.

    The motion of depth whose scale is unknown or estimated is converted with a scale that is
    measured by parallax, see `OdometryMeasurement`; until then the estimate is used. The same
    measurement corrects the pixels of the depth.

    Args:
        mode: "scale" or "fuse".
        pose_net: motion that "fuse" uses where none is known; None if there is no pose net.
    """

    def __init__(self, mode: str, pose_net: PoseNetMotion | None = None) -> None:
        self.mode = mode
        self._pose_net = pose_net if mode == "fuse" else None
        self._image: NDArray[np.uint8] | None = None  # the last one, for the pose net
        self._stabiliser = Stabiliser(mode)
        self._measure, self._unit = OdometryMeasurement(), ScaleFilter("odometry")
        self._last: int | None = None  # [ns] timestamp of the last image

    def __call__(
        self,
        depth: Depth,
        image: NDArray[np.uint8],
        camera: Camera,
        stamp: int,
        motion: Motion | None,
        metres_per_unit: float | None,
        estimated: bool = False,
    ) -> Steadied:
        """Return the depth [H,W] of an image, made consistent with the images before it.

        Args:
            depth: depth of the image in model units, NaN where unknown.
            image: RGB image [h,w,3] of the same view, of any size.
            camera: camera of the depth.
            stamp: timestamp [ns].
            motion: motion of the camera in metres; None without odometry.
            metres_per_unit: scale of the depth; None if it is up-to-scale.
            estimated: whether that scale is an estimate, which a measurement replaces.
        """
        T_last_now, problem = None, ""
        correction: Correction | None = None
        if self._last is not None and self._last < stamp:
            T_last_now = None if motion is None else motion(self._last, stamp)
            problem = NO_MOTION if T_last_now is None else ""
        if T_last_now is not None and motion is not None:
            unit = metres_per_unit
            if unit is None or estimated:
                measured, correction = self._measured(depth, image, camera, stamp, motion)
                unit = measured or unit
            T_last_now = _in_units(T_last_now, unit)
            problem = NO_UNIT if T_last_now is None else ""
        if problem == NO_MOTION and (T := self._by_pose_net(image, stamp)) is not None:
            T_last_now, problem = T, POSE_NET
        self._last = stamp
        self._image = image if self._pose_net else None
        by_net = problem == POSE_NET
        steadied = self._stabiliser(
            depth, image, camera, stamp, T_last_now, trusted=not by_net, correction=correction
        )
        if by_net and steadied.problem == WRONG_MOTION:
            steadied = replace(steadied, problem=NO_MOTION)
        if self.mode == "scale":  # The motion helps, but it is not needed.
            problem = ""
        return replace(steadied, problem=steadied.problem or problem)

    def _by_pose_net(self, image: NDArray[np.uint8], stamp: int) -> Array | None:
        """Return T_last_now [4,4] in model units; None without a pose net or a recent image."""
        before, last = self._image, self._last
        if self._pose_net is None or before is None or last is None or before.shape != image.shape:
            return None
        return self._pose_net(before, image) if 0 < stamp - last <= LONGEST_GAP * 1e9 else None

    def _measured(
        self, depth: Depth, image: NDArray[np.uint8], camera: Camera, stamp: int, motion: Motion
    ) -> tuple[float | None, Correction | None]:
        """Return the unit [m] of the depth, and the correction of its pixels if it is a new one."""
        correction = None
        if self._measure.due(stamp):
            measured = self._measure(depth, image, camera, stamp, motion)
            self._unit.add(stamp, measured, _TIME_CONSTANT)
            if measured and self._measure.pixels and self.mode == "fuse":
                log_scale = math.log(measured.metres_per_unit)
                correction = correction_of(self._measure.pixels, log_scale)
        scale = self._unit.at(stamp, _UNKNOWN)
        return None if scale is _UNKNOWN else scale.metres_per_unit, correction


def _in_units(T: Array, metres_per_unit: float | None) -> Array | None:
    """Return a motion [4,4] in model units, None if it moves and the unit is unknown."""
    if metres_per_unit is None:
        if np.linalg.norm(T[:3, 3]) > _STANDS:
            return None
        metres_per_unit = 1.0
    converted = T.copy()
    converted[:3, 3] /= metres_per_unit
    return converted
