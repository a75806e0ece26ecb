# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract of the rclpy host alone: life-cycle, services, and large images of other nodes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from faults.usage import usage
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import ending, until
from helpers.packets import Capture

from contract.steps import image, info
from jasmine_ros.node.diagnostics import LOADING
from jasmine_ros.node.topics import DEPTH, DIAGNOSTICS, LATENCY, POINTS

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
    pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here"),
]
DOMAIN = 1 + (os.getpid() + 75) % 101
CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE = 1, 2, 3, 4  # of lifecycle_msgs/Transition
ACTIVE_SHUTDOWN = 7
CAMERA = Path(__file__).with_name("camera_process.py")
PROFILE = Path(__file__).parents[2] / "config" / "fastdds_large_images.xml"
DELAY_NS = 200_000_000  # from the stamp of an image to the time of /clock
HD, FULL_HD = (1280, 720), (1920, 1080)


@pytest.fixture(scope="module")
def capture():
    """Yield the packets that all nodes of this file send, None where they cannot be captured."""
    try:
        capture = Capture(DOMAIN)
    except PermissionError:
        yield None
    else:
        yield capture
        capture.close()


@pytest.fixture(scope="module")
def driver(checkpoint, capture):
    from contract.live_driver import live
    from contract.ros2_driver import Ros2Driver

    with live(Ros2Driver, checkpoint, DOMAIN) as driver:
        yield driver


@pytest.fixture(scope="module")
def running(driver):
    node, listener = driver.start()
    yield driver, node, listener
    print(node.said)
    node.kill()


def change_state(driver, listener, transition: int) -> bool:
    kind = "lifecycle_msgs/srv/ChangeState"
    return driver.ask(listener, kind, "change_state", transition=transition).success


def assert_depth(driver, node, listener, index: int) -> None:
    """Assert that an image sent now is answered."""
    heard = driver.let_happen([info(index), image(index, pixels(index))], node, listener)
    assert heard.stamps() == [stamp(index)]


def test_transitions_remove_the_outputs_and_bring_them_back(running):
    driver, node, listener = running
    assert_depth(driver, node, listener, 1)
    assert change_state(driver, listener, DEACTIVATE)
    until(lambda: not listener.readers[DEPTH].matched, "end of the output")
    for transition in (CLEANUP, CONFIGURE, ACTIVATE):
        assert change_state(driver, listener, transition)
    until(lambda: all(reader.matched for reader in listener.readers.values()), "outputs")
    listener.unplug()
    listener.plug()
    assert_depth(driver, node, listener, 3)


def test_impossible_transitions_are_refused_and_the_node_stays(driver):
    node, listener = driver.start()
    try:
        for impossible in (CONFIGURE, CLEANUP, ACTIVATE, 99):
            assert not change_state(driver, listener, impossible)
        assert_depth(driver, node, listener, 1)
        assert change_state(driver, listener, ACTIVE_SHUTDOWN)
        assert not change_state(driver, listener, CONFIGURE)
        node.stop()  # Ctrl-C after the life-cycle has ended
        assert node.process.returncode == 0
        assert "Traceback" not in node.said
    finally:
        node.kill()


def test_enable_stops_and_restarts_the_processing(running):
    driver, node, listener = running

    def enable(value: bool) -> bool:
        return driver.ask(listener, "std_srvs/srv/SetBool", "enable", data=value).success

    assert enable(False)
    listener.send(image(5))
    before = listener.counts
    listener.listen_until(lambda: listener.counts["ignored"] > before["ignored"])
    assert enable(True)
    assert_depth(driver, node, listener, 6)


