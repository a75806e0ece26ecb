# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`sensor_msgs/Image` messages in every encoding, with the layouts that drivers may choose."""

from __future__ import annotations

import re
from array import array

import numpy as np
from hypothesis import strategies as st

from jasmine_ros.bags.rosbags_messages import RosbagsMessages

MESSAGES = RosbagsMessages()

# Channel order in a message, as indices into (r, g, b, alpha).
ORDERS = {"rgb": [0, 1, 2], "bgr": [2, 1, 0], "rgba": [0, 1, 2, 3], "bgra": [2, 1, 0, 3]}
PATTERNS = ["rggb", "bggr", "gbrg", "grbg"]
YUV_422 = ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"]
YUV = [*YUV_422, "nv12", "nv21", "nv24"]
TAGGED = [f"{name}{bits}" for name in [*ORDERS, "mono"] for bits in (8, 16)]
UNTAGGED = [f"{bits}UC{channels}" for bits in (8, 16) for channels in (3, 4)]
BAYER = [f"bayer_{pattern}{bits}" for pattern in PATTERNS for bits in (8, 16)]
EVERY = [*TAGGED, *UNTAGGED, "8UC1", *YUV, *BAYER]


@st.composite
def layouts(draw):
    """Draw a padding, byte order, end and container for the same pixels."""
    return {
        "padding": draw(st.integers(0, 5)),
        "big": draw(st.booleans()),
        "short": draw(st.booleans()),
        "container": draw(
            st.sampled_from([np.asarray, bytes, bytearray, memoryview, lambda b: array("B", b)])
        ),
    }


def lay_out(rows, padding=0, big=False, short=False):
    """Return samples [H,N] as bytes and their step; `short` omits the padding of the last row."""
    wire_type = rows.dtype.newbyteorder(">" if big else "<")
    rows = rows.astype(wire_type, order="C").view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xA5)
    wire = padded.tobytes()
    return wire[: len(wire) - padding] if short else wire, padded.shape[1]


def image(encoding, width, height, rows, container=bytes, **layout):
    """Build an image from its samples [H,N]."""
    wire, step = lay_out(rows, **layout)
    return message(encoding, width, height, step, wire, container, layout.get("big", False))


def message(encoding, width, height, step, wire, container=bytes, big=False):
    """Build an image from its bytes."""
    msg = MESSAGES.make(
        "sensor_msgs/msg/Image",
        width=width,
        height=height,
        encoding=encoding,
        step=step,
        is_bigendian=int(big),
    )
    msg.data = np.frombuffer(wire, np.uint8) if container is np.asarray else container(wire)
    return msg


def bt601(rgb):
    """Return studio-swing Y, U, V [H,W,3] of RGB [H,W,3] (ITU-R BT.601, section 2.5)."""
    matrix = np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
    )
    yuv = rgb.astype(float) / 255 @ matrix.T + (16, 128, 128)
    return np.rint(yuv).astype(np.uint8)


def yuv_image(encoding, rgb, padding=0, short=False, container=bytes, **_):
    """Build an image whose colours are equal in all pixels that share a chroma sample."""
    height, width = rgb.shape[:2]
    y, u, v = np.moveaxis(bt601(rgb), -1, 0)
    if encoding in YUV_422:
        u, v = u[:, ::2], v[:, ::2]
        quad = [u, y[:, ::2], v, y[:, 1::2]]
        if encoding in ("yuv422_yuy2", "yuyv"):
            quad = [quad[1], quad[0], quad[3], quad[2]]
        rows = np.stack(quad, axis=-1).reshape(height, 2 * width)
        return image(encoding, width, height, rows, container, padding=padding, short=short)
    if encoding == "nv24":  # the length and the step of a chroma row are twice those of a luma row
        luma, step = lay_out(y, padding)
        chroma, _ = lay_out(np.stack([u, v], -1).reshape(height, -1), 2 * padding, short=short)
        return message(encoding, width, height, step, luma + chroma, container)
    pair = [u[::2, ::2], v[::2, ::2]] if encoding == "nv12" else [v[::2, ::2], u[::2, ::2]]
    rows = np.concatenate([y, np.stack(pair, axis=-1).reshape(height // 2, width)])
    return image(encoding, width, height, rows, container, padding=padding, short=short)


def valid_image(encoding, width=4, height=4, **layout):
    """Build a grey image in any encoding."""
    if encoding in YUV:
        return yuv_image(encoding, np.full((height, width, 3), 90, np.uint8), **layout)
    channels = 1
    if found := re.search(r"UC(\d)|^(rgba|bgra)|^(rgb|bgr)", encoding):
        channels = int(found[1] or (4 if found[2] else 3))
    dtype = np.uint16 if "16" in encoding else np.uint8
    return image(encoding, width, height, np.full((height, width * channels), 90, dtype), **layout)
