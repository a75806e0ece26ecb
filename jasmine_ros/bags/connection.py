# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Connections of a bag: a topic with its schema, as the file stores them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol


class RefusedError(ValueError):
    """Content of a bag that is not damaged, but not supported or larger than the limits."""


@dataclass(frozen=True)
class Schema:
    """Description of the messages of a topic, which may be of any format."""

    name: str  # of the type, such as sensor_msgs/msg/Image
    encoding: str = ""  # format of `data`, such as ros2msg; "" if the bag has no definition
    data: bytes = b""
    digest: str = ""  # RIHS01 hash of the type, "" if the bag has none


@dataclass(frozen=True, eq=False)
class Connection:
    """One topic in one file, with one type."""

    key: int  # in the file
    topic: str  # with a leading slash
    schema: Schema
    encoding: str = "cdr"  # of the messages; "ros1" for those of ROS 1
    qos: str = ""  # YAML text of the offered QoS profiles, "" if unknown
    latched: bool = False  # ROS 1: late subscribers get the last message
    count: int = 0  # messages


class Storage(Protocol):
    """Open file or folder with messages."""

    connections: list[Connection]

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of recording [ns] of the first and last message; None without messages."""

    def messages(
        self, wanted: Collection[Connection], start: int | None, stop: int | None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, time of recording [ns], data) from start to before stop, in order."""

    def stamps(self, wanted: Collection[Connection]) -> list[int]:
        """Return the times of recording [ns] of all messages of some connections."""

    def close(self) -> None:
        """Close the files."""


def full_name(kind: str) -> str:
    """Return the name of a type as ROS 2 writes it; ROS 1 leaves out `msg`."""
    package, _, name = kind.partition("/")
    return f"{package}/msg/{name}" if name and "/" not in name else kind


def absolute(topic: str) -> str:
    """Return the name of a topic with a leading slash, which ROS 1 may leave out."""
    return topic if topic.startswith("/") else f"/{topic}"
