# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The host on live topics without a ROS 2 installation: Cyclone DDS underneath."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from types import TracebackType
from typing import Any

from jasmine_ros.dds.graph import Graph, type_hash
from jasmine_ros.dds.uri import LOOPBACK, buffer_advice
from jasmine_ros.dds.wire import Participant, Reader, Writer
from jasmine_ros.host import Frame, Severity
from jasmine_ros.messages import RosbagsMessages

TICK = 0.1  # [s] between looks at timers and at the wish to stop
GRACE = 1.0  # [s] for the work in hand when the host closes


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
    own, so that pictures keep coming in, and getting replaced by newer ones, while one is worked
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
        self.messages = RosbagsMessages()
        self.unsent = 0  # messages that a slow reliable reader had no room for
        self.on_damaged: Callable[[str, str], None] = lambda topic, why: self.log("warn", why)
        self.on_processed: Callable[[Frame], None] = lambda frame: None
        self._node, self._namespace = node, "/" + namespace.strip("/")
        self._remaps = {self._expand(a): self._expand(b) for a, b in (remaps or {}).items()}
        self._participant = Participant(self.messages.typestore, domain, interface)
        self._graph = Graph(self._participant, node, self._namespace)
        self._writers: dict[str, tuple[Writer, str]] = {}  # by full name, with the type's
        self._subscriptions: list[_Subscription] = []
        self._timers: list[_Timer] = []
        self._work: list[Callable[[], None]] = []
        self._wakeup, self._closing = Condition(), False
        self._failure: BaseException | None = None
        self._worker = Thread(target=self._work_off, name=f"{node} work", daemon=True)
        self._worker.start()
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
            if self._failure is not None:
                raise self._failure
            now = time.monotonic()
            next_timer = min((timer.due for timer in self._timers), default=now + TICK)
            self._participant.wait(min(TICK, next_timer - now))
            for subscription in list(self._subscriptions):
                self._receive(subscription)
            for timer in list(self._timers):
                if (now := time.monotonic()) >= timer.due:
                    timer.due = max(timer.due + timer.period, now)
                    timer.callback()

    def close(self) -> None:
        """Let the work in hand finish, for a moment at most, and leave the domain."""
        with self._wakeup:
            self._closing = True
            self._work.clear()
            self._wakeup.notify()
        self._worker.join(GRACE)
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

    def publish(self, topic: str, message: Any) -> None:
        """Send a message; what a slow reader has no room for is dropped and counted."""
        writer, type_name = self._writers[self.resolve(topic)]
        payload = self.messages.typestore.serialize_cdr(message, type_name)
        if self._closing or writer.write(payload):
            return
        self.unsent += 1
        if self.unsent == 1 or self.unsent % 100 == 0:
            self.log("warn", f"a subscriber of {topic} is too slow; {self.unsent} messages dropped")

    def wanted(self, topic: str) -> bool:
        """Tell whether anyone listens to an output."""
        return self._writers[self.resolve(topic)][0].matched > 0

    def subscribe(self, topic: str, type_name: str, callback: Callable[[Any], None]) -> None:
        """Call back from `spin` with the newest message."""
        name, user_data = self.resolve(topic), self._learn(type_name)
        reader = self._participant.reader(f"rt{name}", type_name, user_data)
        self._subscriptions.append(_Subscription(name, type_name, reader, callback))
        self._announce()

    def unsubscribe(self) -> None:
        """End all subscriptions and timers."""
        for subscription in self._subscriptions:
            self._participant.remove(subscription.reader)
        self._subscriptions.clear()
        self._timers.clear()
        self._announce()

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back from `spin`."""
        self._timers.append(_Timer(time.monotonic() + period_s, period_s, callback))

    def schedule(self, work: Callable[[], None]) -> None:
        """Run work in the worker; the same work waits once only."""
        with self._wakeup:
            if not self._closing and work not in self._work:
                self._work.append(work)
                self._wakeup.notify()

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

    def _work_off(self) -> None:
        while True:
            with self._wakeup:
                self._wakeup.wait_for(lambda: self._work or self._closing)
                if self._closing:
                    return
                work = self._work.pop(0)
            try:
                work()
            except BaseException as err:
                self._failure = err
                return
