# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images inside a page: JPEG of a bounded size as data URIs, and maps in false colours."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

RgbImage = NDArray[np.uint8]

WIDTH, THUMBNAIL = 720, 300  # [px] of an image at most
LARGEST = 120_000  # [bytes] of an encoded image
_QUALITIES = (85, 70, 50)
_UNKNOWN = (70, 70, 70)  # RGB of pixels without a value


def data_uri(image: NDArray[Any], width: int = WIDTH) -> str:
    """Return a grey [H,W] or RGB [H,W,3] uint8 image as a JPEG data URI of at most `LARGEST` bytes.

    An image wider than `width` [px], or higher than twice that, is reduced. One with so much detail
    that no quality suffices is reduced further.
    """
    pixels = np.asarray(image, np.uint8)
    if pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
    factor = min(1.0, width / pixels.shape[1], 2 * width / pixels.shape[0])
    while True:
        shown = _reduced(pixels, factor)
        for quality in _QUALITIES:
            encoded, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if not encoded:
                raise ValueError(f"an image of {pixels.shape} cannot be encoded as JPEG")
            if data.size <= LARGEST:
                return f"data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}"
        factor /= 2


def _reduced(pixels: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    if factor >= 1:
        return pixels
    height, width = pixels.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def paint(
    values: NDArray[Any], low: float, high: float, colours: int = cv2.COLORMAP_VIRIDIS
) -> RgbImage:
    """Return a map [H,W] as RGB [H,W,3]: colours from `low` to `high`, grey where it is NaN."""
    known = np.isfinite(values)
    level = np.clip((np.where(known, values, low) - low) / max(high - low, 1e-12), 0, 1)
    painted = cv2.applyColorMap((255 * level).astype(np.uint8), colours)
    shown = np.asarray(cv2.cvtColor(painted, cv2.COLOR_BGR2RGB), np.uint8)
    shown[~known] = _UNKNOWN
    return shown


def resized(image: RgbImage, like: NDArray[Any]) -> RgbImage:
    """Return an image [h,w,3] in the size of another one [H,W,...]."""
    height, width = like.shape[:2]
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
