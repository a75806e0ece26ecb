# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality of service that a written bag offers, with which `ros2 bag play` publishes its topics."""

from __future__ import annotations

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2.metadata import parse_qos

from jasmine_ros.bags.connection import Connection
from jasmine_ros.msgs.transforms import TF_STATIC

LATCHED_DEPTH = 100  # messages that late subscribers get; each robot part may publish its own
_INFINITE = QosTime(9_223_372_036, 854_775_807)  # RMW_DURATION_INFINITE
LATCHED = Qos(
    QosHistory.KEEP_LAST,
    LATCHED_DEPTH,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    _INFINITE,
    _INFINITE,
    QosLiveliness.AUTOMATIC,
    _INFINITE,
    False,
)


def usual_qos(topic: str) -> list[Qos]:
    """Return the profiles for a topic without recorded ones: empty, or LATCHED for /tf_static.

    Without it a bag player offers volatile durability, which every listener of tf2 refuses.
    """
    return [LATCHED] if _is_static(topic) else []


def offered_qos(connection: Connection) -> list[Qos]:
    """Return the profiles for the copy of a topic: the recorded ones, if tf2 accepts them."""
    try:
        recorded = parse_qos(connection.qos)
    except Exception:  # rosbags raises errors of any kind for invalid YAML from a file
        recorded = []
    if not (connection.latched or _is_static(connection.topic)):
        return recorded
    kept = [
        qos._replace(reliability=QosReliability.RELIABLE, durability=QosDurability.TRANSIENT_LOCAL)
        for qos in recorded
    ]
    return kept or [LATCHED]


def _is_static(topic: str) -> bool:
    return topic.endswith(TF_STATIC)
