# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Subscription of an rclpy node that is reliable where all publishers of its topic are."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor  # type: ignore[import-not-found]
from rclpy.qos import (  # type: ignore[import-not-found]
    HistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions  # type: ignore[import-not-found]

try:
    from rclpy.event_handler import SubscriptionEventCallbacks  # type: ignore[import-not-found]
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks  # type: ignore[import-not-found]

AUTOMATIC = "automatic"
RELIABILITIES = {
    "reliable": ReliabilityPolicy.RELIABLE,
    "best_effort": ReliabilityPolicy.BEST_EFFORT,
}


class FollowingSubscription:
    """A subscription that changes its reliability with the publishers of its topic.

    Fast DDS, the default of ROS 2, loses fragments of large images on their way to a best-effort
    subscription, whereas a reliable one receives nothing from a best-effort publisher. Therefore
    the subscription is reliable while every publisher is, and best effort otherwise. The parameter
    `qos_overrides.TOPIC.subscription.reliability` fixes it to one of the two.
    """

    def __init__(
        self,
        node: Any,
        kind: type,
        topic: str,
        callback: Callable[[Any], None],
        *,
        depth: int,
        group: Any,
    ) -> None:
        self._node, self._topic = node, node.resolve_topic_name(topic)
        self._lock, self._ended = Lock(), False
        self._subscription: Any = None
        self._reliability: Any = None
        self._fixed = RELIABILITIES.get(self._declared())

        def subscribe(reliability: Any) -> Any:
            return node.create_subscription(
                kind,
                topic,
                callback,
                QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability),
                callback_group=group,
                event_callbacks=no_events(),
                qos_overriding_options=QoSOverridingOptions(
                    (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH)
                ),
            )

        self._subscribe = subscribe
        self.follow()

    def follow(self) -> None:
        """Subscribe again if another reliability fits the publishers of this moment."""
        wanted = self._fixed or self._offered()
        with self._lock:
            if self._ended or wanted == self._reliability:
                return
            before, self._reliability = self._subscription, wanted
            self._subscription = self._subscribe(wanted)
        if before is not None:
            self._node.destroy_subscription(before)

    def destroy(self) -> None:
        """End the subscription."""
        with self._lock:
            self._ended = True
        self._node.destroy_subscription(self._subscription)

    def _offered(self) -> Any:
        """Return the strictest reliability that matches all publishers."""
        found = self._node.get_publishers_info_by_topic(self._topic)
        offered = [publisher.qos_profile.reliability for publisher in found]
        if offered and all(each == ReliabilityPolicy.RELIABLE for each in offered):
            return ReliabilityPolicy.RELIABLE
        return ReliabilityPolicy.BEST_EFFORT

    def _declared(self) -> str:
        """Return the value of the parameter for the reliability, declared with the first use."""
        name = f"qos_overrides.{self._topic}.subscription.reliability"
        if not self._node.has_parameter(name):
            description = (
                f"Reliability of the subscription to {self._topic}: reliable, best_effort, or "
                f"{AUTOMATIC}: reliable while every publisher is."
            )
            descriptor = ParameterDescriptor(description=description, read_only=True)
            self._node.declare_parameter(name, AUTOMATIC, descriptor)
        return str(self._node.get_parameter(name).value)


def no_events() -> Any:
    """Return event callbacks without those of rclpy, which warn of publishers that do not match.

    Publishers of several kinds on one topic are handled by subscriptions of several kinds.
    """
    return SubscriptionEventCallbacks(use_default_callbacks=False)
