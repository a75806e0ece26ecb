# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Graph messages of a node without ROS 2, for each ROS 2 distribution."""

from __future__ import annotations

import os

import pytest
from helpers.live_topics import receive

graph = pytest.importorskip("jasmine_ros.dds.graph", reason="no wheel of cyclonedds here")
from jasmine_ros.dds.participant import Participant  # noqa: E402
from jasmine_ros.dds.uri import domain_config  # noqa: E402

DOMAIN = 1 + (os.getpid() + 75) % 101
INFO = "rmw_dds_common/msg/ParticipantEntitiesInfo"


@pytest.mark.parametrize(("distribution", "length"), [("humble", 24), ("jazzy", 16), ("", 16)])
def test_gids_are_as_long_as_the_distribution_has_them(monkeypatch, distribution, length):
    monkeypatch.setenv("CYCLONEDDS_URI", domain_config())
    monkeypatch.setenv("ROS_DISTRO", distribution)
    store = graph.distribution_types()
    with Participant(store, DOMAIN) as participant:
        writer = participant.writer("rt/a", "sensor_msgs/msg/Image")
        announced = graph.Graph(participant, "depth", "/robot")  # as long as it lives
        announced.announce([], [writer])
        reader = participant.reader("ros_discovery_info", INFO, reliable=True, transient=True)
        (payload,) = receive(participant, reader, 1)
        info = store.deserialize_cdr(payload, INFO)
        (node,) = info.node_entities_info_seq
        for gid, whole in ((info.gid, participant.gid), (node.writer_gid_seq[0], writer.gid)):
            assert bytes(gid.data) == whole.ljust(length, b"\0") and len(gid.data) == length
