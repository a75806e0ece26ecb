# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Serialized message of a bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jasmine_ros.bags.connection import Connection, full_name
from jasmine_ros.msgs.types import Image

# ROS 1 has two names for one type.
_OTHER_NAMES = {"tf/msg/tfMessage": "tf2_msgs/msg/TFMessage"}


@dataclass(frozen=True)
class BagMessage:
    """One serialized message of a bag; `Bag.decode` deserializes it."""

    connection: Connection
    stamp: int  # [ns] time of recording
    raw: bytes
    image: Callable[[], Image] | None = None  # of a packet of video; may raise FrameError

    @property
    def topic(self) -> str:
        """Name of the topic."""
        return self.connection.topic

    @property
    def type(self) -> str:
        """Name of the type, such as `sensor_msgs/msg/Image`."""
        return type_of(self.connection)


def type_of(connection: Connection) -> str:
    """Return the name of the type of a connection, the same for ROS 1 and ROS 2."""
    name = full_name(connection.schema.name)
    return _OTHER_NAMES.get(name, name)
