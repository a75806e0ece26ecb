# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the pictures of one camera become rectified ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_core.geometry.camera import Camera, Rectifier
from jasmine_ros.images import Picture
from jasmine_ros.messages import calibration_of


@dataclass(frozen=True)
class View:
    """Undistort the pictures of one camera."""

    camera: Camera  # of the rectified picture
    tx: float  # [px m] P[0,3], not zero for the right camera of a stereo pair
    rectifier: Rectifier | None
    topics: tuple[str, str]  # of the pictures and of their CameraInfo, for messages to people

    @cached_property
    def seen(self) -> NDArray[np.float32] | None:
        """Return 1 for the pixels [H,W] of the rectified picture that the lens saw, 0 for others.

        None where every pixel was seen.
        """
        if self.rectifier is None or self.rectifier.valid.all():
            return None
        return np.asarray(self.rectifier.valid, np.float32)

    def __call__(self, picture: Picture) -> Picture:
        """Return the rectified picture; raise FrameError if it is of another size."""
        width, height = self.camera.size
        if picture.shape[:2] != (height, width):
            image, info = self.topics
            raise FrameError(
                f"{image}: picture is {picture.shape[1]}x{picture.shape[0]} px but its CameraInfo "
                f"on {info} says {width}x{height} px; publish the CameraInfo of this picture's size"
            )
        return self.rectifier(picture) if self.rectifier else picture


def view_from(camera_info: Any, image_topic: str, info_topic: str, mode: str = "auto") -> View:
    """Make the view of a camera from its CameraInfo; raise CameraError if that cannot be used.

    `mode` is "always", "never", or "auto": unless the picture's own topic is named *rect*, for
    image_proc's rectified topics share the raw camera's CameraInfo, distortion included.
    """
    calibration = calibration_of(camera_info, info_topic)
    name = image_topic.removesuffix("/compressed").rpartition("/")[2]
    already = mode == "never" or (mode == "auto" and "rect" in name)
    needed = not already and calibration.needs_rectification()
    rectifier = Rectifier(calibration) if needed else None
    tx = float(calibration.P[0, 3])
    return View(calibration.rectified_camera, tx, rectifier, (image_topic, info_topic))
