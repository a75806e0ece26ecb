# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion between `sensor_msgs/Image` and arrays: colours to RGB, depth to metres.

A decoded image may share the memory of its message; treat it as read-only.
"""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.msgs.compressed_images import decode_compressed
from jasmine_ros.msgs.encodings import (
    MAX_PIXELS,
    Order,
    RgbImage,
    convert_colours,
    encoding_of,
    packing_of,
    require_mosaic_size,
    require_pixels,
    to_8_bits,
)
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.types import CompressedImage, Header, Image

# YUV with one pair of chroma samples for 2x2 pixels, in a second plane.
_HALVED = {"nv21": cv2.COLOR_YUV2RGB_NV21, "nv12": cv2.COLOR_YUV2RGB_NV12}

# Dtype and channels of the encodings that `encode_image` writes.
_WRITTEN: dict[str, tuple[str, int]] = {
    "rgb8": ("u1", 3),
    "mono8": ("u1", 1),
    "16UC1": ("<u2", 1),
    "32FC1": ("<f4", 1),
}


def decode(
    msg: Image | CompressedImage,
    topic: str = "image",
    untagged: Order = "bgr",
    intensities: IntensityRange | None = None,
    max_pixels: int = MAX_PIXELS,
) -> RgbImage:
    """Decode an `Image` or a `CompressedImage` to RGB [H,W,3]; see `decode_image`."""
    if hasattr(msg, "encoding"):
        return decode_image(cast(Image, msg), topic, untagged, intensities, max_pixels)
    return decode_compressed(msg, topic, intensities, max_pixels)


def decode_image(
    msg: Image,
    topic: str = "image",
    untagged: Order = "bgr",
    intensities: IntensityRange | None = None,
    max_pixels: int = MAX_PIXELS,
) -> RgbImage:
    """Decode a `sensor_msgs/Image` to RGB [H,W,3].

    Alpha is dropped, and YUV is BT.601 with studio swing, as in OpenCV.

    Args:
        msg: the message.
        topic: its topic, for error messages.
        untagged: channel order of 8UC3, 8UC4, 16UC3 and 16UC4, which do not name one; OpenCV
            writes bgr.
        intensities: range of 16-bit samples, which also measures this image; None keeps their high
            byte. With it 16UC1 holds intensities, unless the topic is named after depth and the
            bits are not set.
        max_pixels: largest number of pixels.

    Raises:
        FrameError: the encoding is not known, the image is too large, or the data does not fit
            size, step and encoding.
    """
    width, height = int(msg.width), int(msg.height)
    require_pixels(width, height, max_pixels, topic)
    if msg.encoding in _HALVED:
        _require_even(topic, msg.encoding, width=width, height=height)
        planes = _rows(msg, topic, height * 3 // 2, width)
        return convert_colours(planes, _HALVED[msg.encoding], topic)
    if msg.encoding == "nv24":
        return _decode_nv24(msg, topic, width, height)

    packing = packing_of(encoding_of(msg.encoding, intensities, topic), topic, untagged)
    if packing.channels == 2:
        _require_even(topic, msg.encoding, width=width)
    rows = _rows(msg, topic, height, width * packing.channels * packing.depth)
    wire = np.dtype(f"{'>' if msg.is_bigendian else '<'}u{packing.depth}")
    pixels = rows.view(wire).reshape(height, width, packing.channels)  # [H,W,C]
    # The data of a message may start at any address.
    pixels = np.require(pixels, wire.newbyteorder("="), ["ALIGNED"])
    if msg.encoding.startswith("bayer"):
        require_mosaic_size(pixels, topic)
    image = convert_colours(pixels, packing.code, topic)
    return to_8_bits(image, intensities)


def decode_depth(msg: Image, topic: str = "depth") -> NDArray[np.float32]:
    """Decode a 32FC1 (m) or 16UC1 (mm) `Image` to depth [H,W] m, NaN where unknown (REP 118)."""
    wire = {"32FC1": "f4", "16UC1": "u2", "mono16": "u2"}.get(msg.encoding)
    if wire is None:
        raise FrameError(
            f"{topic}: encoding {msg.encoding!r} is not depth; publish 32FC1 or 16UC1 (REP 118)"
        )
    dtype = np.dtype(f"{'>' if msg.is_bigendian else '<'}{wire}")
    width, height = int(msg.width), int(msg.height)
    rows = np.ascontiguousarray(_rows(msg, topic, height, width * dtype.itemsize))
    values = rows.view(dtype).reshape(height, width)
    if wire == "f4":
        return values.astype(np.float32)
    return np.where(values > 0, values * np.float32(1e-3), np.float32(np.nan))


def encode_image(messages: Messages, header: Header, image: NDArray[Any], encoding: str) -> Image:
    """Build a `sensor_msgs/Image` of rgb8 [H,W,3], mono8, 16UC1 (mm) or 32FC1 (m) [H,W] (REP 118).

    The message shares the memory of the image if `messages` can do that.

    Raises:
        ValueError: the array does not have the shape or dtype of the encoding.
    """
    dtype, channels = _WRITTEN[encoding]
    shape = image.shape[:2] + ((channels,) if channels > 1 else ())
    if image.shape != shape or image.dtype != np.dtype(dtype).newbyteorder("="):
        raise ValueError(f"{encoding} needs {dtype} {shape}, got {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    message: Image = messages.make(
        "sensor_msgs/msg/Image",
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=width * channels * image.itemsize,
        data=np.ascontiguousarray(image, dtype).view(np.uint8),
    )
    return message


def _rows(
    msg: Image, topic: str, count: int, length: int, step: int | None = None, start: int = 0
) -> NDArray[np.uint8]:
    """Return `count` rows of `length` bytes, `step` bytes apart, from byte `start` on.

    The padding after the last row may be missing. Only padded rows are copied.
    """
    data = np.frombuffer(msg.data, np.uint8)
    step = int(msg.step) if step is None else step
    if step < length:
        raise FrameError(
            f"{topic}: step {step} is less than the {length} bytes of a row of {msg.width} px "
            f"{msg.encoding}; check the camera driver"
        )
    need = start + (count - 1) * step + length
    if data.size < need:
        raise FrameError(
            f"{topic}: {data.size} bytes of data, but {msg.width}x{msg.height} px {msg.encoding} "
            f"with step {msg.step} need {need}; the message is truncated or its size is wrong"
        )
    if step == length:
        return data[start:need].reshape(count, length)
    return np.lib.stride_tricks.as_strided(data[start:], (count, length), (step, 1)).copy()


def _decode_nv24(msg: Image, topic: str, width: int, height: int) -> RgbImage:
    """Decode nv24, which OpenCV lacks, as uyvy in which every pixel is written twice."""
    step = int(msg.step)
    y = _rows(msg, topic, height, width)  # [H,W]
    uv = _rows(msg, topic, height, 2 * width, 2 * step, start=height * step)  # [H,2W]
    u, v = uv[:, 0::2], uv[:, 1::2]  # [H,W] each
    uyvy = np.stack([u, y, v, y], axis=-1).reshape(height, 2 * width, 2)
    rgb = convert_colours(uyvy, cv2.COLOR_YUV2RGB_UYVY, topic)  # [H,2W,3]
    return np.ascontiguousarray(rgb[:, ::2])


def _require_even(topic: str, encoding: str, **sides: int) -> None:
    if odd := [f"{name} {side}" for name, side in sides.items() if side % 2]:
        raise FrameError(
            f"{topic}: {encoding} gives two pixels one colour, but {' and '.join(odd)} is odd; "
            "check the camera driver"
        )
