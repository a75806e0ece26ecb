# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras and everything that may happen to an image together with its intrinsics.

Pixel (u, v) has its centre at integer coordinates, as in OpenCV: an image of width W covers [-1/2,
W - 1/2]. Every resize, crop and letterbox is one `ImageTransform`, which maps a source window onto
a target window and therefore K as exactly as the pixels:

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
Size = tuple[int, int]  # (width, height) in pixels, as OpenCV orders them

# How many coefficients each distortion model has in CameraInfo's D.
DISTORTION_MODELS = {
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "equidistant": (4,),
}


@dataclass(frozen=True)
class Camera:
    """Hold a rectified pinhole camera: size [px] and K [3,3] in pixels."""

    width: int
    height: int
    K: Array = field(repr=False)

    @property
    def size(self) -> Size:
        """Return (width, height)."""
        return self.width, self.height

    def rays(self) -> Array:
        """Return the point at Z = 1 m seen by every pixel, [H,W,3], optical frame (REP 103)."""
        u, v = np.meshgrid(np.arange(self.width), np.arange(self.height))
        homogeneous = np.stack([u, v, np.ones_like(u)], axis=-1).astype(np.float64)
        rays: Array = homogeneous @ np.linalg.inv(self.K).T  # [H,W,3]
        return rays


class Window(NamedTuple):
    """A rectangle of whole pixels inside an image."""

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
    """Map the source window of one image onto the target window of another.

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
        """Return the map back; what the forward map cut off stays unknown."""
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
                f"camera is {camera.width}x{camera.height} px but this transform starts from "
                f"{self.source[0]}x{self.source[1]} px; build it with the camera's own size"
            )
        return Camera(*self.target, self.matrix() @ camera.K)

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resample an image [H,W] or [H,W,C]; what lies outside repeats its nearest edge pixel.

        Repeating the edge gives the network no hard black frame to take for an object.
        """
        inner = self._resample(image, shrink=cv2.INTER_AREA)
        (width, height), w = self.target, self.target_window
        if (w.width, w.height) == (width, height):
            return inner.astype(np.uint8, copy=False)
        margins = (w.y, height - w.y - w.height, w.x, width - w.x - w.width)
        return np.asarray(cv2.copyMakeBorder(inner, *margins, cv2.BORDER_REPLICATE), np.uint8)

    def map(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample a float map [H,W] such as depth; what lies outside becomes NaN (unknown)."""
        inner = self._resample(values, shrink=cv2.INTER_LINEAR)
        if self.target_window == Window(0, 0, *self.target):
            return inner.astype(np.float32, copy=False)
        result = np.full(self.target[::-1], np.nan, np.float32)
        result[self.target_window.slices] = inner
        return result

    def _resample(self, values: Raster, shrink: int) -> Raster:
        if (values.shape[1], values.shape[0]) != self.source:
            raise CameraError(
                f"image is {values.shape[1]}x{values.shape[0]} px but this transform starts from "
                f"{self.source[0]}x{self.source[1]} px; build a new one when the size changes"
            )
        result = values[self.source_window.slices]
        size = self.target_window[2:]
        # Averaging over areas keeps thin structures from aliasing when an image shrinks. Where
        # one side grows meanwhile, OpenCV's INTER_AREA would move pixels: so first one, then other.
        smaller = (min(size[0], result.shape[1]), min(size[1], result.shape[0]))
        for step, method in ((smaller, shrink), (size, cv2.INTER_LINEAR)):
            if step != (result.shape[1], result.shape[0]):
                result = cast(Raster, cv2.resize(result, step, interpolation=method))
        return result


def stretch(source: Size, target: Size) -> ImageTransform:
    """Fill the target without keeping the aspect ratio, as the paper does."""
    return ImageTransform(source, target, Window(0, 0, *source), Window(0, 0, *target))


def fit(source: Size, target: Size) -> ImageTransform:
    """Fit the whole image into the target, centred, aspect kept (letterbox)."""
    scale = min(target[0] / source[0], target[1] / source[1])
    width, height = (min(t, max(1, round(s * scale))) for s, t in zip(source, target, strict=True))
    inner = Window((target[0] - width) // 2, (target[1] - height) // 2, width, height)
    return ImageTransform(source, target, Window(0, 0, *source), inner)


def crop(source: Size, target: Size) -> ImageTransform:
    """Fill the target with the largest centred part of the image that has its aspect ratio."""
    forward = fit(target, source)  # the target letterboxed into the source is that part
    return forward.inverse()


def network_size(source: Size, nominal: Size, multiple: int = 64) -> Size:
    """Choose the letterbox for an image: its aspect ratio, the nominal area, sides in multiples.

    U-Net and VAE halve an image several times, six in Stable Diffusion: multiples of 64 px.
    """
    scale = (nominal[0] * nominal[1] / (source[0] * source[1])) ** 0.5
    width, height = (multiple * max(1, round(side * scale / multiple)) for side in source)
    return width, height


@dataclass(frozen=True)
class Calibration:
    """Describe a camera as `sensor_msgs/CameraInfo` does, before rectification.

    `K` [3,3] and `D` belong to the raw image, `R` [3,3] and `P` [3,4] to the rectified one.
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
                f"camera is not calibrated: fx = {self.K[0, 0]:g}, fy = {self.K[1, 1]:g} px; "
                "calibrate it (camera_calibration) or give a calibration file"
            )
        for name in "DRP":
            if not np.isfinite(getattr(self, name)).all():
                raise CameraError(f"{name} holds a value that is not a number; calibrate it again")
        if self.P[0, 0] > 0 and not self.P[1, 1] > 0:
            raise CameraError(f"P has fy = {self.P[1, 1]:g} px; calibrate the camera again")
        if not self.distorted:
            return
        if self.distortion_model not in DISTORTION_MODELS:
            raise CameraError(
                f"distortion model {self.distortion_model!r} is not one of "
                f"{', '.join(DISTORTION_MODELS)}; rectify the images first"
            )
        if len(self.D) not in (counts := DISTORTION_MODELS[self.distortion_model]):
            raise CameraError(
                f"{self.distortion_model} has {' or '.join(map(str, counts))} coefficients, but D "
                f"has {len(self.D)}; calibrate the camera again"
            )

    @property
    def distorted(self) -> bool:
        """Tell whether any distortion coefficient is not zero."""
        return bool(np.any(self.D != 0))

    @property
    def rectified_camera(self) -> Camera:
        """Return the camera of the rectified image: P's left part, or K where P was never set."""
        K = self.P[:, :3] if self.P[0, 0] > 0 else self.K
        return Camera(self.width, self.height, K)

    def needs_rectification(self) -> bool:
        """Tell whether raw and rectified image differ at all."""
        turned = not np.allclose(self.R, np.eye(3)) and self.R.any()
        moved = not np.allclose(self.rectified_camera.K, self.K, rtol=1e-6)
        return self.distorted or bool(turned) or moved


