# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stabiliser of depth over time: one scale per image, or a filter per pixel along the motion.

It works on a reduced grid and multiplies the depth by a smooth ratio, so that its cost does not
depend on the network. All memory is the state of one image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.camera import Camera, Size, stretch
from jasmine_core.geometry.carry import Map, Places, carried_inverse_depth, places_in_source, sample
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array
from jasmine_core.runtime.common_scale import MEMORY, UNSCALED, CommonScale, next_scale
from jasmine_core.runtime.correction import Correction
from jasmine_core.runtime.temporal_filter import (
    CLOSER,
    FAR,
    Mask,
    agreement,
    correlation,
    edge_noise,
    fine_structure,
    image_agreement,
    log_ratio,
    median_shift,
    stays,
    trend_of,
    update,
)

MODES = ("off", "scale", "fuse")
PIXELS = 32_000  # largest number of pixels of the grid
STATIC = 0.1  # least share of pixels that do not come closer, of those that look as before
LONGEST_GAP = 1.0  # [s] between two images of one sequence
# Correlation of the fine structure of two images: of consecutive ones of a car or of a hand-held
# camera it is above 0.3 even without a motion, of images of different places it is below 0.1.
LEAST_CORRELATION = 0.2  # below it the scene is a new one
WORSE = 0.05  # by which a wrong motion lowers the correlation
BETTER = 0.02  # by which the motion of a pose net must raise it, as such a net is often wrong
FIRST, NEW_SCENE = "first image", "the scene is a new one"
WRONG_MOTION = "the motion contradicts the images"


@dataclass(frozen=True)
class Steadied:
    """Depth of one image after the stabiliser."""

    depth: Depth  # [H,W] in the unit of the input
    scale: float  # factor that the whole image was multiplied by
    fused: float  # share of the pixels to which the past contributed, 0..1
    problem: str  # reason why the past or the motion was not used; empty if it was
    parallax: Map | None = None  # [H,W] weight of the parallax that corrected the depth


@dataclass(frozen=True)
class _State:
    stamp: int  # [ns]
    camera: Camera  # of the grid
    grey: Map  # [h,w] 0..255
    structure: Map  # [h,w] of the grey image, without its coarse part
    inverse_depth: Map  # [h,w] 1/unit
    variance: Map  # [h,w] of the logarithm, in units of a good measurement
    trend: Map  # [h,w] mean recent change of the logarithm
    correction: Correction | None  # of the depth of the network
    scale: CommonScale = UNSCALED


class _Carried(NamedTuple):
    inverse_depth: Map  # [h,w] of the past, 1/unit
    before: Map  # [h,w] grey image of the past, 0..255
    usable: Mask  # [h,w]
    correlation: float  # of the fine structure of the images
    places: Places | None  # of the pixels in the last image; None without a motion


