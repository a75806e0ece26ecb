# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pixel encodings of `sensor_msgs/Image` and their conversion to RGB."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_core.runtime.intensity_range import IntensityRange

MAX_PIXELS = 1 << 24  # 16 Mpx, the default limit of an image

RgbImage = NDArray[np.uint8]  # [H,W,3]
Order = Literal["rgb", "bgr"]


class Packing(NamedTuple):
    """Layout of an encoding whose samples lie in one plane."""

    depth: int  # [bytes] of a sample
    channels: int  # samples of a pixel
    code: int | None  # cv2.cvtColor code that gives RGB; None for RGB itself


# ROS names a Bayer mosaic after its first pixels, OpenCV after the second pixel of the second row.
# OpenCV's four-letter names, which agree with ROS, are newer than the OpenCV 4.5.4 of Humble.
_COLOURS: dict[str, tuple[int, int | None]] = {
    "rgb": (3, None),
    "bgr": (3, cv2.COLOR_BGR2RGB),
    "rgba": (4, cv2.COLOR_RGBA2RGB),
    "bgra": (4, cv2.COLOR_BGRA2RGB),
    "mono": (1, cv2.COLOR_GRAY2RGB),
    "bayer_rggb": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg": (1, cv2.COLOR_BayerGB2RGB),
}
_PACKINGS = {
    **{f"{name}8": Packing(1, *colour) for name, colour in _COLOURS.items()},
    **{f"{name}16": Packing(2, *colour) for name, colour in _COLOURS.items()},
    "uyvy": Packing(1, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": Packing(1, 2, cv2.COLOR_YUV2RGB_UYVY),  # the name before Iron
    "yuyv": Packing(1, 2, cv2.COLOR_YUV2RGB_YUY2),
    "yuv422_yuy2": Packing(1, 2, cv2.COLOR_YUV2RGB_YUY2),  # the name before Iron
}


def packing_of(encoding: str, topic: str, untagged: Order = "bgr") -> Packing:
    """Return the layout of an encoding.

    `untagged` is the channel order of 8UC3, 8UC4, 16UC3 and 16UC4, which do not name one.

    Raises:
        FrameError: the encoding is unknown, or one of measurements instead of colours.
    """
    if is_measurement(encoding):
        raise FrameError(
            f"{topic}: encoding {encoding!r} holds depth or another measurement, not colours; "
            "give the topic of a colour or grey camera, or publish grey images as mono16 (for "
            "grey values in 16UC1 on a topic named after depth set the parameter bits)"
        )
    name = encoding
    if generic := re.fullmatch(r"(8|16)UC([134])?", encoding):
        bits, channels = generic.groups(default="1")
        name = {"1": "mono", "3": untagged, "4": f"{untagged}a"}[channels] + bits
    if name not in _PACKINGS:
        raise FrameError(
            f"{topic}: encoding {encoding!r} is not known; convert it to rgb8 (image_proc does)"
        )
    return _PACKINGS[name]


def is_measurement(encoding: str) -> bool:
    """Return whether an encoding is one of measurements: 16UC1 and 32FC1 are depth (REP 118)."""
    return re.fullmatch(r"16UC1?|(8|16|32|64)[SF]C\d*", encoding) is not None


def require_pixels(width: int, height: int, most: int, topic: str) -> None:
    """Raise FrameError if an image has no pixels or more than `most`."""
    if width < 1 or height < 1:
        raise FrameError(f"{topic}: image is {width}x{height} px; check the camera driver")
    if width * height > most:
        raise FrameError(
            f"{topic}: image is {width}x{height} px, more than max_image_pixels {most}; reduce "
            "the image, or raise max_image_pixels"
        )


def encoding_of(encoding: str, intensities: IntensityRange | None, topic: str) -> str:
    """Return mono16 for 16UC1 that holds grey values, as of thermal cameras, else `encoding`.

    16UC1 is also the encoding of depth in millimetres. It holds depth if the topic is named after
    depth or disparity and no number of bits is set, or if no range of intensities is looked for.
    """
    if intensities is None or encoding not in ("16UC1", "16UC"):
        return encoding
    if not intensities.given:
        if names_depth(topic):
            return encoding
        intensities.ambiguous = True
    return "mono16"


def names_depth(topic: str) -> bool:
    """Return whether the name of a topic says that it holds depth or disparity."""
    return "depth" in topic.lower() or "disparity" in topic.lower()


def to_8_bits(image: NDArray[Any], intensities: IntensityRange | None) -> RgbImage:
    """Return an image [H,W,3] with samples of 8 bits; of 16 bits without a range the high byte."""
    if image.dtype == np.uint8:
        return image
    if intensities is None:
        return (image >> 8).astype(np.uint8)
    intensities.add(image)
    return intensities.to_8_bits(image)


def convert_colours(pixels: NDArray[Any], code: int | None, topic: str) -> NDArray[Any]:
    """Apply a cv2.cvtColor code; raise FrameError if OpenCV refuses the array."""
    if code is None:
        return pixels
    try:
        return np.asarray(cv2.cvtColor(pixels, code))
    except cv2.error as error:  # OpenCV 4.5.4 refuses an image of a single pixel
        raise FrameError(
            f"{topic}: OpenCV cannot convert an array of {pixels.shape}; check the camera driver"
        ) from error


def require_mosaic_size(pixels: NDArray[Any], topic: str) -> None:
    """Raise FrameError if a Bayer image is too small, for which OpenCV would return black."""
    height, width = pixels.shape[:2]
    if width < 3 or height < 3:
        raise FrameError(
            f"{topic}: a Bayer image of {width}x{height} px has no colours; use 3x3 px or more"
        )
