# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG files in `sensor_msgs/CompressedImage`."""

from __future__ import annotations

import cv2
import numpy as np

from jasmine_core.errors import FrameError
from jasmine_core.image_files import MAX_SCANS, scan_count, size_in_header
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
