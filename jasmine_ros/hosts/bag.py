# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Host on a bag: it reads the recorded messages and writes the outputs, in recorded time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from jasmine_core.runtime.album import Album
from jasmine_core.runtime.colorize import PreviewStrip
from jasmine_core.runtime.statistics import DepthStatistics
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.msgs.types import Callback, Message
from jasmine_ros.node.diagnostics import PERIOD, Report, diagnostic_array
from jasmine_ros.node.host import LEVELS, Frame, Publisher, ServiceCallback, Severity
from jasmine_ros.node.topics import CAMERA_INFO, DIAGNOSTICS, IMAGE, OUTPUTS

_log = logging.getLogger(__name__)


@dataclass
class _Timer:
    due: int  # [ns] of recorded time
    period: int  # [ns]
    callback: Callable[[], None]


class BagHost:
    """Host that feeds a component from one bag and writes its outputs to another."""

    def __init__(
        self, source: Bag, camera: CameraTopics, namespace: str = "", start: int | None = None
    ) -> None:
        self.messages = RosbagsMessages()
        self.conversion = Conversion(self.messages)
        self.outputs: dict[str, str] = {}  # type of each output, by full topic name
        self.depths = DepthStatistics()
        self.preview = PreviewStrip()
        self.album = Album(source.start)
        self.show: set[int] = (
            set()
        )  # indices of the processed images that enter the preview and the album
        self._source, self._camera = source, camera
        self._namespace = f"/{name}" if (name := namespace.strip("/")) else ""
        self._writer: BagWriter | None = None
        self._callbacks: dict[str, Callback] = {}
        self._timers: list[_Timer] = []
        self._diagnose: list[_Timer] = []
        self._now = source.start if start is None else start  # [ns]
        self._frames = 0

    def record(self, writer: BagWriter) -> None:
        """Write everything that is published from now on."""
        self._writer = writer
        for topic, type_name in self.outputs.items():
            writer.add(topic, type_name)

    def deliver(self, message: BagMessage) -> None:
        """Advance the clock to a recorded message, and pass the message on.

        Raises:
            FrameError: The bytes do not fit the type of the message.
        """
        self.advance(message)
        self.dispatch(message)

    def advance(self, message: BagMessage) -> None:
        """Advance the clock to a recorded message, and call the due timers."""
        # An image of video may come after messages that were recorded later; the clock goes on.
        self._now = max(self._now, message.stamp) if message.image else message.stamp
        for timer in self._diagnose + self._timers:
            if self._now >= timer.due:
                timer.callback()
                timer.due = self._now + timer.period

    def dispatch(self, message: BagMessage) -> None:
        """Pass a message to its subscriber without advancing the clock."""
        if message.topic in self._callbacks:
            self.pass_on(message.topic, self._source.decode(message))

    def pass_on(self, topic: str, message: Message) -> None:
        """Pass a message to the subscriber of a topic, if it has one."""
        if callback := self._callbacks.get(topic):
            callback(message)

    @property
    def inputs(self) -> list[str]:
        """Topics with a subscription."""
        return list(self._callbacks)

    # ------------------------------------------------------------------ interface `Host`

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic: inputs as in the bag, outputs in the namespace."""
        inputs = {IMAGE: self._camera.image, CAMERA_INFO: self._camera.info or "calibration"}
        if topic in inputs:
            return inputs[topic]
        return topic if topic.startswith("/") else f"{self._namespace}/{topic}"

    def advertise(self, topic: str, type_name: str) -> None:
        """Add an output."""
        self.outputs[self.resolve(topic)] = type_name

    def unadvertise(self) -> None:
        """Do nothing: the bag keeps its topics."""

    def publish(self, topic: str, message: Message) -> None:
        """Write a message with the recorded time of its input."""
        assert self._writer, "call record() before the first message"
        self._writer.write(self.resolve(topic), self._now, message)

    def wanted(self, topic: str) -> bool:
        """Return True: the bag records every output."""
        return True

    def subscribe(
        self, topic: str, type_name: str, callback: Callback, *, latched: bool = False
    ) -> None:
        """Call back for each recorded message of an input."""
        self._callbacks[self.resolve(topic)] = callback

    def unsubscribe(self) -> None:
        """End all subscriptions and timers."""
        self._callbacks.clear()
        self._timers.clear()

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back in recorded time."""
        self._timers.append(_Timer(self._now, round(period_s * 1e9), callback))

    def service(self, name: str, type_name: str, callback: ServiceCallback) -> None:
        """Do nothing: a bag has no service clients."""

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Return nothing: a bag does not record its publishers."""
        return []

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish diagnostics in recorded time."""
        self.advertise(DIAGNOSTICS, OUTPUTS[DIAGNOSTICS])

        def publish_report() -> None:
            node = f"{self._namespace}/depth"
            self.publish(DIAGNOSTICS, diagnostic_array(self.messages, self._now, node, source()))

        self._diagnose.append(_Timer(self._now, round(PERIOD * 1e9), publish_report))

    def schedule(self, work: Callable[[], None]) -> None:
        """Run `work` at once, because playback waits for it."""
        work()

    def now(self) -> int:
        """Return the recorded time [ns]."""
        return self._now

    def log(self, severity: Severity, text: str) -> None:
        """Log a line; the handlers are those of the program."""
        _log.log(LEVELS[severity], "%s", text)

    def processed(self, frame: Frame) -> None:
        """Add a processed image to the statistics, and to the preview if `show` has its index."""
        self.depths.add(frame.depth)
        show, seconds = self._frames in self.show, sum(frame.seconds.values())
        self.album.add(self._now, frame.image, frame.depth, seconds, show)
        if show:
            self.preview.add(frame.image, frame.depth)
        self._frames += 1
