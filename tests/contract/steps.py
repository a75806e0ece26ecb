# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Steps of the contract tests: inputs of a depth node and its outputs, the same on every host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from helpers.camera_bags import Recorder, pixels, stamp

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH

STATUSES = dict.fromkeys(("received", "processed", "dropped", "skipped", "ignored"), 0)
Sent = tuple[str, str, Any]  # topic, type and message


@dataclass(frozen=True)
class Send:
    """The camera sends one message."""

    record: Callable[[Recorder], None]

    def message(self, messages: RosbagsMessages) -> Sent:
        sent: list[Sent] = []
        recorder = Recorder(lambda topic, kind, at, m: sent.append((topic, kind, m)), messages)
        self.record(recorder)
        (message,) = sent
        return message


@dataclass(frozen=True)
class Burst:
    """The camera sends images faster than the node can process them."""

    sends: tuple[Send, ...]


@dataclass(frozen=True)
class Tell:
    """Other sensors send messages, which the node has received before the next step."""

    sends: tuple[Send, ...]


@dataclass(frozen=True)
class Report:
    """The node has reported on everything before; the values are stored in `Heard.reports`."""


@dataclass(frozen=True)
class Change:
    """Parameters are set; a refusal is stored in `Heard.refusals`."""

    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Absence:
    """The camera disappears, and returns after some time."""


Step = Send | Burst | Tell | Report | Change | Absence


def info(index: int = 0, **fields: Any) -> Send:
    return Send(lambda bag: bag.info(stamp(index), **fields))


def image(index: int = 0, rgb: np.ndarray | None = None, **fields: Any) -> Send:
    shown = pixels(index) if rgb is None else rgb
    return Send(lambda bag: bag.image(stamp(index), shown, **fields))


def compressed(index: int, extension: str) -> Send:
    data = cv2.imencode(extension, pixels(index)[..., ::-1])[1].reshape(-1)
    return Send(lambda bag: bag.compressed(stamp(index), data))


@dataclass
class Heard:
    """Outputs of a node during some steps."""

    messages: dict[str, list[Any]]  # Messages of each output, in order.
    counts: dict[str, int]  # Number of received images, and of those with each of `STATUSES`.
    refusals: list[str | None] = field(default_factory=list)  # One for each `Change`.
    reports: list[Any] = field(default_factory=list)  # Diagnostic status for each `Report`.

    def stamps(self, topic: str = DEPTH) -> list[int]:
        return [stamp_ns(message.header.stamp) for message in self.messages[topic]]

    def depth(self, index: int) -> np.ndarray:
        """Return the published depth image with the timestamp of an index."""
        (message,) = (m for m in self.messages[DEPTH] if stamp_ns(m.header.stamp) == stamp(index))
        dtype = np.float32 if message.encoding == "32FC1" else np.uint16
        return message.data.view(dtype).reshape(message.height, message.width)


class Refusal(Exception):
    """A node that did not start; the text is its log."""


class Driver(Protocol):
    """Interface of a driver, which runs a depth node on a host and returns its outputs."""

    live: bool  # Whether the node runs in its own process and its parameters can be set.
    sets_parameters: bool

    def run(self, steps: list[Step], *, fresh: bool = False, **parameters: Any) -> Heard:
        """Perform steps on a node with some parameters, on a new node if `fresh`."""
        ...

    def refusal(self, checkpoint: Path | None = None, **parameters: Any) -> str:
        """Start a node that cannot start; return its error."""
        ...
