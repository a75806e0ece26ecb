# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Host on DDS topics without a ROS 2 installation, by Cyclone DDS."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.graph import Graph, distribution_types, type_hash
from jasmine_ros.dds.participant import Participant
from jasmine_ros.dds.uri import LOOPBACK, buffer_advice
from jasmine_ros.dds.wire import Reader, Writer
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.msgs.types import Callback, Message
from jasmine_ros.node.diagnostics import PERIOD, Report, diagnostic_array
from jasmine_ros.node.host import (
    LATCHED_CHECK,
    LEVELS,
    Frame,
    Publisher,
    ServiceCallback,
    Severity,
)
from jasmine_ros.node.topics import DIAGNOSTICS, OUTPUTS, QUEUES
from jasmine_ros.node.worker import Worker

TICK = 0.1  # [s] longest wait for messages before timers and the stop condition are checked
_log = logging.getLogger(__name__)


@dataclass
class _Subscription:
    topic: str
    type_name: str
    reader: Reader
    callback: Callback


@dataclass
class _Timer:
    due: float  # [s] of the monotonic clock
    period: float  # [s]
    callback: Callable[[], None]


class DdsHost:
    """Host that feeds a component from DDS topics and publishes its outputs.

    `spin` receives messages and runs timers in the calling thread. Scheduled work has its own
    thread, so that newer images are received while one is processed. Use the host as a context
    manager.
    """

    def __init__(
        self,
        node: str = "depth",
        namespace: str = "",
        remaps: Mapping[str, str] | None = None,
        domain: int = 0,
        interface: str | None = None,
    ) -> None:
        self.messages = RosbagsMessages(distribution_types())
        self.conversion = Conversion(self.messages)
        self.unsent = 0  # messages that were dropped because a reliable reader was too slow
        self.on_damaged: Callable[[str, str], None] = lambda topic, why: self.log("warn", why)
        self.on_processed: Callable[[Frame], None] = lambda frame: None
        self._node, self._namespace = node, "/" + namespace.strip("/")
        self._remaps = {self._expand(a): self._expand(b) for a, b in (remaps or {}).items()}
        self._participant = Participant(self.messages.typestore, domain, interface)
        self._graph = Graph(self._participant, node, self._namespace)
        self._writers: dict[str, tuple[Writer, str]] = {}  # with the type, by full topic name
        self._subscriptions: list[_Subscription] = []
        self._latched: list[tuple[str, str, Callback]] = []  # without a transient local reader yet
        self._timers: list[_Timer] = []
        self._diagnose: list[_Timer] = []
        self._worker = Worker(f"{node} work")
        if interface in (None, LOOPBACK) and (advice := buffer_advice()):
            self.log("warn", advice)

    def __enter__(self) -> DdsHost:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def spin(self, stop: Callable[[], bool]) -> None:
        """Receive messages and run timers until `stop()` is true.

        An exception of scheduled work is raised here.
        """
        while not stop():
            if self._worker.failure is not None:
                raise self._worker.failure
            now = time.monotonic()
            timers = self._timers + self._diagnose
            next_timer = min((timer.due for timer in timers), default=now + TICK)
            self._participant.wait(min(TICK, next_timer - now))
            for subscription in list(self._subscriptions):
                self._receive(subscription)
            for timer in timers:
                if (now := time.monotonic()) >= timer.due:
                    timer.due = max(timer.due + timer.period, now)
                    timer.callback()

    def close(self) -> None:
        """Wait a short time for running work, and leave the domain."""
        self._worker.close()
        self._participant.close()

    # ------------------------------------------------------------------ interface `Host`

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic after remapping."""
        name = self._expand(topic)
        return self._remaps.get(name, name)

    def advertise(self, topic: str, type_name: str) -> None:
        """Create the writer of an output."""
        if (name := self.resolve(topic)) in self._writers:  # from an earlier activation
            return
        user_data = self._prepare_type(type_name)
        writer = self._participant.writer(f"rt{name}", type_name, user_data)
        self._writers[name] = writer, type_name
        self._announce()

    def unadvertise(self) -> None:
        """Remove the writers of all outputs except /diagnostics."""
        diagnostics = self.resolve(DIAGNOSTICS)
        for name in [name for name in self._writers if name != diagnostics]:
            self._participant.remove_writer(self._writers.pop(name)[0])
        self._announce()

    def publish(self, topic: str, message: Message) -> None:
        """Publish a message; it is dropped and counted if a reliable reader is too slow."""
        writer, type_name = self._writers[self.resolve(topic)]
        payload = self.messages.typestore.serialize_cdr(message, type_name)
        if self._worker.closing or writer.write(payload):
            return
        self.unsent += 1
        if self.unsent == 1 or self.unsent % 100 == 0:
            self.log("warn", f"a subscriber of {topic} is too slow; {self.unsent} messages dropped")

    def wanted(self, topic: str) -> bool:
        """Return whether an output has a subscriber."""
        writer, _ = self._writers.get(self.resolve(topic), (None, ""))
        return writer is not None and writer.matched > 0

    def subscribe(
        self, topic: str, type_name: str, callback: Callback, *, latched: bool = False
    ) -> None:
        """Call back from `spin` with the newest message."""
        self._read(topic, type_name, callback, transient=False)
        if latched:
            if not self._latched:
                self.timer(LATCHED_CHECK, self._read_latched)
            self._latched.append((topic, type_name, callback))
            self._read_latched()

    def unsubscribe(self) -> None:
        """End all subscriptions and timers."""
        self._latched.clear()
        for subscription in self._subscriptions:
            self._participant.remove(subscription.reader)
        self._subscriptions.clear()
        self._timers.clear()
        self._announce()

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back from `spin`."""
        self._timers.append(_Timer(time.monotonic() + period_s, period_s, callback))

    def service(self, name: str, type_name: str, callback: ServiceCallback) -> None:
        """Do nothing: each DDS vendor encodes ROS 2 services in a different way."""

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Return the publishers of a topic, without the names of their nodes."""
        return [
            Publisher("", type_name, qos)
            for type_name, qos in self._participant.publications(f"rt{topic}")
        ]

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish diagnostics from `spin`."""
        self.advertise(DIAGNOSTICS, OUTPUTS[DIAGNOSTICS])

        def publish_report() -> None:
            node = f"{self._namespace}/{self._node}"
            array = diagnostic_array(self.messages, self.now(), node, source())
            self.publish(DIAGNOSTICS, array)

        self._diagnose.append(_Timer(time.monotonic() + PERIOD, PERIOD, publish_report))

    def schedule(self, work: Callable[[], None]) -> None:
        """Run `work` in the worker thread; work that already waits is not queued again."""
        self._worker.schedule(work)

    def now(self) -> int:
        """Return the time of the wall clock [ns]."""
        return time.time_ns()

    def log(self, severity: Severity, text: str) -> None:
        """Log a line; see `ros_log` for its format."""
        _log.log(LEVELS[severity], "%s", text)

    def processed(self, frame: Frame) -> None:
        """Pass a processed image to `on_processed`."""
        self.on_processed(frame)

    # ------------------------------------------------------------------ topics

    def _expand(self, topic: str) -> str:
        if topic.startswith("/"):
            return topic
        if topic.startswith("~/"):
            topic = f"{self._node}/{topic[2:]}"
        return f"{self._namespace.rstrip('/')}/{topic}"

    def _prepare_type(self, type_name: str) -> bytes:
        """Compile the serialiser of a type before its first message; return its USER_DATA."""
        store = self.messages.typestore
        empty = self.messages.make(type_name)
        store.deserialize_cdr(store.serialize_cdr(empty, type_name), type_name)
        return type_hash(store, type_name)

    def _read(self, topic: str, type_name: str, callback: Callback, transient: bool) -> None:
        name, user_data = self.resolve(topic), self._prepare_type(type_name)
        reader = self._participant.reader(
            f"rt{name}",
            type_name,
            user_data,
            depth=QUEUES.get(type_name, 1),
            reliable=transient,
            transient=transient,
        )
        self._subscriptions.append(_Subscription(name, type_name, reader, callback))
        self._announce()

    def _read_latched(self) -> None:
        """Create a transient local reader for each latched topic that has such a writer.

        Without such a writer there is none, because a transient local reader is not compatible with
        a volatile writer, and ROS 2 nodes warn about incompatible QoS.
        """
        for entry in list(self._latched):
            publishers = self.publishers_of(self.resolve(entry[0]))
            if any(publisher.transient_local for publisher in publishers):
                self._latched.remove(entry)
                self._read(*entry, transient=True)

    def _announce(self) -> None:
        readers = [subscription.reader for subscription in self._subscriptions]
        self._graph.announce(readers, [writer for writer, _ in self._writers.values()])

    def _receive(self, subscription: _Subscription) -> None:
        payload = subscription.reader.take()
        if payload is None:
            return
        try:
            message = self.messages.typestore.deserialize_cdr(payload, subscription.type_name)
        except Exception as err:  # the parser can raise anything for bytes from another process
            topic, kind = subscription.topic, subscription.type_name
            self.on_damaged(topic, f"{topic}: a message cannot be decoded as {kind}: {err}")
        else:
            subscription.callback(message)
