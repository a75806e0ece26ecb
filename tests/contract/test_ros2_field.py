# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract of the rclpy host in the field: many nodes, restarting cameras, parameter storms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from faults.usage import usage
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import until

from contract.steps import Change, image, info
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.frame_pipeline import MIN_DEPTH
from jasmine_ros.node.topics import DEPTH, DEPTH_INFO, DIAGNOSTICS, POINTS

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
    pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here"),
]
DOMAIN = 1 + (os.getpid() + 60) % 101
CAMERA, STORM = (
    Path(__file__).with_name(f"{name}.py") for name in ("camera_process", "parameter_storm")
)
PROFILE = Path(__file__).parents[2] / "config" / "fastdds_large_images.xml"
SMALL, LARGE, BEST_EFFORT = (
    ("reliable", 640, 480),
    ("reliable", 1280, 720),
    ("best_effort", 320, 240),
)
# Two sets of parameters; a mixture would publish depth in the wrong unit, or a cloud too many.
NEAR = {"metres_per_unit": 1.0, "depth_encoding": "32FC1", "publish_points": False}
FAR = {"metres_per_unit": 3.0, "depth_encoding": "16UC1", "publish_points": True}
SETS = [
    (NEAR, True),
    (FAR, True),
    (FAR | {"points_stride": 0}, False),
    (NEAR | {"checkpoint": "other"}, False),
    (FAR | {"min_depth": 5.0, "max_depth": 2.0}, False),
    ({"points_edge_threshold": 0.1}, True),
    ({"points_edge_threshold": -1.0}, False),
    ({"unknown": 1}, False),
]
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def driver(checkpoint):
    from contract.live_driver import live
    from contract.ros2_driver import Ros2Driver

    with live(Ros2Driver, checkpoint, DOMAIN) as driver:
        yield driver


