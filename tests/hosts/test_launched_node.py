# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node that depth.launch.py describes, started as a process without rclpy.

The launch file is run as in launch_files.py; the process is the real depth node on DDS.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from helpers.camera_bags import Recorder, pixels, stamp
from helpers.launch_files import launch
from helpers.live_topics import ending, receive, until

from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH, IMAGE_TYPE, INFO_TYPE, OUTPUTS, POINTS

LAUNCH = Path(__file__).parents[2] / "launch" / "depth.launch.py"


class Launched:
    """Process of the node that depth.launch.py describes, in which rclpy cannot be imported."""

    def __init__(self, folder: Path, domain: int, **given: str) -> None:
        (node,) = launch(LAUNCH, folder, **given)
        block = folder / "no_ros"
        block.mkdir(exist_ok=True)
        (block / "rclpy.py").write_text("raise ImportError('not in this test')")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jasmine_ros.depth_node", *node.arguments],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"OMP_NUM_THREADS": "1", "ROS_DOMAIN_ID": str(domain), "PYTHONPATH": str(block)},
        )
        self.log = ""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self) -> float:
        """Send SIGINT; return the time until the process has ended [s]."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self._reader.join(5)
        return time.monotonic() - began

    def _read(self) -> None:
        for line in self.process.stderr:
            self.log += line


@pytest.fixture
def start_launched(tmp_path, domain) -> Iterator:
    running = []

    def start(**given: str) -> Launched:
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Launched(folder, domain, **given))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.wait(10)


def test_the_launched_node_publishes_the_depth_of_an_image(
    start_launched, checkpoint, participant, messages
):
    node = start_launched(
        image="/cam/image_raw",
        camera_info="/elsewhere/info",
        namespace="left",
        checkpoint=str(checkpoint),
        point_cloud="true",
    )
    store = messages.typestore
    kinds = {"/cam/image_raw": IMAGE_TYPE, "/elsewhere/info": INFO_TYPE}
    writers = {name: participant.writer(f"rt{name}", kind) for name, kind in kinds.items()}
    readers = {
        topic: participant.reader(f"rt/left/{topic}", OUTPUTS[topic]) for topic in (DEPTH, POINTS)
    }
    for endpoint in (*writers.values(), *readers.values()):
        until(lambda e=endpoint: e.matched, f"match with the node, whose log is {node.log}", 90.0)
    camera = Recorder(lambda t, k, at, m: writers[t].write(store.serialize_cdr(m, k)), messages)
    for index in range(20):
        camera.info(stamp(index), "/elsewhere/info")
        camera.image(stamp(index), pixels(index), "/cam/image_raw")
        if payloads := receive(participant, readers[DEPTH], 1, 1.0):
            break
    depth = store.deserialize_cdr(payloads[0], IMAGE_TYPE)
    assert stamp_ns(depth.header.stamp) in {stamp(i) for i in range(index + 1)}
    assert receive(participant, readers[POINTS], 1, 5.0)
    assert node.stop() < ending()
    assert node.process.returncode == 0, node.log
    assert "Traceback" not in node.log


def test_ctrl_c_does_not_wait_until_the_network_is_loaded(start_launched, checkpoint):
    node = start_launched(checkpoint=str(checkpoint))
    until(lambda: "Cyclone DDS is used" in node.log, "first log line", 90.0)
    time.sleep(1.0)  # the node imports torch or loads the network
    assert node.stop() < ending()
    assert "Traceback" not in node.log


def test_an_error_in_a_parameter_file_is_one_line(start_launched, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("/**: {ros__parameters: {points_strid: 2}}")
    node = start_launched(params_file=str(file))
    node.process.wait(90)
    assert node.process.returncode == 1
    node.stop()
    assert "parameter 'points_strid' is unknown" in node.log and "Traceback" not in node.log
