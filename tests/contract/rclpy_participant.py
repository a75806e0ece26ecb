# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Publishers, subscriptions and service calls of rclpy, with the interface of `dds.wire`."""

from __future__ import annotations

import time
from collections import deque
from importlib import import_module
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.typesys.store import Typestore

CALL = 60.0  # [s] for a service of a node that may be loading a network


class Writer:
    """A publisher of serialised messages."""

    def __init__(self, publisher: Any) -> None:
        self.publisher = publisher

    @property
    def matched(self) -> int:
        return self.publisher.get_subscription_count()

    def write(self, payload: Any) -> bool:
        self.publisher.publish(bytes(payload))
        return True


class Reader:
    """A subscription that keeps serialised messages until they are taken."""

    def __init__(self) -> None:
        self.subscription: Any = None
        self.waiting: deque[bytes] = deque()

    @property
    def matched(self) -> int:
        return self.subscription.get_publisher_count()

    def on_message(self, payload: bytes) -> None:
        self.waiting.append(payload)

    def take(self) -> bytes | None:
        return self.waiting.popleft() if self.waiting else None


class RclpyParticipant:
    """An rclpy node with a context of its own; use it as a context manager."""

    def __init__(self, typestore: Typestore, domain: int) -> None:
        self.typestore, self.domain = typestore, domain
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self._node = rclpy.create_node("listener", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)

    def __enter__(self) -> RclpyParticipant:
        return self

    def __exit__(self, *error: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def writer(
        self,
        topic: str,
        type_name: str,
        user_data: bytes = b"",
        *,
        depth: int = 1,
        transient: bool = False,
        reliable: bool = True,
    ) -> Writer:
        qos = _qos(depth, reliable, transient)
        return Writer(self._node.create_publisher(_class(type_name), topic.removeprefix("rt"), qos))

    def reader(
        self,
        topic: str,
        type_name: str,
        user_data: bytes = b"",
        *,
        depth: int = 1,
        reliable: bool = False,
        transient: bool = False,
    ) -> Reader:
        reader = Reader()
        reader.subscription = self._node.create_subscription(
            _class(type_name),
            topic.removeprefix("rt"),
            reader.on_message,
            _qos(depth, reliable, transient),
            raw=True,
        )
        return reader

    def remove_writer(self, writer: Writer) -> None:
        self._node.destroy_publisher(writer.publisher)

    def wait(self, seconds: float) -> None:
        self._executor.spin_once(timeout_sec=seconds)

    def call(self, type_name: str, service: str, **fields: Any) -> Any:
        """Return the answer of a service; parameters are given as (name, type, value)."""
        kind = _class(type_name)
        request = kind.Request()
        for field, value in fields.items():
            if field == "parameters":
                value = [Parameter(*each).to_parameter_msg() for each in value]
            elif field == "transition":
                request.transition.id = value
                continue
            setattr(request, field, value)
        client, end = self._node.create_client(kind, service), time.monotonic() + CALL
        try:
            assert client.wait_for_service(CALL), f"no service {service}"
            future = client.call_async(request)
            while not future.done():
                assert time.monotonic() < end, f"no answer of {service} in {CALL} s"
                self.wait(0.05)
            return future.result()
        finally:
            self._node.destroy_client(client)


def _class(type_name: str) -> Any:
    package, kind, name = type_name.split("/")
    return getattr(import_module(f"{package}.{kind}"), name)


def _qos(depth: int, reliable: bool, transient: bool) -> QoSProfile:
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if transient else DurabilityPolicy.VOLATILE,
    )
