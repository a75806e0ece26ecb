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
    MAX_PIXELS,
    RgbImage,
    convert_colours,
    encoding_of,
    is_measurement,
    packing_of,
    require_mosaic_size,
    require_pixels,
    to_8_bits,
)
from jasmine_ros.msgs.types import CompressedImage
from jasmine_ros.msgs.video import codec_of, republish

# Scans of a JPEG: encoders write about 10 in a progressive one. Each costs as much as an image, but
# may have only some bytes.
MAX_SCANS = 32


def decode_compressed(
    msg: CompressedImage,
    topic: str = "image",
    intensities: IntensityRange | None = None,
    max_pixels: int = MAX_PIXELS,
) -> RgbImage:
    """Decode a `sensor_msgs/CompressedImage` to RGB [H,W,3].

    The content decides between JPEG and PNG, and the file alone about its colours: the text that
    publishers write after "compressed" in `format` is often wrong. EXIF orientation is ignored,
    because K belongs to the raster as it is stored. `intensities` and
    `max_pixels` are used as in `decode_image`.

    Raises:
        FrameError: the data is not a complete JPEG or PNG, is too large, or holds depth.
    """
    data = bytes(msg.data)
    encoding, _, transport = (part.strip() for part in msg.format.partition(";"))
    encoding = encoding_of(encoding, intensities, topic)
    if "compressedDepth" in msg.format or is_measurement(encoding):
        raise FrameError(
            f"{topic}: format {msg.format!r} holds depth, not an image; "
            "give the topic of a colour or grey camera"
        )
    size = size_in_header(data)
    if size is None and (codec := codec_of(msg.format)):
        raise FrameError(
            f"{topic}: format {msg.format!r} is a video stream of {codec}, which is not decoded; "
            f"{republish('ffmpeg')}"
        )
    if size is None:
        raise FrameError(
            f"{topic}: {len(data)} bytes of format {msg.format!r} are not a complete JPEG or PNG; "
            "check the connection, or publish one of these formats"
        )
    require_pixels(*size, max_pixels, topic)
    if (scans := scan_count(data)) > MAX_SCANS:
        raise FrameError(
            f"{topic}: the JPEG has {scans} scans, more than {MAX_SCANS}; publish a baseline JPEG"
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
        header = _jpeg_header(data)
        return header and header[0]
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return _png_size(data)
    return None


def scan_count(data: bytes) -> int:
    """Return the number of scans of a JPEG file, at most too large; 0 for other files.

    In the data of a scan FF is followed by 00 or a restart marker, so that FF DA begins a scan.
    """
    header = _jpeg_header(data) if data.startswith(b"\xff\xd8") else None
    return data.count(b"\xff\xda", header[1]) if header else 0


def _jpeg_header(data: bytes) -> tuple[tuple[int, int], int] | None:
    """Return (width, height) [px] and the place of the first scan of a complete JPEG file."""
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
            return (size, at) if size and data.find(b"\xff\xd9", at) >= 0 else None
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
