# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images in messages: each encoding of `sensor_msgs/Image`, JPEG and PNG to RGB uint8 [H,W,3].

A decoded image may share the memory of its message; treat it as read-only.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.messages import Messages

RgbImage = NDArray[np.uint8]
Order = Literal["rgb", "bgr"]


class _Packing(NamedTuple):
    """One plane of pixels: bytes per sample, samples per pixel, and cv2's way to RGB if any."""

    depth: int
    channels: int
    code: int | None


# ROS spells a Bayer mosaic from its first pixel, OpenCV from the second pixel of the second row.
# (Its four-letter names, which agree with ROS, came after the 4.5.4 of Humble.)
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
_PACKED = {
    **{f"{name}8": _Packing(1, *colour) for name, colour in _COLOURS.items()},
    **{f"{name}16": _Packing(2, *colour) for name, colour in _COLOURS.items()},
    "uyvy": _Packing(1, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": _Packing(1, 2, cv2.COLOR_YUV2RGB_UYVY),  # the name before Iron
    "yuyv": _Packing(1, 2, cv2.COLOR_YUV2RGB_YUY2),
    "yuv422_yuy2": _Packing(1, 2, cv2.COLOR_YUV2RGB_YUY2),  # the name before Iron
}
_HALVED = {"nv21": cv2.COLOR_YUV2RGB_NV21, "nv12": cv2.COLOR_YUV2RGB_NV12}

# What `encode_image` writes: dtype and channels.
_WRITTEN: dict[str, tuple[str, int]] = {
    "rgb8": ("u1", 3),
    "mono8": ("u1", 1),
    "16UC1": ("<u2", 1),
    "32FC1": ("<f4", 1),
}

MAX_PIXELS = 1 << 26  # 64 Mpx: a header that claims more is damaged or hostile


def decode(msg: Any, topic: str = "image", untagged: Order = "bgr") -> RgbImage:
    """Return the image in an `Image` or a `CompressedImage`."""
    if hasattr(msg, "encoding"):
        return decode_image(msg, topic, untagged)
    return decode_compressed(msg, topic)


def decode_image(msg: Any, topic: str = "image", untagged: Order = "bgr") -> RgbImage:
    """Return the image in a `sensor_msgs/Image`.

    16-bit samples keep their high byte; alpha is dropped; YUV is BT.601 with studio swing, as in
    OpenCV. `untagged` is the channel order of 8UC3, 8UC4 and their 16-bit kin, which name none
    (OpenCV writes bgr).
    """
    width, height = int(msg.width), int(msg.height)
    if width < 1 or height < 1:
        raise FrameError(f"{topic}: image is {width}x{height} px; check the camera driver")
    if msg.encoding in _HALVED:
        _need_even(topic, msg.encoding, width=width, height=height)
        planes = _rows(msg, topic, height * 3 // 2, width)
        return _convert(planes, _HALVED[msg.encoding], topic)
    if msg.encoding == "nv24":
        return _decode_nv24(msg, topic, width, height)

    packing = _packing(msg.encoding, topic, untagged)
    if packing.channels == 2:
        _need_even(topic, msg.encoding, width=width)
    rows = _rows(msg, topic, height, width * packing.channels * packing.depth)
    wire = np.dtype(f"{'>' if msg.is_bigendian else '<'}u{packing.depth}")
    pixels = rows.view(wire).reshape(height, width, packing.channels)  # [H,W,C]
    pixels = np.require(pixels, wire.newbyteorder("="), ["ALIGNED"])  # a message may start anywhere
    if msg.encoding.startswith("bayer"):
        _need_mosaic(topic, pixels)
    image = _convert(pixels, packing.code, topic)
    return image if packing.depth == 1 else (image >> 8).astype(np.uint8)


def decode_compressed(msg: Any, topic: str = "image") -> RgbImage:
    """Return the image in a `sensor_msgs/CompressedImage`: JPEG or PNG, told by its content.

    The colours are those the file itself declares: what publishers write after "compressed" in
    `format` is often wrong. EXIF orientation is ignored, for K belongs to the raster as stored.
    """
    data = bytes(msg.data)
    encoding, _, transport = (part.strip() for part in msg.format.partition(";"))
    if "compressedDepth" in msg.format or _is_measurement(encoding):
        raise FrameError(
            f"{topic}: format {msg.format!r} carries depth, not an image; "
            "give the topic of a colour or grey camera"
        )
    size = _size_in_header(data)
    if size is None:
        raise FrameError(
            f"{topic}: {len(data)} bytes of format {msg.format!r} are no complete JPEG or PNG; "
            "check the link, or publish one of these"
        )
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise FrameError(
            f"{topic}: {len(data)} bytes announce {size[0]}x{size[1]} px, not between 1 px and "
            f"{MAX_PIXELS >> 20} Mpx; check the camera driver"
        )
    # The PNG transport stores a Bayer mosaic as it is and names no colour after "compressed".
    mosaic = encoding.startswith("bayer") and transport.endswith("compressed")
    code = _packing(encoding, topic).code if mosaic else cv2.COLOR_BGR2RGB
    mode = cv2.IMREAD_GRAYSCALE if mosaic else cv2.IMREAD_COLOR
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), mode | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise FrameError(
            f"{topic}: {len(data)} bytes of format {msg.format!r} are damaged; check the link"
        )
    if mosaic:
        _need_mosaic(topic, pixels)
    return _convert(pixels, code, topic)


def decode_depth(msg: Any, topic: str = "depth") -> NDArray[np.float32]:
    """Return the depth [H,W] in metres of a 32FC1 or 16UC1 `Image` (REP 118), NaN where unknown."""
    wire = {"32FC1": "f4", "16UC1": "u2", "mono16": "u2"}.get(msg.encoding)
    if wire is None:
        raise FrameError(f"{topic}: encoding {msg.encoding!r} is no depth; expected 32FC1 or 16UC1")
    dtype = np.dtype(f"{'>' if msg.is_bigendian else '<'}{wire}")
    width, height = int(msg.width), int(msg.height)
    rows = np.ascontiguousarray(_rows(msg, topic, height, width * dtype.itemsize))
    values = rows.view(dtype).reshape(height, width)
    if wire == "f4":
        return values.astype(np.float32)
    return np.where(values > 0, values * np.float32(1e-3), np.float32(np.nan))


def encode_image(messages: Messages, header: Any, image: NDArray[Any], encoding: str) -> Any:
    """Build a `sensor_msgs/Image` of rgb8 [H,W,3], mono8, 16UC1 (mm) or 32FC1 (m) [H,W] (REP 118).

    The message shares the image's memory where the messages in use can.
    """
    dtype, channels = _WRITTEN[encoding]
    shape = image.shape[:2] + ((channels,) if channels > 1 else ())
    if image.shape != shape or image.dtype != np.dtype(dtype).newbyteorder("="):
        raise ValueError(f"{encoding} needs {dtype} {shape}, got {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    return messages.make(
        "sensor_msgs/msg/Image",
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=width * channels * image.itemsize,
        data=np.ascontiguousarray(image, dtype).view(np.uint8),
    )


def _packing(encoding: str, topic: str, untagged: Order = "bgr") -> _Packing:
    if _is_measurement(encoding):
        raise FrameError(
            f"{topic}: encoding {encoding!r} is depth or another measurement and never taken for "
            "brightness; give the topic of a colour or grey camera, or tag it mono16"
        )
    name = encoding
    if generic := re.fullmatch(r"(8|16)UC([134])?", encoding):
        bits, channels = generic.groups(default="1")
        name = {"1": "mono", "3": untagged, "4": f"{untagged}a"}[channels] + bits
    if name not in _PACKED:
        raise FrameError(
            f"{topic}: encoding {encoding!r} is not known; convert it to rgb8 (image_proc does)"
        )
    return _PACKED[name]


def _is_measurement(encoding: str) -> bool:
    """Tell encodings of numbers from those of light; 16UC1 and 32FC1 are depth (REP 118)."""
    return re.fullmatch(r"16UC1?|(8|16|32|64)[SF]C\d*", encoding) is not None


def _rows(
    msg: Any, topic: str, count: int, length: int, step: int | None = None, start: int = 0
) -> RgbImage:
    """Return `count` rows of `length` bytes, `step` apart; the last one may lack its padding.

    Only padded rows are copied.
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
            f"with step {msg.step} need {need}; the message was cut or its size is wrong"
        )
    if step == length:
        return data[start:need].reshape(count, length)
    return np.lib.stride_tricks.as_strided(data[start:], (count, length), (step, 1)).copy()


def _decode_nv24(msg: Any, topic: str, width: int, height: int) -> RgbImage:
    """Read nv24 as uyvy in which every pixel is written twice, for cv2 has no nv24."""
    step = int(msg.step)
    y = _rows(msg, topic, height, width)  # [H,W]
    uv = _rows(msg, topic, height, 2 * width, 2 * step, start=height * step)
    u, v = uv[:, 0::2], uv[:, 1::2]
    uyvy = np.stack([u, y, v, y], axis=-1).reshape(height, 2 * width, 2)
    return np.ascontiguousarray(_convert(uyvy, cv2.COLOR_YUV2RGB_UYVY, topic)[:, ::2])


def _convert(pixels: NDArray[Any], code: int | None, topic: str) -> NDArray[Any]:
    if code is None:
        return pixels
    try:
        return np.asarray(cv2.cvtColor(pixels, code))
    except cv2.error as error:  # as 4.5.4 does for a single pixel
        raise FrameError(
            f"{topic}: OpenCV cannot convert an array of {pixels.shape}; check the camera driver"
        ) from error


def _need_even(topic: str, encoding: str, **sides: int) -> None:
    if odd := [f"{name} {side}" for name, side in sides.items() if side % 2]:
        raise FrameError(
            f"{topic}: {encoding} gives two pixels one colour, but {' and '.join(odd)} is odd; "
            "check the camera driver"
        )


def _need_mosaic(topic: str, pixels: NDArray[Any]) -> None:
    height, width = pixels.shape[:2]
    if width < 3 or height < 3:  # cv2 would return black
        raise FrameError(
            f"{topic}: a Bayer image of {width}x{height} px has no colours; use 3x3 px or more"
        )


def _size_in_header(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG or PNG that has its end, else None.

    cv2 fills the missing part of a cut JPEG with grey and says nothing.
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
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # stands alone, or fills
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = width, height
        if marker == 0xDA:  # start of scan: from here on only the end of image is written FF D9
            return size if b"\xff\xd9" in data[at:] else None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    at = 8
    while at + 12 <= len(data):  # length, name and checksum of a chunk
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IEND":
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        at += 12 + length
    return None
