# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The reliability of a subscription follows the publishers of its topic."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from helpers.live_topics import until

pytest.importorskip("rclpy", reason="rclpy cannot be imported here")
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from jasmine_ros.hosts.ros2_subscription import FollowingSubscription

pytestmark = pytest.mark.ros
RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
OVERRIDE = "qos_overrides./left/topic.subscription.reliability"


class Bench:
    """A camera node and a node with a subscription to it, spun by hand."""

    def __init__(self, domain: int, **overrides: str) -> None:
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        parameters = [Parameter(name, value=value) for name, value in overrides.items()]
        given = {"context": self.context, "namespace": "left"}
        self.camera = rclpy.create_node("camera", **given)
        self.node = rclpy.create_node("node", parameter_overrides=parameters, **given)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.camera)
        self.executor.add_node(self.node)
        self.heard: list[str] = []
        self.subscription = self.subscribe()

    def subscribe(self) -> FollowingSubscription:
        return FollowingSubscription(
            self.node,
            String,
            "topic",
            self.on_message,
            depth=1,
            group=MutuallyExclusiveCallbackGroup(),
        )

    def on_message(self, message: String) -> None:
        self.heard.append(message.data)

    def publisher(self, reliability: ReliabilityPolicy):
        return self.camera.create_publisher(
            String, "topic", QoSProfile(depth=1, reliability=reliability)
        )

    def offered(self) -> list[ReliabilityPolicy]:
        """Return the reliability of the node's subscriptions, as other nodes see them."""
        found = self.camera.get_subscriptions_info_by_topic("/left/topic")
        return [each.qos_profile.reliability for each in found]

    def assert_reliability(self, expected: ReliabilityPolicy) -> None:
        def reached() -> bool:
            self.executor.spin_once(timeout_sec=0.02)
            self.subscription.follow()
            return self.offered() == [expected]

        until(reached, f"{expected.name} subscription", 20)

    def assert_heard(self, publisher, text: str) -> None:
        def reached() -> bool:
            publisher.publish(String(data=text))
            self.executor.spin_once(timeout_sec=0.02)
            return text in self.heard

        until(reached, f"message {text}", 20)


@pytest.fixture
def bench(domain):
    @contextmanager
    def make(**overrides):
        bench = Bench(domain, **overrides)
        try:
            yield bench
        finally:
            bench.executor.shutdown()
            bench.camera.destroy_node()
            bench.node.destroy_node()
            bench.context.try_shutdown()

    return make


def test_it_is_reliable_while_every_publisher_is(bench):
    with bench() as b:
        b.assert_reliability(BEST_EFFORT)
        first = b.publisher(RELIABLE)
        b.assert_reliability(RELIABLE)
        b.assert_heard(first, "first")
        second = b.publisher(BEST_EFFORT)
        b.assert_reliability(BEST_EFFORT)
        b.assert_heard(first, "again")
        b.assert_heard(second, "second")
        b.camera.destroy_publisher(second)
        b.assert_reliability(RELIABLE)
        b.assert_heard(first, "alone")


def test_publishers_that_were_there_before_are_matched_at_once(bench):
    with bench() as b:
        b.publisher(RELIABLE)
        b.assert_reliability(RELIABLE)
        b.subscription.destroy()
        b.subscription = b.subscribe()  # with the parameter already declared
        until(lambda: b.offered() == [RELIABLE], "reliable subscription", 20)


@pytest.mark.parametrize(("value", "fixed"), [("reliable", RELIABLE), ("best_effort", BEST_EFFORT)])
def test_a_qos_override_fixes_it(bench, value, fixed):
    with bench(**{OVERRIDE: value}) as b:
        b.assert_reliability(fixed)
        b.publisher(BEST_EFFORT if fixed == RELIABLE else RELIABLE)
        until(lambda: b.node.count_publishers("/left/topic") == 1, "publisher", 20)
        b.subscription.follow()
        b.assert_reliability(fixed)


def test_it_ends_with_the_subscription(bench):
    with bench() as b:
        b.assert_reliability(BEST_EFFORT)
        b.subscription.destroy()
        b.publisher(RELIABLE)
        until(lambda: b.node.count_publishers("/left/topic") == 1, "publisher", 20)
        b.subscription.follow()
        until(lambda: not b.offered(), "end of the subscription", 20)
