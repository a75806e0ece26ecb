# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The host on a ROS 2 installation: topics, services, clock and log of an rclpy node."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from rclpy.callback_groups import (  # type: ignore[import-not-found]
    MutuallyExclusiveCallbackGroup,
)
from rclpy.clock import Clock, ClockType  # type: ignore[import-not-found]
from rclpy.qos import (  # type: ignore[import-not-found]
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions  # type: ignore[import-not-found]

from jasmine_core.errors import ConfigError
from jasmine_ros.hosts.ros2_subscription import FollowingSubscription, no_events
from jasmine_ros.msgs.conversion import RosConversion
from jasmine_ros.msgs.messages import RclpyMessages
from jasmine_ros.msgs.transforms import TRANSFORMS
from jasmine_ros.node.diagnostics import PERIOD, Report, diagnostic_array
from jasmine_ros.node.host import LATCHED_CHECK, Frame, Publisher, Severity
from jasmine_ros.node.topics import CAMERA_INFO, DIAGNOSTICS, IMAGE, OUTPUTS, QUEUES, info_beside
from jasmine_ros.node.worker import Worker

FOLLOW = 0.1  # [s] between checks of the reliability of publishers
# Messages of an output that a reliable subscriber may still ask for. With a single one, the next
# image replaces a large message before its last fragment is acknowledged.
SENT = 5


class Ros2Host:
    """Host of a component on an rclpy node: its subscriptions, publishers, services and timers.

    Callbacks only store messages; scheduled work runs in a separate thread. Inputs, timers and the
    node's life-cycle have separate callback groups, so that with an executor of several threads the
    loading of a network delays none of the others.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self.messages = RclpyMessages()
        self.conversion = RosConversion(self.messages, lambda text: self.log("warn", text))
        self.on_processed: Callable[[Frame], None] = lambda frame: None
        self.worker = Worker(f"{node.get_name()} work")
        self._inputs, self._beats = (
            MutuallyExclusiveCallbackGroup(),
            MutuallyExclusiveCallbackGroup(),
        )
        # The timers do not depend on /clock, so that a missing /clock can be reported.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._publishers: dict[str, Any] = {}
        self._following: list[FollowingSubscription] = []
        self._subscriptions: list[Any] = []  # to latched messages
        self._not_yet_latched: list[tuple[str, str, Callable[[Any], None]]] = []
        self._services: list[Any] = []
        self._timers: list[Any] = []

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic, remapped; the CameraInfo's is beside its images."""
        name = self._node.resolve_topic_name(topic)
        unchanged = name == self._node.resolve_topic_name(topic, only_expand=True)
        if topic == CAMERA_INFO and unchanged:
            return info_beside(self.resolve(IMAGE))
        return str(name)

    def advertise(self, topic: str, type_name: str) -> None:
        """Declare an output: reliable, the newest message only, unless qos_overrides differ."""
        self._publishers[topic] = self._node.create_publisher(
            _class(type_name),
            topic,
            _qos(reliable=True, depth=SENT),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def unadvertise(self) -> None:
        """Remove all outputs except /diagnostics."""
        for topic in [topic for topic in self._publishers if topic != DIAGNOSTICS]:
            self._node.destroy_publisher(self._publishers.pop(topic))

    def publish(self, topic: str, message: Any) -> None:
        """Send a message on a declared output."""
        self._publishers[topic].publish(message)

    def wanted(self, topic: str) -> bool:
        """Return whether an output has a subscriber."""
        publisher = self._publishers.get(topic)
        return publisher is not None and publisher.get_subscription_count() > 0

    def subscribe(
        self,
        topic: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        latched: bool = False,
    ) -> None:
        """Call back with the newest message; reliable if all publishers are reliable.

        Without the package of transforms a warning says that none is received: odometry of the
        camera itself needs none.

        Raises:
            ConfigError: this ROS 2 does not have the package of another type.
        """
        try:
            kind = _class(type_name)
        except ModuleNotFoundError as err:
            package = type_name.partition("/")[0]
            problem = (
                f"{self.resolve(topic)} cannot be received: this ROS 2 has no {package}; install "
                f"ros-{os.environ.get('ROS_DISTRO', 'DISTRO')}-{package.replace('_', '-')}"
            )
            if type_name != TRANSFORMS:
                raise ConfigError(problem) from err
            self.log("warn", f"{problem}. Transforms between frames are unknown without it")
            return
        if not self._following:
            self.timer(FOLLOW, self._follow)
        self._following.append(
            FollowingSubscription(
                self._node,
                kind,
                topic,
                callback,
                depth=QUEUES.get(type_name, 1),
                group=self._inputs,
            )
        )
        if latched:
            if not self._not_yet_latched:
                self.timer(LATCHED_CHECK, self._subscribe_latched)
            self._not_yet_latched.append((topic, type_name, callback))
            self._subscribe_latched()

    def unsubscribe(self) -> None:
        """End all subscriptions, services and timers."""
        self._not_yet_latched.clear()
        while self._following:
            self._following.pop().destroy()
        for entities, destroy in (
            (self._subscriptions, self._node.destroy_subscription),
            (self._services, self._node.destroy_service),
            (self._timers, self._node.destroy_timer),
        ):
            while entities:
                destroy(entities.pop())

    def service(
        self, name: str, type_name: str, answer: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        """Answer requests with the fields of their response."""

        def reply(request: Any, response: Any) -> Any:
            for field, value in answer(request).items():
                setattr(response, field, value)
            return response

        service = self._node.create_service(
            _class(type_name), name, reply, callback_group=self._beats
        )
        self._services.append(service)

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Return the publishers of a topic."""
        return [
            Publisher(
                f"{found.node_namespace.rstrip('/')}/{found.node_name}",
                found.topic_type,
                f"{_word(found.qos_profile.reliability)}, {_word(found.qos_profile.durability)}",
            )
            for found in self._node.get_publishers_info_by_topic(topic)
        ]

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish diagnostics, even while the node is inactive or /clock stands still."""
        self.advertise(DIAGNOSTICS, OUTPUTS[DIAGNOSTICS])
        node = self._node.get_fully_qualified_name()

        def publish_report() -> None:
            self.publish(DIAGNOSTICS, diagnostic_array(self.messages, self.now(), node, source()))

        self._node.create_timer(
            PERIOD, publish_report, callback_group=self._beats, clock=self._steady
        )

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back on a steady clock."""
        create = self._node.create_timer
        self._timers.append(
            create(period_s, callback, callback_group=self._beats, clock=self._steady)
        )

    def schedule(self, work: Callable[[], None]) -> None:
        """Run work in the worker; the same work is queued only once."""
        self.worker.schedule(work)

    def now(self) -> int:
        """Return the ROS time [ns]: the system time, or that of /clock with use_sim_time."""
        return int(self._node.get_clock().now().nanoseconds)

    def log(self, severity: Severity, text: str) -> None:
        """Write a line to the node's log."""
        log = self._node.get_logger()
        # rclpy allows one severity only for each line of code that logs.
        if severity == "error":
            log.error(text)
        elif severity == "warn":
            log.warning(text)
        elif severity == "info":
            log.info(text)
        else:
            log.debug(text)

    def processed(self, frame: Frame) -> None:
        """Report a processed frame to `on_processed`."""
        self.on_processed(frame)

    # ------------------------------------------------------------------ underneath

    def _follow(self) -> None:
        for subscription in list(self._following):
            subscription.follow()

    def _subscribe_latched(self) -> None:
        """Add a transient-local subscription to the topics that have a transient-local publisher.

        Other topics get none: a transient-local subscription is incompatible with volatile
        publishers, and both sides would warn.
        """
        for entry in list(self._not_yet_latched):
            topic, type_name, callback = entry
            if any(
                publisher.transient_local for publisher in self.publishers_of(self.resolve(topic))
            ):
                self._not_yet_latched.remove(entry)
                self._subscriptions.append(
                    self._node.create_subscription(
                        _class(type_name),
                        topic,
                        callback,
                        _qos(reliable=True, latched=True, depth=QUEUES.get(type_name, 1)),
                        callback_group=self._inputs,
                        # Volatile publishers of the same topic are expected, and need no warning.
                        event_callbacks=no_events(),
                    )
                )


def _class(type_name: str) -> Any:
    package, kind, name = type_name.split("/")
    return getattr(import_module(f"{package}.{kind}"), name)


def _qos(*, reliable: bool, latched: bool = False, depth: int = 1) -> Any:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def _word(policy: Any) -> str:
    return str(policy.name).lower().replace("_", " ")
