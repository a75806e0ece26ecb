# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nodes on rclpy (Fast DDS) and nodes on Cyclone DDS exchange images of all sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from helpers.camera_bags import Recorder, pixels, stamp, write_bag
from helpers.live_topics import receive, until

from contract.steps import image, info
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.node.topics import DEPTH, POINTS

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
    pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here"),
]
DOMAIN = 1 + (os.getpid() + 90) % 101
HD = {"width": 1280, "height": 720}


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


@pytest.mark.parametrize("host", ["ros2", "dds"])
def test_a_node_answers_a_camera_on_the_other_middleware(checkpoint, host):
    from contract.live_driver import live

    with live(driver_class(host), checkpoint, DOMAIN) as driver:
        node, listener = driver.start(publish_points=True, points_stride=4)
        try:
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
            assert (depth.width, cloud.width) == (HD["width"], HD["width"] // 4)
        finally:
            node.kill()


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
