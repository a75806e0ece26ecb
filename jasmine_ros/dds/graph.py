# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What makes a DDS participant a node in the eyes of ROS 2's tools."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.wire import Participant, Reader, Writer

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_TOPIC = "ros_discovery_info"  # bare: no ROS topic, so no prefix
_INFO = "rmw_dds_common/msg/ParticipantEntitiesInfo"


def distribution_types() -> Typestore:
    """Return the types of the distribution that ROS_DISTRO names: Humble, or any newer one.

    Humble's gids are longer under the same DDS name, so that its nodes and others never see each
    other in the graph; their topics match all the same.
    """
    humble = os.environ.get("ROS_DISTRO") == "humble"
    return get_typestore(Stores.ROS2_HUMBLE if humble else Stores.ROS2_JAZZY)


def type_hash(typestore: Typestore, type_name: str) -> bytes:
    """Return the USER_DATA by which Iron and newer know the exact type of a topic (REP 2011)."""
    return f"typehash={typestore.hash_rihs01(type_name)};".encode()


class Graph:
    """Announce one node and its topics, with gids as long as the participant's types have them."""

    def __init__(self, participant: Participant, node: str, namespace: str = "/") -> None:
        self._messages = RosbagsMessages(participant.typestore)
        self._node, self._namespace = node, namespace
        self._gid = participant.gid
        user_data = type_hash(participant.typestore, _INFO)
        self._writer = participant.writer(_TOPIC, _INFO, user_data, transient=True)

    def announce(self, readers: Iterable[Reader], writers: Iterable[Writer]) -> None:
        """Tell which endpoints the node has now."""
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

    def _as_gid(self, gid: bytes) -> Any:
        message = self._messages.make("rmw_dds_common/msg/Gid")  # 24 zeros in Humble, 16 elsewhere
        message.data[: len(gid)] = np.frombuffer(gid, np.uint8)
        return message
