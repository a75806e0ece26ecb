# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras, and resizing, cropping and rectification of images with their intrinsics.

Pixel (u, v) has its centre at integer coordinates, as in OpenCV: an image of width W covers [-1/2,
W - 1/2]. Every resize, crop and letterbox is an `ImageTransform`, which maps a source window onto
a target window, and changes K accordingly:

    u' + 1/2 = (u + 1/2) * s_x + t_x      f_x' = f_x s_x      c_x' = (c_x + 1/2) s_x + t_x - 1/2

Depth is measured along +Z and does not change under any of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CameraError

Array = NDArray[np.float64]
Raster = NDArray[np.uint8] | NDArray[np.float32]
Size = tuple[int, int]  # (width, height) [px], in OpenCV's order

# Possible numbers of coefficients in D of CameraInfo for each distortion model. The first two are
# one model in OpenCV, which determines the model by the number of coefficients; drivers confuse
# the two names.
_POLYNOMIAL = (4, 5, 8, 12, 14)
DISTORTION_MODELS = {
    "plumb_bob": _POLYNOMIAL,
    "rational_polynomial": _POLYNOMIAL,
    "equidistant": (4,),
}


@dataclass(frozen=True)
class Camera:
    """Rectified pinhole camera: image size [px] and intrinsics K [3,3] [px]."""

    width: int
    height: int
    K: Array = field(repr=False)

    @property
    def size(self) -> Size:
        """Return (width, height)."""
        return self.width, self.height

    def rays(self) -> Array:
        """Return the points at Z = 1 m of all pixels, [H,W,3], in the optical frame (REP 103)."""
        u, v = np.meshgrid(np.arange(self.width), np.arange(self.height))
        homogeneous = np.stack([u, v, np.ones_like(u)], axis=-1).astype(np.float64)
        rays: Array = homogeneous @ np.linalg.inv(self.K).T  # [H,W,3]
        return rays


