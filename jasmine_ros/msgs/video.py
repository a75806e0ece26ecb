# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video streams in topics, whose images depend on each other: named, but not decoded."""

from __future__ import annotations

import re

# Message types of video streams, with the name of their transport in image_transport.
VIDEO_TYPES = {
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": "ffmpeg",
    "foxglove_msgs/msg/CompressedVideo": "foxglove",
    "theora_image_transport/msg/Packet": "theora",
}
_CODEC = re.compile(r"\b(h\.?26[45]|hevc|avc1?|av1|vp[89]|mpeg-?[124]|theora)\b", re.IGNORECASE)


def codec_of(video_format: str) -> str:
    """Return the codec that the `format` of a CompressedImage names, empty if it names none."""
    found = _CODEC.search(video_format.replace("_", " "))
    return found[1] if found else ""


def video_remedy(topic: str, type_name: str) -> str:
    """Return what a topic of a video stream is, and how it becomes images."""
    transport = VIDEO_TYPES[type_name]
    what = "Theora" if transport == "theora" else "a video stream (H.264, H.265 or AV1)"
    return f"{topic} is {what} of type {type_name}, which is not decoded; {republish(transport)}"


def republish(transport: str) -> str:
    """Return the command that decodes a video stream."""
    return (
        "decode it with `ros2 run image_transport republish --ros-args -p in_transport:="
        f"{transport} -p out_transport:=compressed` (with the plugin of this transport) and use "
        "or record its output"
    )