class Rectifier:
    """Remove lens distortion with maps computed once per calibration.

    `camera` is the pinhole camera of the result and `valid` [H,W] tells which of its pixels were
    seen.
    """

    def __init__(self, calibration: Calibration) -> None:
        c = calibration
        self.camera = c.rectified_camera
        R = c.R if c.R.any() else np.eye(3)
        fisheye = c.distorted and c.distortion_model == "equidistant"
        make: Any = cv2.fisheye.initUndistortRectifyMap if fisheye else cv2.initUndistortRectifyMap
        size = (c.width + 1, c.height + 1)  # one more, for the differences between neighbours
        x, y = make(c.K, c.D, R, self.camera.K, size, cv2.CV_32FC1)  # [H+1,W+1] each
        u, v, w = self.camera.K @ R[:, 2]  # where the optical axis goes
        axis = min(max(int(u / w), 0), c.width - 1), min(max(int(v / w), 0), c.height - 1)
        unfolded = _unfolded(x, y, axis)
        x, y = x[:-1, :-1], y[:-1, :-1]  # [H,W]
        inside = (x >= -0.5) & (x <= c.width - 0.5) & (y >= -0.5) & (y <= c.height - 0.5)
        self.valid = inside & unfolded
        # Fixed point halves the time of float maps.
        self._coordinates, self._fractions = cv2.convertMaps(x, y, cv2.CV_16SC2)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the rectified image [H,W,3]; unseen pixels repeat the nearest edge."""
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
    """Tell where a map [H+1,W+1] keeps its orientation, all the way from pixel `axis`, [H,W].

    Beyond the angles that it was fitted to a lens model turns back, and the corners of a wide view
    would show the image a second time.
    """
    with np.errstate(invalid="ignore"):  # rays from behind a fisheye are infinite
        x_u, x_v = np.diff(x, axis=1)[:-1], np.diff(x, axis=0)[:, :-1]
        y_u, y_v = np.diff(y, axis=1)[:-1], np.diff(y, axis=0)[:, :-1]
        upright = (x_u * y_v > x_v * y_u).astype(np.uint8)
    _, parts = cv2.connectedComponents(upright, connectivity=4)
    return np.asarray((upright > 0) & (parts == parts[axis[1], axis[0]]), np.bool_)
