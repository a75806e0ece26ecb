# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small camera bags in every storage, written by rosbags."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import make_header

WIDTH, HEIGHT = 96, 64
RATE = 10.0
START = 1_600_000_000_000_000_000
KINDS = ("mcap", "mcap-zstd", "sqlite3", "sqlite3-zstd", "ros1")
IMAGE_TOPIC, INFO_TOPIC = "/camera/image_raw", "/camera/camera_info"

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_JAZZY)


def pixels(index: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return a smooth RGB image [H,W,3] that is different for each index."""
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    waves = [np.sin((u * (c + 1) + v + 5 * index) / 9) for c in range(3)]
    return np.uint8(127 + 100 * np.stack(waves, -1))


def stamp(index: int) -> int:
    """Return the stamp [ns] of an image."""
    return START + round(index / RATE * 1e9)


@dataclass
class Recorder:
    """Writer of messages of one ROS version, with the field names of ROS 2."""

    write: Callable[[str, str, int, Any], None]
    messages: RosbagsMessages

    def header(self, at: int, frame: str = "camera_optical_frame") -> Any:
        if "seq" in self._fields("std_msgs/msg/Header"):
            sec, nanosec = divmod(at, 10**9)
            time = self.messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
            return self.messages.make("std_msgs/msg/Header", seq=0, stamp=time, frame_id=frame)
        return make_header(self.messages, at, frame)

    def image(
        self, at: int, rgb: np.ndarray, topic: str = IMAGE_TOPIC, log: int | None = None, **fields
    ) -> None:
        height, width = rgb.shape[:2]
        values = {
            "header": self.header(at),
            "height": height,
            "width": width,
            "encoding": "rgb8",
            "step": 3 * width,
            "data": rgb.reshape(-1),
        }
        message = self.messages.make("sensor_msgs/msg/Image", **(values | fields))
        self.write(topic, "sensor_msgs/msg/Image", at if log is None else log, message)

    def jpeg(self, at: int, rgb: np.ndarray, topic: str = IMAGE_TOPIC + "/compressed") -> None:
        data = cv2.imencode(".jpg", rgb[..., ::-1])[1].reshape(-1)
        self.compressed(at, data, topic)

    def compressed(
        self, at: int, data: np.ndarray, topic: str = IMAGE_TOPIC + "/compressed"
    ) -> None:
        kind = "sensor_msgs/msg/CompressedImage"
        message = self.messages.make(kind, header=self.header(at), format="jpeg", data=data)
        self.write(topic, kind, at, message)

    def info(self, at: int, topic: str = INFO_TOPIC, **fields) -> None:
        width, height = fields.get("width", WIDTH), fields.get("height", HEIGHT)
        K = np.array([[80.0, 0, width / 2], [0, 80.0, height / 2], [0, 0, 1]])
        values = {
            "header": self.header(at),
            "width": width,
            "height": height,
            "distortion_model": "plumb_bob",
            "d": np.zeros(5),
            "k": K,
            "r": np.eye(3),
            "p": np.column_stack([K, np.zeros(3)]),
        } | fields
        known = self._fields("sensor_msgs/msg/CameraInfo")
        named = {k if k in known else k.upper(): v for k, v in values.items()}
        message = self.messages.make("sensor_msgs/msg/CameraInfo", **named)
        self.write(topic, "sensor_msgs/msg/CameraInfo", at, message)

    def string(self, at: int, text: str, topic: str = "/note") -> None:
        message = self.messages.make("std_msgs/msg/String", data=text)
        self.write(topic, "std_msgs/msg/String", at, message)

    def _fields(self, kind: str) -> set[str]:
        return {name for name, _ in self.messages.typestore.fielddefs[kind][1]}


def write_bag(path: Path, fill: Callable[[Recorder], None], kind: str = "mcap") -> Path:
    """Write a bag of a storage with the messages that `fill` records; return its path."""
    if kind == "ros1":
        path = path.with_suffix(".bag")
        with Writer1(path) as writer:
            fill(Recorder(_adding(writer, ROS1, ROS1.serialize_ros1), RosbagsMessages(ROS1)))
        return path
    storage, _, compression = kind.partition("-")
    writer = Writer2(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression:
        mode = CompressionMode.STORAGE if storage == "mcap" else CompressionMode.MESSAGE
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        fill(Recorder(_adding(writer, ROS2, ROS2.serialize_cdr), RosbagsMessages(ROS2)))
    return path


def _adding(writer: Any, store: Any, serialize: Callable[[Any, str], Any]) -> Callable:
    connections: dict[tuple[str, str], Any] = {}

    def write(topic: str, kind: str, at: int, message: Any) -> None:
        if (topic, kind) not in connections:
            connections[topic, kind] = writer.add_connection(topic, kind, typestore=store)
        writer.write(connections[topic, kind], at, serialize(message, kind))

    return write


def frames(count: int = 3, *, jpeg: bool = False) -> Callable[[Recorder], None]:
    """Return a function that records images with their CameraInfo, as a camera driver does."""

    def fill(bag: Recorder) -> None:
        for index in range(count):
            bag.info(stamp(index))
            (bag.jpeg if jpeg else bag.image)(stamp(index), pixels(index))

    return fill


def several(fills: Iterable[Callable[[Recorder], None]]) -> Callable[[Recorder], None]:
    """Return a function that records what several functions record."""

    def fill(bag: Recorder) -> None:
        for each in fills:
            each(bag)

    return fill