@pytest.fixture(scope="module")
def running(driver):
    node, listener = driver.start(**NEAR)
    yield node, listener
    print(node.said)
    node.kill()


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=slow)])
def test_a_camera_is_killed_and_restarts_with_another_image_size(running, rounds):
    """A killed camera stays in the graph for some time, with the reliability it had."""
    node, listener = running
    listener.unplug()
    held = []
    for reliability, width, height in (SMALL, LARGE, BEST_EFFORT) * rounds:
        size = width, height
        heard = {name: listener.heard[name] for name in (DEPTH_INFO, DEPTH)}
        for messages in heard.values():
            messages.clear()
        camera = start_camera(node, listener, reliability, width, height)
        try:
            while not all(sizes(messages).count(size) >= 3 for messages in heard.values()):
                listener.listen(0.1)
                assert not node.gone and camera.poll() is None, node.said
        finally:
            camera.kill()
            camera.wait(10)
        for messages in heard.values():
            first = sizes(messages).index(size)  # There may be depth of the last camera before.
            assert set(sizes(messages)[first:]) == {size}
        calibration = heard[DEPTH_INFO][-1]
        assert (calibration.k[0], calibration.k[2]) == (width, width / 2)
        held.append(usage(node.process.pid)[1])
    assert "Traceback" not in node.said and "[ERROR]" not in node.said
    assert len(set(held[len(held) // 2 :])) == 1, f"numbers of threads: {held}"


def sizes(messages) -> list[tuple[int, int]]:
    return [(message.width, message.height) for message in messages]


@pytest.mark.parametrize("images", [10, pytest.param(300, marks=slow)])
def test_parameters_are_set_all_the_time_while_images_come(
    driver, running, predictor, images, record_property
):
    """Three clients set two sets of parameters, and some that are refused."""
    node, listener = running
    listener.unplug()
    listener.plug()
    expected = predictor()(pixels(0)).depth
    storm = subprocess.Popen(
        [sys.executable, str(STORM), listener.full_name("depth"), "3", json.dumps(SETS)],
        env=node.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    kinds, memory, index = {"32FC1": 0, "16UC1": 0}, [], 0
    try:
        while index < images or not all(kinds.values()):
            index += 1
            assert index < 10 * images, f"depth was published {kinds} times"
            assert storm.poll() is None
            heard = driver.let_happen([info(index), image(index, pixels(0))], node, listener)
            (depth,) = heard.messages[DEPTH]
            kinds[depth.encoding] += 1
            assert_depth_of_one_set(depth, heard.messages[POINTS], expected)
            memory.append(usage(node.process.pid)[0])
    finally:
        answers = json.loads(storm.communicate("end", timeout=60)[0] or "{}")
    record_property("images", kinds)
    record_property("answers", answers)
    assert not answers["wrong"]
    assert answers["accepted"] > images and answers["refused"] > images
    heard = driver.let_happen([Change(NEAR), info(0), image(0, pixels(0))], node, listener)
    assert heard.refusals == [None] and heard.messages[DEPTH][0].encoding == "32FC1"
    assert "Traceback" not in node.said and "[ERROR]" not in node.said
    half = len(memory) // 2
    if images > 100:
        assert max(memory[half:]) < 1.02 * max(memory[:half])


def assert_depth_of_one_set(depth, clouds, expected) -> None:
    """Assert that a depth image and its cloud have the parameters of NEAR, or those of FAR."""
    if depth.encoding == "32FC1":
        seen, scale = depth.data.view(np.float32), NEAR["metres_per_unit"]
        tolerance = 1e-3 * expected
        assert not clouds
    else:
        seen, scale = depth.data.view(np.uint16) / 1000, FAR["metres_per_unit"]
        tolerance = 1e-3 * expected + 1e-3
        assert len(clouds) == 1
    seen = seen.reshape(expected.shape)
    near = (expected > MIN_DEPTH) & (scale * expected < 65)
    assert near.any()
    assert (abs(seen - scale * expected) <= tolerance * scale)[near].all()


@pytest.mark.parametrize("count", [2, pytest.param(10, marks=slow)])
def test_several_nodes_answer_their_own_cameras(driver, running, predictor, count):
    """All nodes start and all cameras send at the same time, in one domain."""
    started = [driver.launch() for _ in range(count - 1)]
    try:
        for node, listener in started:
            until(lambda: node.gone or outputs_of(listener), "outputs", 600.0)  # noqa: B023
            assert not node.gone, node.said
        nodes = [running, *started]
        for _, listener in nodes:
            listener.unplug()
            listener.plug()
            for heard in listener.heard.values():
                heard.clear()
        for number, (_, listener) in enumerate(nodes):
            listener.send(info(number))
        for number, (_, listener) in enumerate(nodes):
            listener.listen(0.15)
            listener.send(image(number, pixels(number)))
        for number, (node, listener) in enumerate(nodes):
            assert_answer(node, listener, number, predictor()(pixels(number)).depth)
        for node, _ in started:
            node.stop()
            assert node.process.returncode == 0, node.said
    finally:
        for node, _ in started:
            print(node.said)
            node.kill()


def outputs_of(listener) -> bool:
    return all(reader.matched for reader in listener.readers.values())


def assert_answer(node, listener, number: int, expected: np.ndarray) -> None:
    """Assert that a node has published the depth of its image alone, and its own diagnostics."""
    heard = listener.heard
    listener.listen_until(lambda: heard[DEPTH] and heard[DIAGNOSTICS])
    (depth,) = heard[DEPTH]
    assert stamp_ns(depth.header.stamp) == stamp(number)
    assert_depth_of_one_set(depth, [], expected)
    names = {status.name for report in heard[DIAGNOSTICS] for status in report.status}
    assert names == {listener.full_name("depth: depth").lstrip("/")}
    assert "Traceback" not in node.said and "[ERROR]" not in node.said


def start_camera(node, listener, reliability: str, width: int, height: int) -> subprocess.Popen:
    """Start a camera that sends an image when the last one is answered."""
    profile = {f"{name}_DEFAULT_PROFILES_FILE": str(PROFILE) for name in ("FASTDDS", "FASTRTPS")}
    environment = node.environment | (profile if reliability == "best_effort" else {})
    arguments = [listener.full_name("").rstrip("/"), reliability, str(width), str(height)]
    return subprocess.Popen(
        [sys.executable, str(CAMERA), *arguments, "100000"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
