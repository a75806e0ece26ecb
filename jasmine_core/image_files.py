# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""PNG and JPEG files: their size and cost are found in their headers before they are decoded.

Python opens the files, because OpenCV's own functions refuse names that are not UTF-8.
"""

from __future__ import annotations

import errno
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.files import atomic_file
from jasmine_core.store.members import File, read_file

# Scans of a JPEG: encoders write about 10 in a progressive one. Each costs as much as an image, but
# may have only some bytes.
MAX_SCANS = 32
MAX_PIXELS = 1 << 26
MAX_BYTES = 1 << 29  # of a file: 16-bit RGB images of MAX_PIXELS, not compressed, have fewer


def read_pixels(path: File, mode: int, data: bytes | None = None) -> NDArray[Any] | None:
    """Return the decoded pixels of a PNG or JPEG file as OpenCV orders them.

    Args:
        path: file, object or member of a packed data set.
        mode: flags of `cv2.imdecode`.
        data: content of the file, if it was read already.

    Returns:
        The pixels [H,W] or [H,W,C], or None if the file is not a complete PNG or JPEG. OpenCV would
        fill the missing part of a truncated JPEG with grey, without an error.

    Raises:
        OSError: the file cannot be read, is not a regular file, or costs too much to decode.
    """
    if data is None:
        data = read_file(path, MAX_BYTES)
    size = size_in_header(data)
    if size is None:
        return None
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(path, f"it has {size[0]}x{size[1]} px, {MAX_PIXELS} are read at most")
    if (scans := scan_count(data)) > MAX_SCANS:
        raise _too_large(path, f"it has {scans} scans, {MAX_SCANS} are read at most")
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    except cv2.error:
        return None


def _too_large(path: File, reason: str) -> OSError:
    return OSError(errno.EFBIG, reason, str(path))


def write_png(path: Path, pixels: NDArray[Any]) -> None:
    """Write pixels [H,W] or [H,W,3] in BGR order as a PNG file; the file appears when complete."""
    smallest = [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_STRATEGY, 1]  # 1: filtered
    # These flags make depth of 16 bits half as large, and take much longer.
    encoded, data = cv2.imencode(".png", pixels, smallest if pixels.dtype == np.uint16 else [])
    if not encoded:
        raise OSError(f"{path} cannot be encoded as PNG")
    with atomic_file(path) as temporary:
        temporary.write_bytes(data.tobytes())


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
