# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Benchmark of the node on ROS 2: the whole commands, and their tables in the documentation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.benchmark_scripts import BENCHMARKS, benchmark_script

ROOT = Path(__file__).parents[2]
needs_ros = pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here")


@pytest.fixture(scope="module")
def script():
    with benchmark_script("ros2_live") as module:
        yield module


@pytest.fixture
def run():
    def run(name: str, *options: object) -> str:
        """Return what a benchmark prints."""
        command = [sys.executable, str(BENCHMARKS / name), *map(str, options)]
        environment = os.environ | {"ROS_DOMAIN_ID": str(1 + (os.getpid() + 40) % 101)}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=900, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_tables_of_the_documentation_are_those_of_the_results(script):
    result = json.loads((BENCHMARKS / "results" / "ros2.json").read_text())
    page = (ROOT / "docs" / "performance.md").read_text()
    tables = (script.table(result), script.ros2_transport.table(result["transport"]))
    for table in "\n\n".join(tables).split("\n\n"):
        assert table in page
    assert result["date"] in page and f"{result['load'][0]:g}" in page


@pytest.mark.parametrize("name", ["ros2_displays", "ros2_launch"])
def test_other_tables_of_the_documentation_are_those_of_their_results(name):
    result = json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())
    page = (ROOT / "docs" / "performance.md").read_text()
    with benchmark_script(name) as module:
        assert module.table(result) in page
    assert f"{result['load'][0]:g}" in page and result["date"] in page


def test_displays_are_those_of_rviz_with_the_cloud_of_the_launch_file():
    with benchmark_script("ros2_displays") as module:
        assert module.displays() == {
            "image": ("Image", False),
            "depth/colorized": ("Image", True),
            "depth/points": ("PointCloud2", True),
        }
        rows = module.rows("jasmine-tiny")
        small = {"points_stride": 2, "points_max_range": rows[0].cloud["points_max_range"]}
        cases = [(row.transport, row.reliable) for row in rows if row.cloud == small]
        assert set(cases) == {(name, each) for name in module.TRANSPORTS for each in (True, False)}
    assert small["points_max_range"] > 0


@pytest.mark.ros
@pytest.mark.slow
@needs_ros
def test_messages_of_the_displays_are_counted(run, checkpoint, tmp_path):
    file = tmp_path / "displays.json"
    run("ros2_displays.py", "--checkpoint", checkpoint, "--images", 3, "--output", file)
    for row in json.loads(file.read_text())["rows"]:
        assert 0 < row["published"] <= row["sent"] == 3
        assert all(
            0 <= row[topic] <= row["published"] for topic in ("depth/points", "depth/colorized")
        )
        assert 0 <= row["image"] <= 3


@pytest.mark.ros
@needs_ros
def test_the_transport_of_images_is_measured_on_every_transport(script, run):
    printed = run("ros2_transport.py", "--rounds", 2)
    for width, height in script.SIZES:
        for name in script.ros2_transport.TRANSPORTS:
            assert f"| {width}x{height} | {name} |" in printed


@pytest.mark.ros
@pytest.mark.slow
@needs_ros
def test_starts_and_latency_are_measured_and_written(script, run, checkpoint, tmp_path):
    file = tmp_path / "ros2.json"
    printed = run(
        "ros2_live.py", "--checkpoint", checkpoint, "--rounds", 2, "--starts", 1, "--output", file
    )
    result = json.loads(file.read_text())
    assert [row["start"] for row in result["first_depth"]] == list(script.STARTS)
    assert all(row["processor_seconds"] > 0 for row in result["first_depth"])
    assert len(result["latency"]) == 2 * len(script.SIZES)
    for row in result["latency"]:
        assert not row["lost"] and row["processor_ms"] > 0
        assert 0 < row["depth_ms"][0] <= row["depth_ms"][2]
        assert bool(row.get("points_ms")) == row["cloud"]
    assert script.table(result) in printed
