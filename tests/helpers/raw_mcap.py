# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""MCAP files with channels of any schema and encoding, chunks as given, and no index."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, ROS2, Recorder, stamp

from jasmine_ros.bags.rosbags_messages import RosbagsMessages

MAGIC = b"\x89MCAP0\r\n"


class Channel(NamedTuple):
    """Topic with its schema."""

    topic: str
    kind: str  # name of the schema
    format: str = "ros2msg"
    definition: bytes = b""
    encoding: str = "cdr"


def ros2_channel(topic: str, kind: str) -> Channel:
    return Channel(topic, kind, definition=ROS2.generate_msgdef(kind, ros_version=2)[0].encode())


CAMERA = (
    ros2_channel(INFO_TOPIC, "sensor_msgs/msg/CameraInfo"),
    ros2_channel(IMAGE_TOPIC, "sensor_msgs/msg/Image"),
)


def serialised(fill) -> list[tuple[str, int, bytes]]:
    """Return (topic, time of recording [ns], CDR bytes) of what a recorder writes."""
    made: list[tuple[str, int, bytes]] = []

    def write(topic: str, kind: str, at: int, message: Any) -> None:
        made.append((topic, at, bytes(ROS2.serialize_cdr(message, kind))))

    fill(Recorder(write, RosbagsMessages(ROS2)))
    return made


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<I", len(data)) + data


def record(opcode: int, body: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(body)) + body


def described(channels: Iterable[Channel]) -> bytes:
    """Return the records of schemas and channels; the number of a channel counts from 1."""
    out = b""
    for number, c in enumerate(channels, 1):
        schema = struct.pack("<H", number) + text(c.kind) + text(c.format) + text(c.definition)
        channel = struct.pack("<HH", number, number) + text(c.topic) + text(c.encoding) + text(b"")
        out += record(3, schema) + record(4, channel)
    return out


def messages(channels: Iterable[Channel], made: Iterable[tuple[str, int, bytes]]) -> bytes:
    numbers = {c.topic: number for number, c in enumerate(channels, 1)}
    return b"".join(
        record(5, struct.pack("<HIQQ", numbers[topic], 0, at, at) + data)
        for topic, at, data in made
    )


def chunk(data: bytes, compression: str = "", size: int | None = None, at: int = stamp(0)) -> bytes:
    """Return a chunk of stored bytes that claims an expanded size."""
    head = struct.pack("<QQQI", at, at, len(data) if size is None else size, 0)
    return record(6, head + text(compression) + struct.pack("<Q", len(data)) + data)


def write_mcap(path: Path, body: bytes) -> Path:
    """Write a file with some records and without an index."""
    footer = record(2, struct.pack("<QQI", 0, 0, 0))
    path.write_bytes(MAGIC + record(1, text("ros2") + text("test")) + body + footer + MAGIC)
    return path


def camera_with(path: Path, others: Iterable[tuple[Channel, bytes]], fill) -> Path:
    """Write a camera and other channels, each of which has one message."""
    others = list(others)
    channels = [*(c for c, _ in others), *CAMERA]
    made = [(c.topic, stamp(0), data) for c, data in others] + serialised(fill)
    return write_mcap(path, chunk(described(channels) + messages(channels, made)))
