# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The host that lives in a bag: recorded messages in, written messages out, in recorded time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from jasmine_core.runtime.colorize import PreviewStrip
from jasmine_core.runtime.statistics import DepthStatistics
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.reader import Bag, BagMessage
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.node.diagnostics import PERIOD, Report, diagnostic_array
from jasmine_ros.node.host import Frame, Publisher, Severity
from jasmine_ros.node.topics import CAMERA_INFO, DIAGNOSTICS, IMAGE, OUTPUTS


@dataclass
class _Timer:
    due: int  # [ns] of recorded time
    period: int  # [ns]
    callback: Callable[[], None]


class BagHost:
    """Feed a component from one bag and write what it publishes to another."""

    def __init__(self, source: Bag, camera: CameraTopics, namespace: str = "") -> None:
        self.messages = RosbagsMessages()
        self.conversion = Conversion(self.messages)
        self.outputs: dict[str, str] = {}  # full topic name: type
        self.depths = DepthStatistics()
        self.preview = PreviewStrip()
        self.show: set[int] = set()  # which processed frames enter the preview
        self._source, self._camera = source, camera
        self._namespace = f"/{name}" if (name := namespace.strip("/")) else ""
        self._writer: BagWriter | None = None
        self._callbacks: dict[str, Callable[[Any], None]] = {}
        self._timers: list[_Timer] = []
        self._diagnose: list[_Timer] = []
        self._now = source.start
        self._frames = 0

    def record(self, writer: BagWriter) -> None:
        """Write from now on what is published."""
        self._writer = writer
        for topic, type_name in self.outputs.items():
            writer.add(topic, type_name)

    def deliver(self, message: BagMessage) -> None:
        """Hand a recorded message to its subscriber, after the timers that are due.

        Raises FrameError if its bytes do not fit its type.
        """
        self._now = message.stamp
        for timer in self._diagnose + self._timers:
            if self._now >= timer.due:
                timer.callback()
                timer.due = self._now + timer.period
        self.dispatch(message)

    def dispatch(self, message: BagMessage) -> None:
        """Pass a message to its subscriber without advancing the clock."""
        if callback := self._callbacks.get(message.topic):
            callback(self._source.decode(message))

    @property
    def inputs(self) -> list[str]:
        """Return the topics that someone listens to."""
        return list(self._callbacks)

    # ------------------------------------------------------------------ what a component asks

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic: the bag's for inputs, the namespace's for outputs."""
        inputs = {IMAGE: self._camera.image, CAMERA_INFO: self._camera.info or "calibration"}
        if topic in inputs:
            return inputs[topic]
        return topic if topic.startswith("/") else f"{self._namespace}/{topic}"

    def advertise(self, topic: str, type_name: str) -> None:
        """Declare an output."""
        self.outputs[self.resolve(topic)] = type_name

    def unadvertise(self) -> None:
        """Keep the outputs: what is in the bag stays there."""

    def publish(self, topic: str, message: Any) -> None:
        """Write a message under the recorded time of its input."""
        assert self._writer, "record() comes before the first message"
        self._writer.write(self.resolve(topic), self._now, message)

    def wanted(self, topic: str) -> bool:
        """Tell that a recorder listens to everything."""
        return True

    def subscribe(
        self,
        topic: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        latched: bool = False,
    ) -> None:
        """Remember who gets the messages of an input."""
        self._callbacks[self.resolve(topic)] = callback

    def unsubscribe(self) -> None:
        """Forget callbacks and timers."""
        self._callbacks.clear()
        self._timers.clear()

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back in recorded time."""
        self._timers.append(_Timer(self._now, round(period_s * 1e9), callback))

    def service(
        self, name: str, type_name: str, answer: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        """Offer nothing: a bag asks no questions."""

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Name nobody: a bag does not keep who published."""
        return []

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish diagnostics in recorded time."""
        self.advertise(DIAGNOSTICS, OUTPUTS[DIAGNOSTICS])

        def tell() -> None:
            self.publish(DIAGNOSTICS, diagnostic_array(self.messages, self._now, "depth", source()))

        self._diagnose.append(_Timer(self._now, round(PERIOD * 1e9), tell))

    def schedule(self, work: Callable[[], None]) -> None:
        """Run work at once: a bag waits."""
        work()

    def now(self) -> int:
        """Return the recorded time [ns]."""
        return self._now

    def log(self, severity: Severity, text: str) -> None:
        """Write a line above the progress bar."""
        if severity != "debug":
            tqdm.write(text if severity == "info" else f"{severity}: {text}")

    def processed(self, frame: Frame) -> None:
        """Take a frame into the figures, and into the preview where it is due."""
        self.depths.add(frame.depth)
        if self._frames in self.show:
            self.preview.add(frame.image, frame.depth)
        self._frames += 1
