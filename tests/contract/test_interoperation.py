# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nodes on rclpy (Fast DDS) and nodes on Cyclone DDS exchange images of all sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, Recorder, pixels, stamp, write_bag
from helpers.live_topics import receive, until

from contract.steps import image, info
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.node.topics import DEPTH, DEPTH_INFO, POINTS

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
    pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here"),
]
DOMAIN = 1 + (os.getpid() + 90) % 101
HD = {"width": 1280, "height": 720}
STRIDE = 4  # of clouds
VIEWER = Path(__file__).with_name("viewer_process.py")


def driver_class(node: str):
    """Return a driver whose node is on one middleware, with camera and listener on the other."""
    from contract.live_driver import LiveDriver
    from contract.rclpy_participant import RclpyParticipant
    from contract.ros2_driver import Ros2Driver
    from jasmine_ros.dds.participant import Participant

    base, other = {
        "ros2": (Ros2Driver, Participant),
        "dds": (LiveDriver, RclpyParticipant),
    }[node]
    return type("MixedDriver", (base,), {"participant_class": other})


@pytest.fixture(scope="module", params=["ros2", "dds"])
def mixed(request, checkpoint) -> Iterator:
    """Yield a node on one middleware, and its camera and listener on the other."""
    from contract.live_driver import live

    with live(driver_class(request.param), checkpoint, DOMAIN) as driver:
        node, listener = driver.start(publish_points=True, points_stride=STRIDE)
        yield driver, node, listener
        node.kill()


def test_a_node_answers_a_camera_on_the_other_middleware(mixed):
    driver, node, listener = mixed
    heard = driver.let_happen([info(), image(0), image(1)], node, listener)
    assert heard.stamps() == [stamp(0), stamp(1)]
    listener.send(info(2, **HD))

    def answered() -> bool:
        """Send again what a best-effort subscription may lose."""
        listener.send(image(2, pixels(2, **HD)))
        listener.listen(1.0)
        return bool(listener.heard[DEPTH] and listener.heard[POINTS])

    for received in listener.heard.values():
        received.clear()
    until(answered, "depth of a large image")
    depth, cloud = listener.heard[DEPTH][-1], listener.heard[POINTS][-1]
    assert (depth.width, cloud.width) == (HD["width"], HD["width"] // STRIDE)


def test_jasmine_view_receives_all_topics_of_both_middlewares(mixed):
    """The camera is on the one, and the node on the other."""
    _, _, listener = mixed
    names = (IMAGE_TOPIC, INFO_TOPIC, DEPTH, DEPTH_INFO, POINTS)
    topics, rgb = list(map(listener.full_name, names)), pixels(3, **HD)
    arguments = [str(DOMAIN), str(HD["width"] // STRIDE), *topics]
    command = [sys.executable, str(VIEWER), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:

        def ended() -> bool:
            listener.send(info(3, **HD))
            listener.send(image(3, rgb))
            listener.listen(1.0)
            return viewer.poll() is not None

        try:
            until(ended, "message of each topic in the viewer")
            shown = json.loads(viewer.stdout.read())
        finally:
            viewer.kill()
    size = [HD["width"], HD["height"]]
    assert shown[topics[0]] == [*size, zlib.crc32(rgb)]
    assert shown[topics[1]][:2] == shown[topics[2]][:2] == shown[topics[3]][:2] == size
    assert shown[topics[4]][:2] == [side // STRIDE for side in size]


def test_rclpy_receives_what_jasmine_play_publishes(tmp_path):
    from contract.rclpy_participant import RclpyParticipant

    kind, store = "sensor_msgs/msg/Image", RosbagsMessages().typestore

    def fill(bag: Recorder) -> None:
        for index in range(3):
            bag.info(stamp(index), **HD)
            bag.image(stamp(index), pixels(index, **HD))

    bag = write_bag(tmp_path / "bag", fill)
    command = [sys.executable, "-m", "jasmine_ros.cli", "play", str(bag), "--loop"]
    environment = os.environ | {"ROS_DOMAIN_ID": str(DOMAIN)}
    with RclpyParticipant(store, DOMAIN) as participant:
        reader = participant.reader("rt/camera/image_raw", kind, depth=5, reliable=True)
        player = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            payloads = receive(participant, reader, 3)
        finally:
            player.kill()
            player.wait(10)
    sizes = [(m.width, m.height) for m in (store.deserialize_cdr(p, kind) for p in payloads)]
    assert sizes == 3 * [(HD["width"], HD["height"])]
