# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Topics beside the camera that the node subscribes to, compared with those of a recording."""

from __future__ import annotations

import logging

from jasmine_core.store.paths import url_of
from jasmine_ros.bags.reader import Bag
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.msgs.transforms import TF
from jasmine_ros.node.metric_scale import SENSORS
from jasmine_ros.node.parameters import ODOMETRY_TYPES, DepthParameters

_log = logging.getLogger(__name__)


def motion_topics(host: BagHost, parameters: DepthParameters) -> list[str]:
    """Return the topics of a host from which the motion of the camera comes, if it is used."""
    used = parameters.temporal != "off" or parameters.scale_mode == "odometry"
    named = [parameters.odometry_topic] if parameters.odometry_topic else []
    names = [host.resolve(name) for name in (*named, TF)]
    return [name for name in names if used and name in host.inputs]


def warn_of_missing(bag: Bag, host: BagHost, parameters: DepthParameters) -> None:
    """Log the topics of parameters that a recording lacks, with those that it has in their place.

    The run goes on: its depth has the scale of the checkpoint, as that of a node without the topic.
    """
    named = {
        "scale_topic": (parameters.scale_topic, SENSORS[parameters.scale_sensor]),
        "odometry_topic": (parameters.odometry_topic, ODOMETRY_TYPES[parameters.odometry_type]),
    }
    for parameter, (name, kind) in named.items():
        topic = host.resolve(name)
        if name and topic in host.inputs and topic not in bag.topics:
            others = sorted(t.name for t in bag.topics.values() if t.type == kind)
            _log.warning(
                "%s has no topic %s, which %s names; its topics of type %s: %s",
                url_of(bag.path),
                topic,
                parameter,
                kind,
                ", ".join(others) or "none",
            )
    unnamed = sorted(t.name for t in bag.topics.values() if t.type == ODOMETRY_TYPES["odometry"])
    needed = parameters.temporal == "fuse" or parameters.scale_mode == "odometry"
    if needed and unnamed and not parameters.odometry_topic:
        _log.warning(
            "no odometry_topic is set, so that the motion comes from /tf; the recording has %s: "
            "add --odometry-topic %s to use it",
            ", ".join(unnamed),
            unnamed[0],
        )
