# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rectification of the images of one camera, by its CameraInfo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CameraError, FrameError
from jasmine_core.geometry.camera import Calibration, Camera, Rectifier
from jasmine_ros.msgs.camera_info import calibration_of, without_K
from jasmine_ros.msgs.encodings import RgbImage
from jasmine_ros.msgs.types import CameraInfo


@dataclass(frozen=True)
class View:
    """Rectification for one CameraInfo."""

    camera: Camera  # of the rectified image
    tx: float  # [px m] P[0,3], not zero for the right camera of a stereo pair
    raw: Calibration | None  # of the published image; None if that is rectified already
    topics: tuple[str, str]  # of the images and of the CameraInfo, for error messages
    decision: str = ""  # whether the images are rectified, and why, as text

    @cached_property
    def rectifier(self) -> Rectifier | None:
        """Return the rectifier of the images, None if they are rectified already.

        It is built for the first image of the expected size and not for the CameraInfo, which may
        claim any size and would make the maps take gigabytes.

        Raises:
            CameraError: the calibration does not describe a pinhole camera.
        """
        if self.raw is None:
            return None
        try:
            return Rectifier(self.raw)
        except (cv2.error, ArithmeticError, ValueError) as err:
            raise CameraError(
                f"{self.topics[1]}: images of this calibration cannot be rectified ({err}); "
                "calibrate the camera again"
            ) from err

    @cached_property
    def seen(self) -> NDArray[np.float32] | None:
        """Return 1 for each pixel [H,W] of the rectified image that the raw image covers, else 0.

        None if the raw image covers all pixels.
        """
        if self.rectifier is None or self.rectifier.valid.all():
            return None
        return np.asarray(self.rectifier.valid, np.float32)

    def __call__(self, image: RgbImage) -> RgbImage:
        """Return the rectified image [H,W,3]; raise FrameError if the image has another size."""
        width, height = self.camera.size
        if image.shape[:2] != (height, width):
            image_topic, info_topic = self.topics
            raise FrameError(
                f"{image_topic}: image is {image.shape[1]}x{image.shape[0]} px but its CameraInfo "
                f"on {info_topic} says {width}x{height} px; publish the CameraInfo of "
                "this size"
            )
        return self.rectifier(image) if self.rectifier else image


def view_from(
    camera_info: CameraInfo, image_topic: str, info_topic: str, mode: str = "auto"
) -> View:
    """Return the rectification for a CameraInfo.

    Args:
        camera_info: the message.
        image_topic: topic of the images.
        info_topic: topic of the CameraInfo, for error messages.
        mode: "always", "never", or "auto", which does not rectify if the image topic is named as
            a rectified one: image_proc publishes rectified images beside the CameraInfo of the raw
            camera, which includes its distortion.

    Raises:
        CameraError: a value of the CameraInfo is impossible.
    """
    calibration = calibration_of(camera_info, info_topic)
    named = is_rectified_name(image_topic)
    already = mode == "never" or (mode == "auto" and named)
    raw = calibration if not already and calibration.needs_rectification() else None
    if mode == "never":
        decision = "the images are taken as rectified (rectify is never)"
    elif already:
        decision = "the images are taken as rectified, because the topic has the word rect"
    elif raw:
        decision = f"the images are rectified with {info_topic}"
    else:
        decision = f"the images need no rectification according to {info_topic}"
    if without_K(camera_info):
        decision += ", where K is zero and P is used in its place"
    tx = float(calibration.P[0, 3])
    return View(calibration.rectified_camera, tx, raw, (image_topic, info_topic), decision)


def is_rectified_name(image_topic: str) -> bool:
    """Return whether an image topic is named as a rectified one.

    image_proc publishes image_rect and image_rect_color. Only whole words count: image_unrect,
    image_corrected and image_not_rectified are not rectified.
    """
    name = image_topic.removesuffix("/compressed").rpartition("/")[2]
    words = name.lower().split("_")
    return any(
        word in ("rect", "rectified") and before not in ("not", "non", "un", "no")
        for before, word in zip(["", *words], words, strict=False)
    )


class LatestView:
    """Rectification for the latest CameraInfo of a camera."""

    def __init__(self) -> None:
        self._view: View | None = None
        self._error = ""
        self._key: object = None

    def update(self, camera_info: CameraInfo, image_topic: str, info_topic: str, mode: str) -> None:
        """Build the view anew if the CameraInfo has changed; raise CameraError if it is invalid."""
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
        """Return the view; raise FrameError if no valid CameraInfo has arrived."""
        if (view := self._view) is None:
            reason = self._error or f"no message on {info_topic} yet"
            raise FrameError(f"{image_topic}: the camera has no calibration: {reason}")
        return view


def _fingerprint(camera_info: CameraInfo) -> object:
    """Return a value that is equal for two CameraInfo which differ only in their headers."""
    info, roi = camera_info, camera_info.roi
    arrays = [getattr(info, n, getattr(info, n.upper(), None)) for n in "dkrp"]
    window = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    return (
        (info.width, info.height, info.binning_x, info.binning_y, window),
        info.distortion_model,
        *(np.asarray(a).tobytes() for a in arrays),
    )
