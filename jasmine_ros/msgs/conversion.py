# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images and clouds between messages and numpy: by ourselves, or by ROS's own libraries."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_ros.msgs.images import Order, RgbImage, decode, encode_image
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.point_clouds import make_cloud, pack_points

# What cv_bridge and we turn into the same bytes, with the samples of a pixel. The rest is ours: it
# rounds 16-bit samples instead of keeping their high byte, and refuses untagged ones.
_SHARED = {
    **dict.fromkeys(("rgb8", "bgr8"), 3),
    **dict.fromkeys(("rgba8", "bgra8"), 4),
    **dict.fromkeys(("mono8", "bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8"), 1),
}

# Converts one image, as the node would.
_TRIAL = """
import numpy
from cv_bridge import CvBridge
bridge = CvBridge()
message = bridge.cv2_to_imgmsg(numpy.zeros((4, 4, 3), numpy.uint8), "bgr8")
assert bridge.imgmsg_to_cv2(message, "rgb8").shape == (4, 4, 3)
"""
_TRIAL_TIME = 30.0  # [s] for imports from a cold disk


class Conversion:
    """Convert with numpy and OpenCV alone."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages

    def decode(self, message: Any, topic: str, untagged: Order) -> RgbImage:
        """Return the image in an `Image` or a `CompressedImage`; see `images.decode`."""
        return decode(message, topic, untagged)

    def encode(self, header: Any, image: NDArray[Any], encoding: str) -> Any:
        """Build an `Image`; see `images.encode_image`."""
        return encode_image(self.messages, header, image, encoding)

    def cloud(self, header: Any, points: NDArray[np.float32], colours: RgbImage) -> Any:
        """Build a `PointCloud2`; see `clouds.make_cloud`."""
        return make_cloud(self.messages, header, points, colours)


class RosConversion(Conversion):
    """Convert with cv_bridge and sensor_msgs_py, each where it imports and can; else as above."""

    def __init__(self, messages: Messages, warn: Callable[[str], None]) -> None:
        super().__init__(messages)
        self._bridge = self._create_cloud = None
        if trouble := _trouble_with_cv_bridge():
            warn(f"cv_bridge does not work here ({trouble}); images go through numpy")
        else:
            from cv_bridge import CvBridge  # type: ignore[import-not-found]

            self._bridge = CvBridge()
        try:
            from sensor_msgs_py.point_cloud2 import (  # type: ignore[import-not-found]
                create_cloud,
            )

            self._create_cloud = create_cloud
        except Exception as err:
            warn(f"sensor_msgs_py does not import ({err}); clouds go through numpy")

    def decode(self, message: Any, topic: str, untagged: Order) -> RgbImage:
        """Return the image in an `Image` or a `CompressedImage`."""
        samples = _SHARED.get(getattr(message, "encoding", ""))
        # With padding that is no multiple of a pixel, cv_bridge shears the image.
        if self._bridge and samples and message.step == samples * message.width:
            # What is wrong with an image, our own conversion says better.
            with contextlib.suppress(Exception):
                return np.asarray(self._bridge.imgmsg_to_cv2(message, "rgb8"), np.uint8)
        return super().decode(message, topic, untagged)

    def encode(self, header: Any, image: NDArray[Any], encoding: str) -> Any:
        """Build an `Image`."""
        if self._bridge is None:
            return super().encode(header, image, encoding)
        return self._bridge.cv2_to_imgmsg(np.ascontiguousarray(image), encoding, header)

    def cloud(self, header: Any, points: NDArray[np.float32], colours: RgbImage) -> Any:
        """Build a `PointCloud2`."""
        if self._create_cloud is None:
            return super().cloud(header, points, colours)
        fields, packed = pack_points(self.messages, points, colours)
        # create_cloud takes an array's first side for the width: rows become columns. So it gets
        # a plain list of points, and the cloud its shape afterwards.
        cloud = self._create_cloud(header, fields, packed.reshape(-1))
        cloud.height, cloud.width = packed.shape
        cloud.row_step = cloud.point_step * cloud.width
        return cloud


@cache
def _trouble_with_cv_bridge() -> str:
    """Return why cv_bridge is of no use, empty where it is.

    Another process tries it: built for another major version of NumPy it imports without an error,
    and the first image that it converts ends the process.
    """
    if find_spec("cv_bridge") is None:
        return "No module named 'cv_bridge'"
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        trial = subprocess.run(
            [sys.executable, "-c", _TRIAL],
            env={**os.environ, **path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TRIAL_TIME,
        )
    except (OSError, subprocess.SubprocessError) as err:
        return str(err)
    if trial.returncode < 0:
        return f"it crashes with NumPy {np.__version__}, as one that was built for another does"
    return trial.stderr.strip().rpartition("\n")[2] if trial.returncode else ""
