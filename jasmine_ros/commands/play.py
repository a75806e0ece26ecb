# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Send a bag's camera over live topics, as fast as it was recorded: `jasmine play BAG`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tqdm import tqdm
from tyro.conf import Positional, arg

from jasmine_core.errors import BagError, ConfigError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.dds.uri import domain_id, require_cyclonedds

DEPTH = 5  # as camera drivers do
LINGER = 0.5  # [s] for the last messages to leave


@dataclass(frozen=True)
class Play:
    """Say which camera of which bag to send, and where."""

    bag: Annotated[Positional[Path], arg(metavar="BAG")]
    """a rosbag2 folder, .mcap or .db3"""
    image: Annotated[str | None, arg(metavar="TOPIC")] = None
    """topic of the images; found by itself where there is one camera"""
    camera_info: Annotated[str | None, arg(metavar="TOPIC")] = None
    """topic of the CameraInfo; found beside the images"""
    rate: Annotated[float, arg(metavar="FACTOR")] = 1.0
    """times as fast as recorded"""
    loop: bool = False
    """begin again at the end, until Ctrl-C"""
    wait: Annotated[float, arg(metavar="SECONDS")] = 10.0
    """how long to wait for someone to listen before beginning"""
    domain: Annotated[int | None, arg(metavar="ID")] = None
    """DDS domain; ROS_DOMAIN_ID unless given"""
    interface: Annotated[str, arg(metavar="NAME")] = "lo"
    """network interface; lo keeps everything on this machine"""

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ConfigError(f"--rate is {self.rate}; it must be above 0")


def play(what: Play) -> int:
    """Send the bytes of a bag's images and CameraInfo as they are; return how many messages."""
    require_cyclonedds()
    from jasmine_ros.dds.graph import Graph, distribution_types, type_hash
    from jasmine_ros.dds.participant import Participant

    store = distribution_types()
    domain = domain_id(what.domain)
    with (
        Bag(what.bag) as bag,
        Interrupt() as interrupt,
        Participant(store, domain, what.interface) as participant,
    ):
        if not bag.reader.is2:
            raise BagError(
                f"{what.bag} is of ROS 1, whose messages are packed differently; convert it with "
                "rosbags-convert"
            )
        # 1. Be a node with the camera's topics.
        camera = choose_camera(bag, what.image, what.camera_info)
        topics = [topic for topic in (camera.image, camera.info) if topic]
        writers: dict[str, Any] = {}
        for topic in topics:
            kind = bag.topics[topic].type
            user_data = type_hash(store, kind)
            writers[topic] = participant.writer(f"rt{topic}", kind, user_data, depth=DEPTH)
        graph = Graph(participant, "play")
        graph.announce([], writers.values())

        # 2. Wait for someone to listen.
        print(f"sending {' and '.join(topics)} on domain {domain}")
        patience = time.monotonic() + what.wait
        while not writers[camera.image].matched and time.monotonic() < patience:
            if interrupt.requested:
                return 0
            time.sleep(0.02)

        # 3. Send each message when it is due.
        sent = 0
        with tqdm(unit="message", disable=None) as bar:
            while not interrupt.requested:
                began, first = time.monotonic(), None
                for message in bag.messages(topics):
                    first = message.stamp if first is None else first
                    due = began + (message.stamp - first) / 1e9 / what.rate
                    while (early := due - time.monotonic()) > 0 and not interrupt.requested:
                        time.sleep(min(early, 0.1))
                    if interrupt.requested:
                        break
                    sent += _send(writers[message.topic], message.raw)
                    bar.update()
                if not what.loop:
                    break
        time.sleep(LINGER)
    return sent


def _send(writer: Any, raw: bytes) -> bool:
    try:
        return bool(writer.write(raw))
    except ValueError as err:  # one damaged recording does not end the show
        tqdm.write(f"warn: not sent: {err}")
        return False
