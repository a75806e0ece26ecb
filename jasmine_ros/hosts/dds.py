# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The host on live topics without a ROS 2 installation: Cyclone DDS underneath."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.graph import Graph, distribution_types, type_hash
from jasmine_ros.dds.uri import LOOPBACK, buffer_advice
from jasmine_ros.dds.wire import Participant, Reader, Writer
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.node.diagnostics import PERIOD, Report, diagnostic_array
from jasmine_ros.node.host import LATCHED_CHECK, Frame, Publisher, Severity
from jasmine_ros.node.topics import DIAGNOSTICS, OUTPUTS, QUEUES
from jasmine_ros.node.worker import Worker

TICK = 0.1  # [s] between looks at timers and at the wish to stop


@dataclass
class _Subscription:
    topic: str
    type_name: str
    reader: Reader
    callback: Callable[[Any], None]


@dataclass
class _Timer:
    due: float  # [s] of the monotonic clock
    period: float  # [s]
    callback: Callable[[], None]


class DdsHost:
    """Feed a component from live topics and send what it publishes.

    `spin` receives and runs timers in the thread that calls it; scheduled work has a thread of its
    own, so that images keep coming in, and getting replaced by newer ones, while one is worked
    on. Use the host as a context manager.
    """

    def __init__(
        self,
        node: str = "depth",
        namespace: str = "",
        remaps: Mapping[str, str] | None = None,
        domain: int = 0,
        interface: str = LOOPBACK,
    ) -> None:
        self.messages = RosbagsMessages(distribution_types())
        self.conversion = Conversion(self.messages)
        self.unsent = 0  # messages that a slow reliable reader had no room for
        self.on_damaged: Callable[[str, str], None] = lambda topic, why: self.log("warn", why)
        self.on_processed: Callable[[Frame], None] = lambda frame: None
        self._node, self._namespace = node, "/" + namespace.strip("/")
        self._remaps = {self._expand(a): self._expand(b) for a, b in (remaps or {}).items()}
        self._participant = Participant(self.messages.typestore, domain, interface)
        self._graph = Graph(self._participant, node, self._namespace)
        self._writers: dict[str, tuple[Writer, str]] = {}  # by full name, with the type's
        self._subscriptions: list[_Subscription] = []
        self._unheard: list[tuple[str, str, Callable[[Any], None]]] = []
        self._timers: list[_Timer] = []
        self._diagnose: list[_Timer] = []
        self._worker = Worker(f"{node} work")
        if interface == LOOPBACK and (advice := buffer_advice()):
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
        """Receive and run timers until `stop`; raise what ended the work meanwhile, if anything."""
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
        """Let the work in hand finish, for a moment at most, and leave the domain."""
        self._worker.close()
        self._participant.close()

    # ------------------------------------------------------------------ what a component asks

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic, remapped."""
        name = self._expand(topic)
        return self._remaps.get(name, name)

    def advertise(self, topic: str, type_name: str) -> None:
        """Declare an output."""
        if (name := self.resolve(topic)) in self._writers:  # by an earlier configure
            return
        user_data = self._learn(type_name)
        writer = self._participant.writer(f"rt{name}", type_name, user_data)
        self._writers[name] = writer, type_name
        self._announce()

    def unadvertise(self) -> None:
        """Take all outputs back but /diagnostics."""
        lasting = self.resolve(DIAGNOSTICS)
        for name in [name for name in self._writers if name != lasting]:
            self._participant.remove_writer(self._writers.pop(name)[0])
        self._announce()

    def publish(self, topic: str, message: Any) -> None:
        """Send a message; what a slow reader has no room for is dropped and counted."""
        writer, type_name = self._writers[self.resolve(topic)]
        payload = self.messages.typestore.serialize_cdr(message, type_name)
        if self._worker.closing or writer.write(payload):
            return
        self.unsent += 1
        if self.unsent == 1 or self.unsent % 100 == 0:
            self.log("warn", f"a subscriber of {topic} is too slow; {self.unsent} messages dropped")

    def wanted(self, topic: str) -> bool:
        """Tell whether anyone listens to an output."""
        writer, _ = self._writers.get(self.resolve(topic), (None, ""))
        return writer is not None and writer.matched > 0

    def subscribe(
        self,
        topic: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        latched: bool = False,
    ) -> None:
        """Call back from `spin` with the newest message."""
        self._read(topic, type_name, callback, past=False)
        if latched:
            if not self._unheard:
                self.timer(LATCHED_CHECK, self._ask_for_kept)
            self._unheard.append((topic, type_name, callback))
            self._ask_for_kept()

    def unsubscribe(self) -> None:
        """End all subscriptions and timers."""
        self._unheard.clear()
        for subscription in self._subscriptions:
            self._participant.remove(subscription.reader)
        self._subscriptions.clear()
        self._timers.clear()
        self._announce()

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back from `spin`."""
        self._timers.append(_Timer(time.monotonic() + period_s, period_s, callback))

    def service(
        self, name: str, type_name: str, answer: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        """Offer nothing: each vendor of DDS packs services in its own way."""

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Return who publishes on a topic; nodes say their names elsewhere."""
        return [
            Publisher("", type_name, qos)
            for type_name, qos in self._participant.publications(f"rt{topic}")
        ]

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish diagnostics from `spin`."""
        self.advertise(DIAGNOSTICS, OUTPUTS[DIAGNOSTICS])

        def tell() -> None:
            array = diagnostic_array(self.messages, self.now(), self._node, source())
            self.publish(DIAGNOSTICS, array)

        self._diagnose.append(_Timer(time.monotonic() + PERIOD, PERIOD, tell))

    def schedule(self, work: Callable[[], None]) -> None:
        """Run work in the worker; the same work waits once only."""
        self._worker.schedule(work)

    def now(self) -> int:
        """Return the wall clock's time [ns]."""
        return time.time_ns()

    def log(self, severity: Severity, text: str) -> None:
        """Write a line to stderr, as ROS nodes do."""
        if severity != "debug":
            seconds = time.time()
            line = f"[{severity.upper()}] [{seconds:.3f}] [{self._node}]: {text}"
            print(line, file=sys.stderr, flush=True)

    def processed(self, frame: Frame) -> None:
        """Hand a finished frame to whoever shows or counts them."""
        self.on_processed(frame)

    # ------------------------------------------------------------------ underneath

    def _expand(self, topic: str) -> str:
        if topic.startswith("/"):
            return topic
        if topic.startswith("~/"):
            topic = f"{self._node}/{topic[2:]}"
        return f"{self._namespace.rstrip('/')}/{topic}"

    def _learn(self, type_name: str) -> bytes:
        """Compile a type's serialiser before the first message needs it; return its USER_DATA."""
        store = self.messages.typestore
        empty = self.messages.make(type_name)
        store.deserialize_cdr(store.serialize_cdr(empty, type_name), type_name)
        return type_hash(store, type_name)

    def _read(
        self, topic: str, type_name: str, callback: Callable[[Any], None], past: bool
    ) -> None:
        name, user_data = self.resolve(topic), self._learn(type_name)
        reader = self._participant.reader(
            f"rt{name}",
            type_name,
            user_data,
            depth=QUEUES.get(type_name, 1),
            reliable=past,
            transient=past,
        )
        self._subscriptions.append(_Subscription(name, type_name, reader, callback))
        self._announce()

    def _ask_for_kept(self) -> None:
        """Read once more where a writer keeps what it said.

        Only there: no reader hears the past and fits every writer, and one that does not fit makes
        ROS 2 nodes warn.
        """
        for entry in list(self._unheard):
            if any(
                publisher.transient_local
                for publisher in self.publishers_of(self.resolve(entry[0]))
            ):
                self._unheard.remove(entry)
                self._read(*entry, past=True)

    def _announce(self) -> None:
        readers = [subscription.reader for subscription in self._subscriptions]
        self._graph.announce(readers, [writer for writer, _ in self._writers.values()])

    def _receive(self, subscription: _Subscription) -> None:
        payload = subscription.reader.take()
        if payload is None:
            return
        try:
            message = self.messages.typestore.deserialize_cdr(payload, subscription.type_name)
        except Exception as err:  # whatever a parser makes of bytes from a stranger
            topic, kind = subscription.topic, subscription.type_name
            self.on_damaged(topic, f"{topic}: a message is no {kind}: {err}")
        else:
            subscription.callback(message)
