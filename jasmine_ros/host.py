# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a component asks of the place it runs in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from jasmine_ros.messages import Messages

Severity = Literal["debug", "info", "warn", "error"]


@dataclass(frozen=True)
class Frame:
    """Hold one processed picture, for hosts that keep statistics or previews."""

    stamp: int  # [ns] of the input's header
    image: NDArray[np.uint8]  # [H,W,3] RGB, rectified
    depth: NDArray[np.float32]  # [h,w] as published; metres, or units while up-to-scale
    seconds: dict[str, float]  # wall time of each stage, in order


class Host(Protocol):
    """Give a component its topics, its clock and its log.

    Topic names are relative; the host puts them into its namespace and applies remappings.
    """

    @property
    def messages(self) -> Messages:
        """Return what builds messages of this host's kind."""
        ...

    def resolve(self, topic: str) -> str:
        """Return the full name of a topic."""
        ...

    def advertise(self, topic: str, type_name: str) -> None:
        """Declare an output."""
        ...

    def publish(self, topic: str, message: Any) -> None:
        """Send a message on a declared output."""
        ...

    def wanted(self, topic: str) -> bool:
        """Tell whether anyone listens to an output."""
        ...

    def subscribe(self, topic: str, type_name: str, callback: Callable[[Any], None]) -> None:
        """Call back for each message until `unsubscribe`."""
        ...

    def unsubscribe(self) -> None:
        """End all subscriptions and timers."""
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