class Window(NamedTuple):
    """Rectangle of whole pixels in an image."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return the numpy index (rows, columns) of the rectangle."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


@dataclass(frozen=True)
class ImageTransform:
    """Transform from the source window of one image to the target window of another.

    `source` and `target` are the sizes of the whole images.
    """

    source: Size
    target: Size
    source_window: Window
    target_window: Window

    @property
    def scale(self) -> tuple[float, float]:
        """Return (s_x, s_y), target pixels per source pixel."""
        a, b = self.source_window, self.target_window
        return b.width / a.width, b.height / a.height

    def inverse(self) -> ImageTransform:
        """Return the inverse transform; parts that were cut off are unknown in its result."""
        return ImageTransform(self.target, self.source, self.target_window, self.source_window)

    def matrix(self) -> Array:
        """Return the homogeneous [3,3] map of pixel coordinates."""
        (sx, sy), a, b = self.scale, self.source_window, self.target_window
        tx = b.x - a.x * sx + (sx - 1) / 2  # the half-pixel terms of the module's equation
        ty = b.y - a.y * sy + (sy - 1) / 2
        return np.array([[sx, 0, tx], [0, sy, ty], [0, 0, 1]])

    def camera(self, camera: Camera) -> Camera:
        """Return the camera of the transformed image."""
        if camera.size != self.source:
            raise CameraError(
                f"the camera has {camera.width}x{camera.height} px, but this transform is for "
                f"{self.source[0]}x{self.source[1]} px; build it with the size of the camera"
            )
        return Camera(*self.target, self.matrix() @ camera.K)

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resample an image [H,W] or [H,W,C]; margins repeat the nearest edge pixel.

        A black margin would be a strong edge in the input of the network.
        """
        inner = self._resample(image, shrink=cv2.INTER_AREA)
        (width, height), w = self.target, self.target_window
        if (w.width, w.height) == (width, height):
            return inner.astype(np.uint8, copy=False)
        margins = (w.y, height - w.y - w.height, w.x, width - w.x - w.width)
        return np.asarray(cv2.copyMakeBorder(inner, *margins, cv2.BORDER_REPLICATE), np.uint8)

    def map(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample a float map [H,W] such as depth; margins become NaN (unknown)."""
        inner = self._resample(values, shrink=cv2.INTER_LINEAR)
        if self.target_window == Window(0, 0, *self.target):
            return inner.astype(np.float32, copy=False)
        result = np.full(self.target[::-1], np.nan, np.float32)
        result[self.target_window.slices] = inner
        return result

    def _resample(self, values: Raster, shrink: int) -> Raster:
        if (values.shape[1], values.shape[0]) != self.source:
            raise CameraError(
                f"the image has {values.shape[1]}x{values.shape[0]} px, but this transform is for "
                f"{self.source[0]}x{self.source[1]} px; build a new one when the size changes"
            )
        result = values[self.source_window.slices]
        size = self.target_window[2:]
        # Area averaging avoids aliasing when an image is reduced. If one side is enlarged at the
        # same time, OpenCV's INTER_AREA shifts pixels, so reducing and enlarging are separate.
        smaller = (min(size[0], result.shape[1]), min(size[1], result.shape[0]))
        for step, method in ((smaller, shrink), (size, cv2.INTER_LINEAR)):
            if step != (result.shape[1], result.shape[0]):
                result = cast(Raster, cv2.resize(result, step, interpolation=method))
        return result


def stretch(source: Size, target: Size) -> ImageTransform:
    """Return the transform that fills the target without keeping the aspect ratio (the paper)."""
    return ImageTransform(source, target, Window(0, 0, *source), Window(0, 0, *target))


def fit(source: Size, target: Size) -> ImageTransform:
    """Return the transform of the whole image into the target, with margins (letterbox)."""
    scale = min(target[0] / source[0], target[1] / source[1])
    width, height = (min(t, max(1, round(s * scale))) for s, t in zip(source, target, strict=True))
    inner = Window((target[0] - width) // 2, (target[1] - height) // 2, width, height)
    return ImageTransform(source, target, Window(0, 0, *source), inner)


def crop(source: Size, target: Size) -> ImageTransform:
    """Return the transform of the largest centred part that has the aspect ratio of the target."""
    forward = fit(target, source)  # the letterbox of the target in the source is this part
    return forward.inverse()


def network_size(source: Size, nominal: Size, multiple: int = 64) -> Size:
    """Return the network's image size for an image: same aspect ratio, area of `nominal`.

    Both sides are rounded to multiples of `multiple` [px], because VAE and U-Net halve an image
    several times (six times in Stable Diffusion, hence 64).
    """
    scale = (nominal[0] * nominal[1] / (source[0] * source[1])) ** 0.5
    width, height = (multiple * max(1, round(side * scale / multiple)) for side in source)
    return width, height


@dataclass(frozen=True)
class Calibration:
    """Calibration of an unrectified camera, as in `sensor_msgs/CameraInfo`.

    `K` [3,3] and `D` belong to the raw image, `R` [3,3] and `P` [3,4] to the rectified one.

    Raises:
        CameraError: The calibration is incomplete or its distortion model is not supported.
    """

    width: int
    height: int
    K: Array
    D: Array
    distortion_model: str
    R: Array
    P: Array

    def __post_init__(self) -> None:
        if not (self.K[0, 0] > 0 and self.K[1, 1] > 0 and np.isfinite(self.K).all()):
            raise CameraError(
                f"the camera is not calibrated: fx = {self.K[0, 0]:g}, fy = {self.K[1, 1]:g} px; "
                "calibrate it (camera_calibration) or give a calibration file"
            )
        for name in "DRP":
            if not np.isfinite(getattr(self, name)).all():
                raise CameraError(
                    f"{name} of the calibration has a value that is not finite; calibrate the "
                    "camera again"
                )
        if self.P[0, 0] > 0 and not self.P[1, 1] > 0:
            raise CameraError(
                f"P of the calibration has fy = {self.P[1, 1]:g} px; calibrate the camera again"
            )
        if not self.distorted:
            return
        if self.distortion_model not in DISTORTION_MODELS:
            raise CameraError(
                f"distortion model {self.distortion_model!r} is not one of "
                f"{', '.join(DISTORTION_MODELS)}; rectify the images with image_proc first"
            )
        if len(self.D) not in (counts := DISTORTION_MODELS[self.distortion_model]):
            raise CameraError(
                f"{self.distortion_model} has {' or '.join(map(str, counts))} coefficients, but D "
                f"has {len(self.D)}; calibrate the camera again"
            )

    @property
    def distorted(self) -> bool:
        """Return whether any distortion coefficient is not zero."""
        return bool(np.any(self.D != 0))

    @property
    def rectified_camera(self) -> Camera:
        """Return the camera of the rectified image: left part of P, or K if P is not set."""
        K = self.P[:, :3] if self.P[0, 0] > 0 else self.K
        return Camera(self.width, self.height, K)

    def needs_rectification(self) -> bool:
        """Return whether the rectified image differs from the raw one."""
        turned = not np.allclose(self.R, np.eye(3)) and self.R.any()
        moved = not np.allclose(self.rectified_camera.K, self.K, rtol=1e-6)
        return self.distorted or bool(turned) or moved


class Rectifier:
    """Removal of lens distortion, by maps that are computed once per calibration.

    `camera` is the pinhole camera of the rectified image; `valid` [H,W] is true for its pixels that
    are in the raw image.
    """

    def __init__(self, calibration: Calibration) -> None:
        c = calibration
        self.camera = c.rectified_camera
        R = c.R if c.R.any() else np.eye(3)
        fisheye = c.distorted and c.distortion_model == "equidistant"
        make: Any = cv2.fisheye.initUndistortRectifyMap if fisheye else cv2.initUndistortRectifyMap
        size = (c.width + 1, c.height + 1)  # one more, for the differences between neighbours
        x, y = make(c.K, c.D, R, self.camera.K, size, cv2.CV_32FC1)  # [H+1,W+1] each
        u, v, w = self.camera.K @ R[:, 2]  # the optical axis in the rectified image
        axis = min(max(int(u / w), 0), c.width - 1), min(max(int(v / w), 0), c.height - 1)
        unfolded = _unfolded(x, y, axis)
        x, y = x[:-1, :-1], y[:-1, :-1]  # [H,W]
        inside = (x >= -0.5) & (x <= c.width - 0.5) & (y >= -0.5) & (y <= c.height - 0.5)
        self.valid = inside & unfolded
        # Remapping with fixed-point maps takes half the time of float maps.
        self._coordinates, self._fractions = cv2.convertMaps(x, y, cv2.CV_16SC2)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the rectified image [H,W,3]; pixels that are not `valid` repeat the edge."""
        rectified = cv2.remap(
            image,
            self._coordinates,
            self._fractions,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(rectified, np.uint8)


def _unfolded(
    x: NDArray[np.float32], y: NDArray[np.float32], axis: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the mask [H,W] of pixels connected to `axis` where a map [H+1,W+1] is not folded.

    Beyond the angles of its calibration, a distortion model can fold back, so that the corners of a
    wide-angle image would show parts of the image a second time.
    """
    with np.errstate(invalid="ignore"):  # rays behind a fisheye camera are infinite
        x_u, x_v = np.diff(x, axis=1)[:-1], np.diff(x, axis=0)[:, :-1]
        y_u, y_v = np.diff(y, axis=1)[:-1], np.diff(y, axis=0)[:, :-1]
        upright = (x_u * y_v > x_v * y_u).astype(np.uint8)
    _, parts = cv2.connectedComponents(upright, connectivity=4)
    return np.asarray((upright > 0) & (parts == parts[axis[1], axis[0]]), np.bool_)