@pytest.mark.parametrize("cycles", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_activation_many_times_while_images_come(running, cycles):
    """Entities are destroyed and made while other threads of the executor wait for them."""
    driver, node, listener = running
    for index in range(cycles):
        assert change_state(driver, listener, DEACTIVATE), f"cycle {index}"
        listener.send(image(index))
        assert change_state(driver, listener, ACTIVATE), f"cycle {index}"
        listener.send(info(index))
        listener.send(image(index))
        listener.listen(0.02)
        assert not node.gone, node.said
    until(lambda: all(reader.matched for reader in listener.readers.values()), "outputs")
    listener.unplug()
    listener.plug()
    assert_depth(driver, node, listener, 7)
    assert "Traceback" not in node.said and "[ERROR]" not in node.said


@pytest.mark.parametrize("cycles", [3, pytest.param(53, marks=pytest.mark.slow)])
def test_every_full_life_cycle_ends_with_depth_and_a_cloud(driver, cycles):
    """A node that has just been activated ignores images until it has discovered its subscribers.

    A subscriber discovers the node at another time than the node discovers the subscriber. In
    between, the listener is matched, but its topics are not computed: depth at first, then clouds.
    """
    node, listener = driver.start(publish_points=True)
    try:
        for cycle in range(cycles):
            for transition in (DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE):
                assert change_state(driver, listener, transition), f"cycle {cycle}"
            until(lambda: all(reader.matched for reader in listener.readers.values()), "outputs")
            listener.unplug()
            listener.plug()
            index = count(100 * cycle)

            def answered(index=index) -> bool:
                """Send the next image; if it is computed, its depth is published."""
                now = next(index)
                step = [info(now), image(now, pixels(now))]
                heard = driver.let_happen(step, node, listener)
                assert heard.counts["processed"] + heard.counts["ignored"] == 1
                assert heard.stamps() == [stamp(now)] * heard.counts["processed"]
                return heard.stamps(POINTS) == [stamp(now)]

            until(answered, f"cloud after cycle {cycle}")
        assert "Traceback" not in node.said and "[ERROR]" not in node.said
    finally:
        node.kill()


def test_two_nodes_one_of_them_on_simulated_time(running):
    """Each node answers its own camera; the age of an image is measured on `/clock`."""
    driver, first, first_listener = running
    second, second_listener = driver.start(use_sim_time=True)
    try:
        for heard in first_listener.heard.values():
            heard.clear()
        tick = driver.clock(stamp(1) + DELAY_NS)

        def on_clock() -> bool:
            tick()
            return 0 < latency(driver, second, second_listener) < 60

        until(on_clock, "age on /clock")
        assert latency(driver, second, second_listener) >= DELAY_NS / 1e9
        first_listener.listen(0.2)
        assert not first_listener.heard[DEPTH]
        assert_depth(driver, first, first_listener, 9)
    finally:
        second.kill()


def latency(driver, node, listener) -> float:
    """Return the published age of an image [s]."""
    heard = driver.let_happen([info(1), image(1, pixels(1))], node, listener)
    listener.listen_until(lambda: listener.heard[LATENCY])
    assert heard.stamps() == [stamp(1)]
    return listener.heard[LATENCY][-1].data


def test_ctrl_c_during_configure_does_not_wait_for_the_network(driver):
    node, listener = driver.launch()
    try:
        listener.listen_until(
            lambda: any(
                status.message.startswith(LOADING)
                for report in listener.heard[DIAGNOSTICS]
                for status in report.status
            )
        )
        seconds = node.stop()
        assert node.process.returncode == 0 and seconds < ending(), node.said
        assert "Traceback" not in node.said
    finally:
        node.kill()


@pytest.mark.parametrize("reliability", ["reliable", "best_effort"])
@pytest.mark.parametrize(("size", "images"), [(HD, 40), (FULL_HD, 20)])
def test_large_raw_images_arrive(running, size, images, reliability):
    """Fast DDS sends them in fragments; a best-effort camera needs the profile of config/."""
    _, node, listener = running
    listener.unplug()
    environment = node.environment | (
        {f"{name}_DEFAULT_PROFILES_FILE": str(PROFILE) for name in ("FASTDDS", "FASTRTPS")}
        if reliability == "best_effort"
        else {}
    )
    arguments = [listener.full_name("").rstrip("/"), reliability, *map(str, size), str(images)]
    peaks = []
    for _ in range(2):  # The buffers of the transport grow with the first images.
        camera = subprocess.Popen(
            [sys.executable, str(CAMERA), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        memory = [usage(node.process.pid)[0]]
        try:
            while camera.poll() is None:
                listener.listen(0.2)
                for heard in listener.heard.values():
                    heard.clear()
                memory.append(usage(node.process.pid)[0])
            answered = int(camera.stdout.read())
        finally:
            camera.kill()
            camera.communicate()
        assert answered >= 0.99 * images
        peaks.append(max(memory))
    image_bytes = 3 * size[0] * size[1]
    assert peaks[1] - peaks[0] < 12 * image_bytes, "images are not kept"


def test_no_packet_leaves_the_loopback_device(running, capture):
    """The packets of all tests above: of the node, the listener and the cameras."""
    if capture is None:
        pytest.skip("this process may not capture packets; root may")
    if not capture.devices:
        pytest.skip("there is no network device but loopback")
    driver, node, listener = running
    listener.unplug()
    listener.plug()
    assert_depth(driver, node, listener, 8)
    assert not capture.packets
    assert capture.send_probe(), "the capture works"


@pytest.mark.parametrize(
    ("argument", "value"),
    [("-r", "image:="), ("-p", "backend:=[1,"), ("--params-file", "/none.yaml")],
)
def test_an_argument_that_ros_2_cannot_parse_is_one_line(argument, value):
    command = [sys.executable, "-m", "jasmine_ros.depth_node", "--ros-args", argument, value]
    environment = os.environ | {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    node = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert node.returncode == 1
    (line,) = [text for text in node.stderr.splitlines() if text.startswith("ERROR: ")]
    assert f"'{argument} {value}'" in line
    assert "Traceback" not in node.stderr
