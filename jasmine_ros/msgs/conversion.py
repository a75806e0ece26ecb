# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of images and clouds, with numpy alone or with cv_bridge and sensor_msgs_py."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jasmine_core.child import environment, python_command
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.msgs.encodings import MAX_PIXELS, Order, RgbImage
from jasmine_ros.msgs.images import decode, encode_image
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.point_clouds import make_cloud, pack_points
from jasmine_ros.msgs.types import CompressedImage, Header, Image, PointCloud2

# Samples per pixel of the encodings that cv_bridge and `images.decode` convert to equal bytes. The
# others do not go through cv_bridge: it rounds 16-bit samples instead of keeping their high byte,
# and refuses encodings without a channel order.
_SHARED = {
    **dict.fromkeys(("rgb8", "bgr8"), 3),
    **dict.fromkeys(("rgba8", "bgra8"), 4),
    **dict.fromkeys(("mono8", "bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8"), 1),
}

# Converts one image as the node does.
_CV_BRIDGE_TEST = """
import numpy
from cv_bridge import CvBridge
bridge = CvBridge()
message = bridge.cv2_to_imgmsg(numpy.zeros((4, 4, 3), numpy.uint8), "bgr8")
assert bridge.imgmsg_to_cv2(message, "rgb8").shape == (4, 4, 3)
"""
_CV_BRIDGE_TEST_TIMEOUT = 30.0  # [s] long enough for imports from a cold disk


class Conversion:
    """Conversion with numpy and OpenCV alone."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages

    def decode(
        self,
        message: Image | CompressedImage,
        topic: str,
        untagged: Order,
        intensities: IntensityRange | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> RgbImage:
        """Decode an `Image` or a `CompressedImage` to RGB [H,W,3]; see `images.decode`."""
        return decode(message, topic, untagged, intensities, max_pixels)

    def encode(self, header: Header, image: NDArray[Any], encoding: str) -> Image:
        """Build an `Image`; see `images.encode_image`."""
        return encode_image(self.messages, header, image, encoding)

    def cloud(self, header: Header, points: NDArray[np.float32], colours: RgbImage) -> PointCloud2:
        """Build a `PointCloud2`; see `point_clouds.make_cloud`."""
        return make_cloud(self.messages, header, points, colours)


class RosConversion(Conversion):
    """Conversion with cv_bridge and sensor_msgs_py; with numpy where one of them does not work.

    Args:
        messages: factory of the messages.
        warn: called once for each library that does not work.
    """

    def __init__(self, messages: Messages, warn: Callable[[str], None]) -> None:
        super().__init__(messages)
        self._bridge = self._create_cloud = None
        if reason := _cv_bridge_failure():
            warn(f"cv_bridge does not work ({reason}); images are converted with numpy")
        else:
            from cv_bridge import CvBridge  # type: ignore[import-not-found]

            self._bridge = CvBridge()
        try:
            from sensor_msgs_py.point_cloud2 import (  # type: ignore[import-not-found]
                create_cloud,
            )

            self._create_cloud = create_cloud
        except Exception as err:
            warn(f"sensor_msgs_py cannot be imported ({err}); clouds are converted with numpy")

    def decode(
        self,
        message: Image | CompressedImage,
        topic: str,
        untagged: Order,
        intensities: IntensityRange | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> RgbImage:
        """Decode an `Image` or a `CompressedImage` to RGB [H,W,3]."""
        samples = _SHARED.get(getattr(message, "encoding", ""))
        # cv_bridge shears an image if the padding of its rows is not a multiple of a pixel.
        if self._bridge and samples:
            raw = cast(Image, message)
            if raw.step == samples * raw.width and raw.width * raw.height <= max_pixels:
                # If cv_bridge fails, the conversion with numpy raises an error with a remedy.
                with contextlib.suppress(Exception):
                    return np.asarray(self._bridge.imgmsg_to_cv2(raw, "rgb8"), np.uint8)
        return super().decode(message, topic, untagged, intensities, max_pixels)

    def encode(self, header: Header, image: NDArray[Any], encoding: str) -> Image:
        """Build an `Image`."""
        if self._bridge is None:
            return super().encode(header, image, encoding)
        message: Image = self._bridge.cv2_to_imgmsg(np.ascontiguousarray(image), encoding, header)
        return message

    def cloud(self, header: Header, points: NDArray[np.float32], colours: RgbImage) -> PointCloud2:
        """Build a `PointCloud2`."""
        if self._create_cloud is None:
            return super().cloud(header, points, colours)
        fields, records = pack_points(self.messages, points, colours)
        # create_cloud takes the first side of an array as the width, so that rows would become
        # columns. It gets a flat array, and the cloud gets its shape afterwards.
        cloud: PointCloud2 = self._create_cloud(header, fields, records.reshape(-1))
        cloud.height, cloud.width = records.shape
        cloud.row_step = cloud.point_step * cloud.width
        return cloud


@cache
def _cv_bridge_failure() -> str:
    """Return why cv_bridge cannot be used, or an empty string if it works.

    It is tested in another process: a cv_bridge that was built for another major version of NumPy
    can be imported, and the first image that it converts then ends the process.
    """
    if find_spec("cv_bridge") is None:
        return "No module named 'cv_bridge'"
    try:
        test = subprocess.run(
            python_command(_CV_BRIDGE_TEST),
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CV_BRIDGE_TEST_TIMEOUT,
        )
    except (OSError, subprocess.SubprocessError) as err:
        return str(err)
    if test.returncode < 0:
        return f"it crashes with NumPy {np.__version__}; it was probably built for another version"
    return test.stderr.strip().rpartition("\n")[2] if test.returncode else ""
