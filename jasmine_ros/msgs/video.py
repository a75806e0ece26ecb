# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video streams in topics: their message types, their codecs, and what to do without a decoder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.encodings import is_measurement
from jasmine_ros.msgs.messages import stamp_ns

# Message types of video streams, with the name of their transport in image_transport.
VIDEO_TYPES = {
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": "ffmpeg",
    "foxglove_msgs/msg/CompressedVideo": "foxglove",
    "theora_image_transport/msg/Packet": "theora",
}
_DECODED = VIDEO_TYPES.keys() - {"theora_image_transport/msg/Packet"}
_CODEC = re.compile(
    r"\b((?:lib)?[hx]\.?26[45]|hevc|avc1?|av1|vp[89]|mpeg-?[124]|theora)\b", re.IGNORECASE
)
_H264, _H265 = re.compile(r"(lib)?[hx]\.?264|avc1?"), re.compile(r"(lib)?[hx]\.?265|hevc")
_EXTRA = "or install the extra video: pip install 'jasmine_ros[video]'"


@dataclass(frozen=True)
class VideoPacket:
    """One packet of a video stream."""

    stamp: int  # [ns] of its image
    frame_id: str
    codec: str  # as the decoder names it
    data: bytes


def codec_of(video_format: str) -> str:
    """Return the codec that the format of a message names, empty if it names none."""
    found = _CODEC.search(video_format.replace("_", " "))
    return found[1] if found else ""


def decodes(type_name: str) -> bool:
    """Return whether messages of a type are packets of video that can be decoded here."""
    return type_name in _DECODED and find_spec("av") is not None


def raw_topic(topic: str) -> str:
    """Return the topic of the raw images of a camera whose video has a topic (image_transport).

    >>> raw_topic("/camera/image_raw/ffmpeg")
    '/camera/image_raw'
    """
    above, _, name = topic.rpartition("/")
    return above if above and name in VIDEO_TYPES.values() else topic


def packet_of(message: Any, topic: str) -> VideoPacket:
    """Return the packet of an `FFMPEGPacket` or a `CompressedVideo`.

    Raises:
        FrameError: its codec is not decoded, or it holds depth.
    """
    text = message.encoding if hasattr(message, "encoding") else message.format
    name = codec_of(text).lower()
    codec = "h264" if _H264.fullmatch(name) else "hevc" if _H265.fullmatch(name) else ""
    if not codec:
        raise FrameError(
            f"{topic}: format {text!r} is neither H.264 nor H.265, which is not decoded; "
            f"{republish('ffmpeg')}"
        )
    if any(is_measurement(part.strip()) for part in text.split(";")):
        raise FrameError(
            f"{topic}: format {text!r} holds depth, not an image; give the topic of a colour or "
            "grey camera"
        )
    if hasattr(message, "header"):
        stamp, frame_id = message.header.stamp, message.header.frame_id
    else:
        stamp, frame_id = message.timestamp, message.frame_id
    return VideoPacket(stamp_ns(stamp), frame_id, codec, bytes(message.data))


def video_remedy(topic: str, type_name: str, *, live: bool = False) -> str:
    """Return what a topic of a video stream is, and how it becomes images.

    Args:
        topic: its name.
        type_name: type of its messages, one of VIDEO_TYPES.
        live: whether the node reads the topic, which decodes no video.
    """
    transport = VIDEO_TYPES[type_name]
    what = "Theora" if transport == "theora" else "a video stream (H.264, H.265 or AV1)"
    extra = "" if live or type_name not in _DECODED else f", {_EXTRA}"
    named = f"{topic} is {what} of type {type_name}, which is not decoded"
    return f"{named}; {republish(transport)}{extra}"


def republish(transport: str) -> str:
    """Return the command that decodes a video stream."""
    return (
        "decode it with `ros2 run image_transport republish --ros-args -p in_transport:="
        f"{transport} -p out_transport:=compressed` (with the plugin of this transport) and use "
        "or record its output"
    )
