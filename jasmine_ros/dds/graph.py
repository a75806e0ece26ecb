# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS graph: announcement of a DDS participant as a ROS 2 node with topics."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from rosbags.typesys import Stores, get_typestore

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.participant import Participant
from jasmine_ros.dds.wire import Reader, Writer
from jasmine_ros.msgs.types import Message

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_TOPIC = "ros_discovery_info"  # without the prefix rt/, because it is not a ROS topic
_INFO = "rmw_dds_common/msg/ParticipantEntitiesInfo"


def distribution_types() -> Typestore:
    """Return the types of Humble if ROS_DISTRO names it, else those of Jazzy.

    In the messages of the ROS graph, Humble has longer gids under the same DDS type name. Nodes of
    Humble and of newer distributions therefore do not list each other, but their topics match.
    """
    humble = os.environ.get("ROS_DISTRO") == "humble"
    return get_typestore(Stores.ROS2_HUMBLE if humble else Stores.ROS2_JAZZY)


def type_hash(typestore: Typestore, type_name: str) -> bytes:
    """Return the USER_DATA with the type hash of a topic, for Iron and newer (REP 2011)."""
    return f"typehash={typestore.hash_rihs01(type_name)};".encode()


class Graph:
    """Announcement of one node and its topics in the ROS graph."""

    def __init__(self, participant: Participant, node: str, namespace: str = "/") -> None:
        self._messages = RosbagsMessages(participant.typestore)
        self._node, self._namespace = node, namespace
        self._gid = participant.gid
        user_data = type_hash(participant.typestore, _INFO)
        self._writer = participant.writer(_TOPIC, _INFO, user_data, transient=True)

    def announce(self, readers: Iterable[Reader], writers: Iterable[Writer]) -> None:
        """Publish which endpoints the node has now."""
        make = self._messages.make
        node = make(
            "rmw_dds_common/msg/NodeEntitiesInfo",
            node_namespace=self._namespace,
            node_name=self._node,
            reader_gid_seq=[self._as_gid(reader.gid) for reader in readers],
            writer_gid_seq=[self._as_gid(writer.gid) for writer in writers],
        )
        info = make(_INFO, gid=self._as_gid(self._gid), node_entities_info_seq=[node])
        self._writer.write(self._messages.typestore.serialize_cdr(info, _INFO))

    def _as_gid(self, gid: bytes) -> Message:
        message = self._messages.make("rmw_dds_common/msg/Gid")  # 24 bytes in Humble, else 16
        message.data[: len(gid)] = np.frombuffer(gid, np.uint8)
        return message
