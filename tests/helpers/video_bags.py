# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags with H.264 and H.265 streams, encoded by PyAV; without PyAV their tests are skipped."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers.camera_bags import HEIGHT, RATE, ROS2, WIDTH, Recorder, pixels, stamp
from rosbags.typesys import get_types_from_msg

from jasmine_ros.msgs.messages import make_header

av = pytest.importorskip("av", reason="PyAV (the extra video) is not installed")

FFMPEG = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
FOXGLOVE = "foxglove_msgs/msg/CompressedVideo"
FFMPEG_TOPIC, FOXGLOVE_TOPIC = "/camera/image_raw/ffmpeg", "/camera/video"
KEYFRAME_EVERY = 8  # images
ROS2.register(
    get_types_from_msg(
        "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\n"
        "uint8 flags\nbool is_bigendian\nuint8[] data",
        FFMPEG,
    )
)
ROS2.register(
    get_types_from_msg(
        "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format", FOXGLOVE
    )
)
_ENCODERS = {"h264": "libx264", "hevc": "libx265"}


class Encoded(NamedTuple):
    """One packet of a stream."""

    data: bytes
    index: int  # of its image
    keyframe: bool


def view(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return a grey RGB image [H,W,3], whose colours no subsampling changes."""
    return np.repeat(pixels(index, width, height)[..., :1], 3, axis=2)


def encode(
    codec: str = "h264",
    count: int = 20,
    *,
    reorder: bool = False,
    every: int = KEYFRAME_EVERY,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    **options: str,
) -> list[Encoded]:
    """Encode the first images; with `reorder` packets come in another order than images (B)."""
    name = _ENCODERS[codec]
    if name not in av.codec.codecs_available:
        pytest.skip(f"PyAV has no {name}")
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 10), int(RATE)
    encoder.gop_size, encoder.thread_count = every, 1
    encoder.max_b_frames = 2 if reorder else 0
    quiet = f"log-level=none:bframes={2 if reorder else 0}:b-adapt=0:pools=none"
    own = {"x265-params": quiet} if codec == "hevc" else {}
    if codec == "h264":
        own = {"bf": "2", "b_strategy": "0"} if reorder else {"tune": "zerolatency"}
    encoder.options = {"crf": "8", **own, **options}
    packets = []
    for index in [*range(count), None]:
        frame = None
        if index is not None:
            frame = av.VideoFrame.from_ndarray(view(index, *size), format="rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts = index
        packets += encoder.encode(frame)
    return [Encoded(bytes(p), p.pts, p.is_keyframe) for p in packets]


def record(
    packets: list[Encoded],
    kind: str = FFMPEG,
    topic: str | None = None,
    text: str = "h264",
    others: Callable[[Recorder, int], None] = lambda bag, at: bag.info(at),
) -> Callable[[Recorder], None]:
    """Return a function that records packets in their order, each with the stamp of its image.

    `others` records messages at the same time, before each packet.
    """
    topic = topic or (FFMPEG_TOPIC if kind == FFMPEG else FOXGLOVE_TOPIC)

    def fill(bag: Recorder) -> None:
        for number, packet in enumerate(packets):
            log = stamp(number)
            others(bag, log)
            bag.write(topic, kind, log, video_message(bag, packet, kind, text))

    return fill


def video_message(bag: Recorder, packet: Encoded, kind: str, text: str) -> Any:
    """Return the message of a packet."""
    header = make_header(bag.messages, stamp(packet.index), "camera_optical_frame")
    data = np.frombuffer(packet.data, np.uint8)
    if kind == FOXGLOVE:
        return ROS2.types[kind](
            timestamp=header.stamp, frame_id=header.frame_id, data=data, format=text
        )
    return ROS2.types[kind](
        header=header,
        width=WIDTH,
        height=HEIGHT,
        encoding=text,
        pts=packet.index,
        flags=int(packet.keyframe),
        is_bigendian=False,
        data=data,
    )


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two 8-bit images [dB]."""
    error = np.mean((one.astype(float) - other) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
