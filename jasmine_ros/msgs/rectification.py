# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the images of one camera become rectified ones, once its CameraInfo has come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CameraError, FrameError
from jasmine_core.geometry.camera import Calibration, Camera, Rectifier
from jasmine_ros.msgs.images import RgbImage
from jasmine_ros.msgs.messages import calibration_of


@dataclass(frozen=True)
class View:
    """Undistort the images of one camera."""

    camera: Camera  # of the rectified image
    tx: float  # [px m] P[0,3], not zero for the right camera of a stereo pair
    raw: Calibration | None  # of the image as it comes; None where it is rectified already
    topics: tuple[str, str]  # of the images and of their CameraInfo, for messages to people

    @cached_property
    def rectifier(self) -> Rectifier | None:
        """Return what undistorts, None where nothing is to be done.

        Raises CameraError if nothing can be done. It is made for the first image of its size, for
        a CameraInfo alone may claim any size, and gigabytes of maps with it.
        """
        if self.raw is None:
            return None
        try:
            return Rectifier(self.raw)
        except (cv2.error, ArithmeticError, ValueError) as err:
            raise CameraError(
                f"{self.topics[1]}: no pinhole camera sees what this one sees ({err}); "
                "calibrate it again"
            ) from err

    @cached_property
    def seen(self) -> NDArray[np.float32] | None:
        """Return 1 for the pixels [H,W] of the rectified image that the lens saw, 0 for others.

        None where every pixel was seen.
        """
        if self.rectifier is None or self.rectifier.valid.all():
            return None
        return np.asarray(self.rectifier.valid, np.float32)

    def __call__(self, image: RgbImage) -> RgbImage:
        """Return the rectified image; raise FrameError if it is of another size."""
        width, height = self.camera.size
        if image.shape[:2] != (height, width):
            image_topic, info_topic = self.topics
            raise FrameError(
                f"{image_topic}: image is {image.shape[1]}x{image.shape[0]} px but its CameraInfo "
                f"on {info_topic} says {width}x{height} px; publish the CameraInfo of "
                "this size"
            )
        return self.rectifier(image) if self.rectifier else image


def view_from(camera_info: Any, image_topic: str, info_topic: str, mode: str = "auto") -> View:
    """Make the view of a camera from its CameraInfo; raise CameraError if that cannot be used.

    `mode` is "always", "never", or "auto": unless the image's own topic is named *rect*, for
    image_proc's rectified topics share the raw camera's CameraInfo, distortion included.
    """
    calibration = calibration_of(camera_info, info_topic)
    name = image_topic.removesuffix("/compressed").rpartition("/")[2]
    already = mode == "never" or (mode == "auto" and "rect" in name)
    raw = calibration if not already and calibration.needs_rectification() else None
    tx = float(calibration.P[0, 3])
    return View(calibration.rectified_camera, tx, raw, (image_topic, info_topic))


class KnownCamera:
    """Keep what the latest CameraInfo said."""

    def __init__(self) -> None:
        self._view: View | None = None
        self._error = ""
        self._key: object = None

    def learn(self, camera_info: Any, image_topic: str, info_topic: str, mode: str) -> None:
        """Make a new view where the CameraInfo has changed; raise CameraError if it is no use."""
        key = _fingerprint(camera_info)
        if key == self._key:
            return
        self._key, self._error = key, ""
        try:
            self._view = view_from(camera_info, image_topic, info_topic, mode)
        except CameraError as err:
            self._view, self._error = None, str(err)
            raise

    def view(self, image_topic: str, info_topic: str) -> View:
        """Return the view; raise FrameError where there is none."""
        if (view := self._view) is None:
            reason = self._error or f"no message on {info_topic} yet"
            raise FrameError(f"{image_topic}: its camera is not known: {reason}")
        return view


def _fingerprint(camera_info: Any) -> object:
    """Return something that is equal for CameraInfo of equal content, stamps aside."""
    info, roi = camera_info, camera_info.roi
    arrays = [getattr(info, n, getattr(info, n.upper(), None)) for n in "dkrp"]
    window = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    return (
        (info.width, info.height, info.binning_x, info.binning_y, window),
        info.distortion_model,
        *(np.asarray(a).tobytes() for a in arrays),
    )