class Stabiliser:
    """Filter of the depth of consecutive images of one camera.

    Args:
        mode: "scale" keeps the scale of the images, "fuse" filters each pixel as well.
    """

    def __init__(self, mode: str) -> None:
        if mode not in MODES[1:]:
            raise ConfigError(f"temporal mode {mode!r} is not one of {', '.join(MODES[1:])}")
        self.mode = mode
        self._state: _State | None = None

    def reset(self) -> None:
        """Forget the past."""
        self._state = None

    def __call__(
        self,
        depth: Depth,
        image: NDArray[np.uint8],
        camera: Camera,
        stamp: int,
        T_last_now: Array | None,
        trusted: bool = True,
        correction: Correction | None = None,
    ) -> Steadied:
        """Return the depth [H,W] of an image, made consistent with the images before it.

        Args:
            depth: depth of the image in any unit, NaN where unknown.
            image: RGB image [h,w,3] of the same view, of any size.
            camera: camera of the depth.
            stamp: timestamp [ns].
            T_last_now: motion [4,4] of the camera from this image to the last one, in the unit of
                the depth; None if it is unknown.
            trusted: whether the motion was measured; otherwise the images must confirm it.
            correction: correction of the depth that was measured on this image; "fuse" applies it
                to this image and to the next ones.
        """
        # 1. Reduce everything to the grid.
        to_grid = stretch(camera.size, grid_size(camera.size))
        grid = to_grid.camera(camera)
        units = to_grid.map(depth)  # [h,w]
        known = np.isfinite(units) & (units > 0)
        measured = np.divide(1, units, out=np.zeros_like(units), where=known)  # [h,w] 1/unit
        grey = _grey(image, grid.size)
        now = _State(
            stamp=stamp,
            camera=grid,
            grey=grey,
            structure=fine_structure(grey),
            inverse_depth=measured,
            variance=edge_noise(measured),
            trend=np.zeros_like(measured),
            correction=correction.resized(grid.size) if correction else None,
        )

        # 2. Start again if the past does not belong to this image.
        last, self._state = self._state, now
        reason = _gap(last, grid, stamp)
        if reason or last is None:
            return Steadied(depth, 1.0, 0.0, reason)
        seconds = (stamp - last.stamp) / 1e9

        # 3. Carry the past into this view; a motion that fits worse than none is wrong.
        least = -WORSE if trusted else BETTER
        still = correlation(last.structure, now.structure, known)
        carried = None if T_last_now is None else _carry(last, now, known, T_last_now)
        refused = carried is not None and carried.correlation < still + least
        if carried is None or refused:
            carried = _Carried(last.inverse_depth, last.grey, known, still, None)
        past = carried.inverse_depth

        # 4. A scene with another structure is a new one.
        if carried.correlation < LEAST_CORRELATION:
            return Steadied(depth, 1.0, 0.0, NEW_SCENE)
        usable = carried.usable & (past > 0)
        looks = image_agreement(carried.before, grey, usable)  # [h,w] 0..1

        # 5. The correction measured on this image, and on those before it.
        corrected, parallax = measured, None
        if refused:  # What was measured with this motion is wrong, too.
            now = replace(now, correction=None)
        elif self.mode == "fuse" and (last.correction or now.correction):
            kept = looks * np.float32(math.exp(-seconds / MEMORY))
            before = (last.correction or Correction.none(grid.size)).carried(carried.places)
            summed = before.times(kept).plus(now.correction)
            corrected = measured * np.exp(-summed.log_factor())
            parallax = to_grid.inverse().map(summed.weight)  # [H,W]
            now = replace(now, correction=summed)

        # 6. One scale of the image. Pixels that come closer do not count for it, nor do those that
        # changed by more than the error of a network. If hardly any are left, an object fills the
        # image, and the scale is not measured.
        moved = carried.places is not None
        change = log_ratio(past, corrected)  # [h,w]
        trend = sample(last.trend, carried.places) if carried.places else last.trend
        similar = looks[::2] > 0.5
        new = np.abs(change[::2] - np.float32(last.scale.log_factor)) > FAR
        static = similar & (np.abs(trend[::2]) < CLOSER) & ~new
        middle = median_shift(change[::2], static)
        if np.count_nonzero(static) < STATIC * np.count_nonzero(similar):
            middle = last.scale.log_factor
        scale = next_scale(last.scale, middle, seconds, moved)
        change -= np.float32(middle)
        trend = trend_of(trend, change, seconds)
        factor, fused = math.exp(scale.log_factor), 0.0
        filtered = np.asarray(corrected / np.float32(factor), np.float32)  # [h,w] 1/unit
        variance = now.variance

        # 7. Each pixel.
        if self.mode == "fuse" and carried.places is not None:
            agrees = agreement(change, looks) * stays(trend)
            spread = sample(last.variance, carried.places)
            grown = spread + np.float32((seconds / MEMORY) ** 2)
            past *= np.float32(math.exp(middle - scale.log_factor))
            filtered, variance, gain = update(past, change, grown, now.variance, agrees)
            filtered = np.where(known, filtered, np.float32(0))
            fused = float(np.mean(gain < 0.9))
        self._state = replace(
            now, inverse_depth=filtered, variance=variance, trend=trend, scale=scale
        )

        # 8. The depth of the full resolution.
        problem = WRONG_MOTION if refused else ""
        if self.mode == "scale":
            return Steadied(depth * np.float32(factor), factor, fused, problem)
        ratio = np.where(known, measured / np.maximum(filtered, np.float32(1e-12)), np.float32(1))
        return Steadied(depth * to_grid.inverse().map(ratio), factor, fused, problem, parallax)


def _carry(last: _State, now: _State, known: Mask, T_last_now: Array) -> _Carried:
    """Carry the last depth into the new view and compare the images there."""
    K = last.camera.K
    places = places_in_source(now.inverse_depth, K, T_last_now)
    past = carried_inverse_depth(last.inverse_depth, places, K, T_last_now)
    ahead = past > 0  # A motion past the scene leaves nothing that could be compared.
    # The filtered depth gives better places than the measured one.
    places = places_in_source(past, K, T_last_now)
    past = carried_inverse_depth(last.inverse_depth, places, K, T_last_now)
    usable = known & places.inside & ahead
    agreed = correlation(sample(last.structure, places), now.structure, usable)
    return _Carried(past, sample(last.grey, places), usable, agreed, places)


def grid_size(size: Size) -> Size:
    """Return the size of the grid for images of `size` [px]."""
    reduction = max(1.0, math.sqrt(size[0] * size[1] / PIXELS))
    return max(1, round(size[0] / reduction)), max(1, round(size[1] / reduction))


def _gap(last: _State | None, camera: Camera, stamp: int) -> str:
    """Return why the past cannot be compared with a new image; empty if it can."""
    if last is None:
        return FIRST
    if last.camera.size != camera.size or not np.allclose(last.camera.K, camera.K):
        return "new camera"
    if stamp <= last.stamp:
        return "stamps jumped back"
    return "gap in time" if stamp - last.stamp > LONGEST_GAP * 1e9 else ""


def _grey(image: NDArray[np.uint8], size: Size) -> Map:
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    return stretch((image.shape[1], image.shape[0]), size).image(grey).astype(np.float32)
