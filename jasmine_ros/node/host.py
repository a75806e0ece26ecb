# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a component asks of the place it runs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.node.diagnostics import Report

LATCHED_CHECK = 0.5  # [s] between checks for publishers with transient local durability
Severity = Literal["debug", "info", "warn", "error"]


@dataclass(frozen=True)
class Frame:
    """Hold one processed image, for hosts that keep statistics or previews."""

    stamp: int  # [ns] of the input's header
    image: NDArray[np.uint8]  # [H,W,3] RGB, rectified
    depth: NDArray[np.float32]  # [h,w] as published; metres, or units while up-to-scale
    seconds: dict[str, float]  # wall time of each stage, in order


@dataclass(frozen=True)
class Publisher:
    """Name someone who publishes on a topic, as people shall read it."""

    node: str  # full name, empty where it is not known
    type_name: str
    qos: str  # such as "reliable, volatile"

    @property
    def transient_local(self) -> bool:
        """Whether a late subscriber can receive messages that were published before."""
        return "transient local" in self.qos

    def __str__(self) -> str:
        return f"{self.node or 'a node'} ({self.type_name}, {self.qos})"


class Host(Protocol):
    """Give a component its topics, its clock and its log.

    Topic names are relative; the host puts them into its namespace and applies remappings.
    """

    @property
    def messages(self) -> Messages:
        """Return what builds messages of this host's kind."""
        ...

    @property
    def conversion(self) -> Conversion:
        """Return what turns messages into images, and images and clouds into messages."""
        ...

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic."""
        ...

    def advertise(self, topic: str, type_name: str) -> None:
        """Declare an output."""
        ...

    def unadvertise(self) -> None:
        """Take all outputs back."""
        ...

    def publish(self, topic: str, message: Any) -> None:
        """Send a message on a declared output."""
        ...

    def wanted(self, topic: str) -> bool:
        """Tell whether anyone listens to an output."""
        ...

    def subscribe(
        self,
        topic: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        latched: bool = False,
    ) -> None:
        """Call back for each message until `unsubscribe`.

        `latched`: also for those that a publisher sent before and keeps for late subscribers.
        """
        ...

    def unsubscribe(self) -> None:
        """End all subscriptions, services and timers."""
        ...

    def service(
        self, name: str, type_name: str, answer: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        """Answer requests with the fields of their response until `unsubscribe`, where possible."""
        ...

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Return who publishes on a topic, by its full name."""
        ...

    def diagnose(self, source: Callable[[], Report]) -> None:
        """Publish each second what `source` reports on /diagnostics, as long as the host lives."""
        ...

    def timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back periodically on the host's clock until `unsubscribe`."""
        ...

    def schedule(self, work: Callable[[], None]) -> None:
        """Run work soon, one piece at a time; a live host does it outside its callbacks."""
        ...

    def now(self) -> int:
        """Return the time [ns] of the host's clock."""
        ...

    def log(self, severity: Severity, text: str) -> None:
        """Write a line to the log."""
        ...

    def processed(self, frame: Frame) -> None:
        """Take note of a finished frame."""
        ...
