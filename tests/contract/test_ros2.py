# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract of a ROS 2 installation: life-cycle transitions and services, called from outside."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest
from contract.steps import image, info
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import until

from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
    pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here"),
]
CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE = 1, 2, 3, 4  # of lifecycle_msgs/Transition


@pytest.fixture(scope="module")
def driver(checkpoint):
    from contract.live_driver import live
    from contract.ros2_driver import Ros2Driver

    domain = 1 + (os.getpid() + 75) % 101
    with live(Ros2Driver, checkpoint, domain) as driver:
        yield driver


@pytest.fixture(scope="module")
def running(driver):
    node, listener = driver.start()
    yield driver, node, listener
    node.kill()


def answered(listener, index: int) -> bool:
    listener.heard[DEPTH].clear()
    listener.send(info(index))
    listener.listen(0.2)
    listener.send(image(index, pixels(index)))
    listener.listen(0.5)
    return any(stamp_ns(depth.header.stamp) == stamp(index) for depth in listener.heard[DEPTH])


def test_transitions_remove_the_outputs_and_create_them_again(running):
    driver, node, listener = running

    def go(transition: int) -> bool:
        kind = "lifecycle_msgs/srv/ChangeState"
        return driver.ask(node, listener, kind, "change_state", transition=transition)["success"]

    assert answered(listener, 1)
    assert go(DEACTIVATE)
    until(lambda: not listener.readers[DEPTH].matched, "end of the output")
    assert not answered(listener, 2)
    assert go(CLEANUP) and go(CONFIGURE) and go(ACTIVATE)
    until(lambda: listener.readers[DEPTH].matched, "output")
    until(lambda: answered(listener, 3), "depth")


def test_enable_stops_and_restarts_the_processing(running):
    driver, node, listener = running

    def enable(value: bool) -> bool:
        return driver.ask(node, listener, "std_srvs/srv/SetBool", "enable", data=value)["success"]

    until(lambda: answered(listener, 4), "depth")
    assert enable(False) and not answered(listener, 5)
    assert enable(True) and answered(listener, 6)
