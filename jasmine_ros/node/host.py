# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Interface that a component needs from its host: topics, clock, log and message classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.types import Callback, Message
from jasmine_ros.node.diagnostics import Report

LATCHED_CHECK = 0.5  # [s] between checks for publishers with transient local durability
Severity = Literal["debug", "info", "warn", "error"]
LEVELS: dict[Severity, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
# `Any`, because the type name of a service fixes the type of its request.
ServiceCallback: TypeAlias = Callable[[Any], Mapping[str, object]]


@dataclass(frozen=True)
class Frame:
    """One processed image with its depth, for hosts that keep statistics or a preview."""

    stamp: int  # [ns] of the input's header
    image: NDArray[np.uint8]  # [H,W,3] RGB, rectified
    depth: NDArray[np.float32]  # [h,w] as published; [m], or units while up-to-scale
    seconds: dict[str, float]  # wall time of each stage, in order


@dataclass(frozen=True)
class Publisher:
    """A publisher on a topic, as warnings show it."""

    node: str  # full name; empty where it is not known
    type_name: str
    qos: str  # such as "reliable, volatile"

    @property
    def transient_local(self) -> bool:
        """Whether a late subscriber can receive messages that were published before."""
        return "transient local" in self.qos

    def __str__(self) -> str:
        return f"{self.node or 'a node'} ({self.type_name}, {self.qos})"


class Host(Protocol):
    """Topics, clock and log of a component.

    Topic names are relative; the host expands them by its namespace and applies remappings.
    """

    @property
    def messages(self) -> Messages:
        """Factory of messages in the classes of this host."""
        ...

    @property
    def conversion(self) -> Conversion:
        """Conversion between messages and arrays."""
        ...

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic."""
        ...

    def advertise(self, topic: str, type_name: str) -> None:
        """Create the publisher of an output."""
        ...

    def unadvertise(self) -> None:
        """Destroy the publishers of all outputs except /diagnostics."""
        ...

    def publish(self, topic: str, message: Message) -> None:
        """Publish a message on an advertised output."""
        ...

    def wanted(self, topic: str) -> bool:
        """Return whether an output has a subscriber."""
        ...

    def subscribe(
        self, topic: str, type_name: str, callback: Callback, *, latched: bool = False
    ) -> None:
        """Call back for each message until `unsubscribe`.

        Args:
            topic: name of the topic.
            type_name: type of its messages, such as "sensor_msgs/msg/Image".
            callback: function that gets each message.
            latched: whether messages are received as well that a publisher with transient local
                durability sent before.
        """
        ...

    def unsubscribe(self) -> None:
        """End all subscriptions, services and timers."""
        ...

    def service(self, name: str, type_name: str, callback: ServiceCallback) -> None:
        """Offer a service until `unsubscribe`, if the host can.

        Args:
            name: name of the service.
            type_name: its type, such as "std_srvs/srv/SetBool".
            callback: function from a request to the fields of the response.
        """
        ...

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Return the publishers of a topic, which is given by its full name."""
        ...

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish the report of `source` on /diagnostics once a second until the host ends."""
        ...

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back periodically on the clock of the host until `unsubscribe`."""
        ...

    def schedule(self, work: Callable[[], None]) -> None:
        """Run `work` soon, one call at a time; a live host runs it outside its callbacks."""
        ...

    def now(self) -> int:
        """Return the time of the host's clock [ns]."""
        ...

    def log(self, severity: Severity, text: str) -> None:
        """Write a line to the log."""
        ...

    def processed(self, frame: Frame) -> None:
        """Receive a processed image, for statistics and the preview."""
        ...
