# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Viewer of `jasmine view` in a process of its own, which keeps messages instead of showing them.

Usage: viewer_process.py DOMAIN WIDTH TOPIC ...; it prints {topic: [width, height, CRC-32]} as JSON
when each topic has had a message of this width [px] or more. It works without Rerun.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from jasmine_ros.commands.view import Viewer
from jasmine_ros.commands.view_messages import Converter
from jasmine_ros.dds.graph import distribution_types
from jasmine_ros.dds.participant import Participant


class Collector(Converter):
    """Converter that keeps the newest message of each topic."""

    def __init__(self) -> None:
        super().__init__(None)
        self.newest: dict[str, Any] = {}

    def __call__(self, topic: str, kind: str, message: Any) -> Iterator[Any]:
        self.newest[topic] = message
        return iter(())


def collect(domain: int, width: int, topics: list[str]) -> dict[str, tuple[int, int, int]]:
    """Return the size and the checksum of the newest message of each topic."""
    collector = Collector()
    with Participant(distribution_types(), domain) as participant:
        viewer = Viewer(participant, None, collector, tuple(topics))
        while not all(t in collector.newest and collector.newest[t].width >= width for t in topics):
            viewer.find_topics(time.monotonic())
            participant.wait(0.1)
            viewer.receive()
    return {
        topic: (message.width, message.height, zlib.crc32(np.asarray(getattr(message, "data", ()))))
        for topic, message in collector.newest.items()
    }


if __name__ == "__main__":
    domain, width, *topics = sys.argv[1:]
    print(json.dumps(collect(int(domain), int(width), topics)), flush=True)
