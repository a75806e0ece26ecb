# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Component on a bag host that is fed raw bytes and keeps its outputs in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, ROS2, START, Recorder, write_bag

from jasmine_core.errors import FrameError
from jasmine_core.runtime import predictor
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.reader import Bag
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.host import Frame
from jasmine_ros.node.parameters import DepthParameters

PERIOD = 33_000_000  # [ns]
IMAGE, COMPRESSED, INFO = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo")
)


class SimulatedBackend:
    """A backend whose depth [h,w] is a function of the image [3,h,w] in place of a network."""

    def __init__(
        self,
        depth: Callable[[np.ndarray], np.ndarray] = lambda image: image[0] + np.float32(0.5),
        size: tuple[int, int] = (64, 64),
    ) -> None:
        self.depth = depth
        self.info = BackendInfo("simulated", "cpu", "fp32", "given depths", size, None)

    def __call__(self, image: np.ndarray) -> NetworkMaps:
        depth = np.asarray(self.depth(image), np.float32)
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"simulated": 0.0})


class MemoryBagHost(BagHost):
    """Bag host that keeps outputs and log lines in memory."""

    def __init__(self, source: Bag, camera: CameraTopics) -> None:
        super().__init__(source, camera)
        self.published: dict[str, list[Any]] = defaultdict(list)
        self.frames: list[Frame] = []
        self.logged: list[tuple[str, str]] = []

    def publish(self, topic: str, message: Any) -> None:
        assert ROS2.serialize_cdr(message, self.outputs[self.resolve(topic)])
        self.published[topic].append(message)

    def processed(self, frame: Frame) -> None:
        self.frames.append(frame)

    def log(self, severity: str, text: str) -> None:
        self.logged.append((severity, text))

    def clear(self) -> None:
        self.published.clear()
        self.frames.clear()
        self.logged.clear()


class Rig:
    """An active component on a `MemoryBagHost`, with methods that feed it."""

    def __init__(
        self, source: Bag, topic: str, patch: pytest.MonkeyPatch, network: Any, **parameters: Any
    ) -> None:
        if network is not None:
            patch.setattr(predictor, "load_backend", lambda *a, **k: network)
        self.connections = {c.schema.name: c for c in source.connections}
        self.host = MemoryBagHost(source, CameraTopics(topic, INFO_TOPIC))
        values = {"device": "cpu", **parameters}
        self.component = DepthComponent(self.host, DepthParameters().at_start(values))
        self.component.configure()
        self.component.activate(source.topics[topic].type)
        self._now = START

    def raw(self, kind: str, raw: bytes) -> None:
        """Deliver the bytes of a message; the host reports bytes that it cannot decode."""
        self._now += PERIOD
        message = BagMessage(self.connections[kind], self._now, bytes(raw))
        try:
            self.host.deliver(message)
        except FrameError as err:
            self.component.on_damaged(message.topic, str(err))

    def send(self, fill: Callable[[Recorder], None]) -> None:
        """Deliver the messages that a recorder writes."""
        for kind, raw in serialised(fill):
            self.raw(kind, raw)

    @property
    def counts(self):
        return self.component.counts


def serialised(fill: Callable[[Recorder], None]) -> list[tuple[str, bytes]]:
    """Return the types and the bytes of the messages that a recorder writes."""
    from jasmine_ros.bags.rosbags_messages import RosbagsMessages

    sent: list[tuple[str, bytes]] = []
    fill(
        Recorder(
            lambda topic, kind, at, m: sent.append((kind, bytes(ROS2.serialize_cdr(m, kind)))),
            RosbagsMessages(ROS2),
        )
    )
    return sent


def open_bag(folder: Path, compressed: bool) -> tuple[Bag, str]:
    """Record a bag with the two topics of a camera; return it and the topic of the images."""
    topic = IMAGE_TOPIC + ("/compressed" if compressed else "")

    def fill(bag: Recorder) -> None:
        bag.info(START)
        if compressed:
            bag.compressed(START, np.zeros(1, np.uint8))
        else:
            bag.image(START, np.zeros((1, 1, 3), np.uint8))

    return Bag(write_bag(folder / "camera", fill)), topic
