# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG files in `sensor_msgs/CompressedImage`."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from jasmine_core.errors import FrameError
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.msgs.encodings import (
    RgbImage,
    convert_colours,
    encoding_of,
    is_measurement,
    packing_of,
    require_mosaic_size,
    to_8_bits,
)
from jasmine_ros.msgs.types import CompressedImage

MAX_PIXELS = 1 << 26  # 64 Mpx: a header that announces more is damaged or hostile


def decode_compressed(
    msg: CompressedImage, topic: str = "image", intensities: IntensityRange | None = None
) -> RgbImage:
    """Decode a `sensor_msgs/CompressedImage` to RGB [H,W,3].

    The content decides between JPEG and PNG, and the file alone about its colours: the text that
    publishers write after "compressed" in `format` is often wrong. EXIF orientation is ignored,
    because K belongs to the raster as it is stored. `intensities` is used as in `decode_image`.

    Raises:
        FrameError: the data is not a complete JPEG or PNG, is too large, or holds depth.
    """
    data = bytes(msg.data)
    encoding, _, transport = (part.strip() for part in msg.format.partition(";"))
    encoding = encoding_of(encoding, intensities)
    if "compressedDepth" in msg.format or is_measurement(encoding):
        raise FrameError(
            f"{topic}: format {msg.format!r} holds depth, not an image; "
            "give the topic of a colour or grey camera"
        )
    size = size_in_header(data)
    if size is None:
        raise FrameError(
            f"{topic}: {len(data)} bytes of format {msg.format!r} are not a complete JPEG or PNG; "
            "check the connection, or publish one of these formats"
        )
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise FrameError(
            f"{topic}: {len(data)} bytes announce {size[0]}x{size[1]} px, not between 1 px and "
            f"{MAX_PIXELS >> 20} Mpx; check the camera driver"
        )
    # The PNG transport stores a Bayer mosaic unchanged and then names no colour after "compressed".
    mosaic = encoding.startswith("bayer") and transport.endswith("compressed")
    code = packing_of(encoding, topic).code if mosaic else cv2.COLOR_BGR2RGB
    mode = cv2.IMREAD_GRAYSCALE if mosaic else cv2.IMREAD_COLOR
    mode |= cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise FrameError(
            f"{topic}: {len(data)} bytes of format {msg.format!r} cannot be decoded as an image; "
            "check the connection"
        )
    if mosaic:
        require_mosaic_size(pixels, topic)
    return to_8_bits(convert_colours(pixels, code, topic), intensities)


def size_in_header(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) [px] of a complete JPEG or PNG file, else None.

    OpenCV would fill the missing part of a truncated JPEG with grey, without an error.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return _png_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at, size = 2, None
    while (at := data.find(b"\xff", at)) >= 0 and at + 9 <= len(data):
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # a marker without a segment
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of frame
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = width, height
        if marker == 0xDA:  # start of scan: in what follows, FF D9 is the end of the image only
            return size if b"\xff\xd9" in data[at:] else None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    at = 8
    while at + 12 <= len(data):  # a chunk has at least its length, name and checksum
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IEND":
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        at += 12 + length
    return None
