# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node on a real ROS 2: time to the first depth, latency of an image, and transport.

    make bench-ros
    .venv-jazzy/bin/python benchmarks/ros2_live.py --rounds 20 --starts 1

Camera, node and subscriber are three processes of rclpy on Fast DDS. Latency is the time from the
stamp of an image, which the camera takes before it publishes, to the callback of a subscriber with
the depth of that stamp. The camera sends an image when the last one is answered. In each round all
image sizes, with and without cloud, take turns. The results are in benchmarks/results/ros2.json.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import ros2_transport
import tyro
from ros2_camera import Camera
from ros2_transport import SIZES, Receiver, percentiles, words

from jasmine_core.evaluate.report import write_json

RESULTS = Path(__file__).parent / "results" / "ros2.json"
START = 600.0  # [s] for the first depth; a cold start may export the network
PATIENCE = 20.0  # [s] for the depth of an image
WARM_UP = 3  # rounds
STARTS = {  # (backend, whether the cache of exported graphs is empty)
    "torch": ("torch", False),
    "onnxruntime, warm cache": ("onnxruntime", False),
    "onnxruntime, cold cache": ("onnxruntime", True),
}


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    rounds: int = 100  # Number of counted images of each row of the latency and of the transport.
    starts: int = 3  # Number of counted starts of each kind.
    domain: int = 1 + os.getpid() % 101  # DDS domain.
    output: Path = RESULTS  # JSON file of the results.


class Node:
    """Process of the depth node, which the benchmark starts and ends."""

    def __init__(self, namespace: str, cache: Path, **parameters: Any) -> None:
        command = [sys.executable, "-I", "-m", "jasmine_ros.depth_node", "--ros-args"]
        command += ["-r", f"__ns:={namespace}"]
        command += ["-r", f"/diagnostics:={namespace}/diagnostics"]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={json.dumps(value)}"]
        self._log = (cache / "node.log").open("a")
        self._process = subprocess.Popen(
            command,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"JASMINE_CACHE": str(cache)},
        )

    def close(self) -> None:
        """End the process as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._log.close()


class Depths:
    """Subscriptions to the outputs of nodes; they keep the stamps and times of what has come."""

    def __init__(self, receiver: Receiver, namespace: str, cloud: bool) -> None:
        from sensor_msgs.msg import Image, PointCloud2

        self._receiver = receiver
        self.depths: dict[int, int] = {}  # time of arrival [ns] by stamp
        self.clouds: dict[int, int] = {}
        receiver.subscribe(Image, f"{namespace}/depth/image_rect", self._note(self.depths))
        if cloud:
            receiver.subscribe(PointCloud2, f"{namespace}/depth/points", self._note(self.clouds))

    def wait(self, outputs: tuple[dict[int, int], ...], stamp: int, seconds: float) -> bool:
        """Wait until outputs with a stamp have come."""
        return self._receiver.wait(lambda: all(stamp in each for each in outputs), seconds)

    def _note(self, times: dict[int, int]) -> Any:
        def callback(message: Any) -> None:
            now, at = time.time_ns(), message.header.stamp
            times[at.sec * 10**9 + at.nanosec] = now

        return callback


@contextmanager
def running(namespace: str, cache: Path, receiver: Receiver, camera: Camera, **parameters: Any):
    """Yield a node that has answered an image, with its outputs and the time of its start [s]."""
    node = Node(namespace, cache, **parameters)
    began = time.perf_counter()
    try:
        depths = Depths(receiver, namespace, bool(parameters.get("publish_points")))
        while not depths.depths:
            if time.perf_counter() - began > START:
                log = (cache / "node.log").read_text()
                raise SystemExit(f"no depth within {START:g} s; the log of the node:\n{log}")
            stamp = camera.send(f"{namespace}/image", SIZES[0], info=True)
            depths.wait((depths.depths,), stamp, 0.1)
        yield depths, time.perf_counter() - began
    finally:
        node.close()


def first_depth(options: Options, receiver: Receiver, camera: Camera) -> list[dict[str, Any]]:
    """Measure the time from the start of the process to the first depth, in turns."""
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    with TemporaryDirectory() as folder:
        for turn in range(1 + options.starts):
            for name, (backend, cold) in STARTS.items():
                cache = Path(folder) / (f"cold-{turn}" if cold else "warm")
                cache.mkdir(exist_ok=True)
                if cold and not turn:
                    continue  # The first round only fills the page cache and the warm cache.
                values = {"checkpoint": options.checkpoint, "backend": backend, "device": "cpu"}
                namespace = f"/start_{turn}_{'_'.join(name.replace(',', '').split())}"
                with running(namespace, cache, receiver, camera, **values) as (_, seconds):
                    times[name] += [seconds] if turn else []
    return [
        {"start": name, "seconds": median(found), "least": min(found), "most": max(found)}
        for name, found in times.items()
    ]


def latency(options: Options, receiver: Receiver, camera: Camera) -> list[dict[str, Any]]:
    """Measure the latency at each image size, with and without a cloud."""
    values = {"checkpoint": options.checkpoint, "backend": "onnxruntime", "device": "cpu"}
    samples: dict[tuple[tuple[int, int], bool], list[tuple[int, ...]]] = {
        (size, cloud): [] for size in SIZES for cloud in (False, True)
    }
    lost = dict.fromkeys(samples, 0)
    with TemporaryDirectory() as folder, two_nodes(Path(folder), receiver, camera, values) as nodes:
        for turn in range(WARM_UP + options.rounds):
            for (size, cloud), found in samples.items():
                namespace, depths = nodes[cloud]
                outputs = (depths.depths, depths.clouds)[: 1 + cloud]
                stamp = camera.send(f"{namespace}/image", size, info=True)
                if not depths.wait(outputs, stamp, PATIENCE):
                    lost[size, cloud] += turn >= WARM_UP
                elif turn >= WARM_UP:
                    found.append(tuple(each[stamp] - stamp for each in outputs))
    rows = []
    for (size, cloud), found in samples.items():
        columns = np.array(found) / 1e6  # [n, outputs] ms
        row = {"width": size[0], "height": size[1], "cloud": cloud, "lost": lost[size, cloud]}
        row["depth_ms"] = percentiles(columns[:, 0].tolist())
        if cloud:
            row["points_ms"] = percentiles(columns[:, 1].tolist())
        rows.append(row)
    return rows


@contextmanager
def two_nodes(
    cache: Path, receiver: Receiver, camera: Camera, values: dict[str, Any]
) -> Iterator[dict[bool, tuple[str, Depths]]]:
    """Yield the namespace and the outputs of a node without and of one with a cloud."""
    plain, cloudy = "/latency", "/latency_cloud"
    with (
        running(plain, cache, receiver, camera, **values) as (without, _),
        running(cloudy, cache, receiver, camera, publish_points=True, **values) as (points, _),
    ):
        yield {False: (plain, without), True: (cloudy, points)}


def table(result: dict[str, Any]) -> str:
    """Return the time to the first depth and the latency as Markdown."""
    lines = ["| start | to the first depth: median, least, most [s] | ratio |", "|---|---|---|"]
    base = result["first_depth"][0]["seconds"]
    for row in result["first_depth"]:
        times = ", ".join(f"{row[name]:.1f}" for name in ("seconds", "least", "most"))
        lines.append(f"| {row['start']} | {times} | {row['seconds'] / base:.2f} |")
    lines += [
        "",
        "| image | cloud | depth, p50 / p95 / p99 [ms] | cloud [ms] | ratio | lost |",
        "|---|---|---|---|---|---|",
    ]
    base = result["latency"][0]["depth_ms"][0]
    for row in result["latency"]:
        lines.append(
            f"| {row['width']}x{row['height']} | {'yes' if row['cloud'] else 'no'} | "
            f"{words(row['depth_ms'])} | {words(row['points_ms']) if row['cloud'] else ''} | "
            f"{row['depth_ms'][0] / base:.2f} | {row['lost']} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    """Run all parts; print the tables and write the results."""
    os.environ |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    os.environ |= {"ROS_DOMAIN_ID": str(options.domain), "OMP_NUM_THREADS": "1"}
    load = os.getloadavg()[0]
    receiver, camera = Receiver(), Camera()
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "rclpy": version("ros-rclpy"),
        "rounds": options.rounds,
        "starts": options.starts,
        "first_depth": first_depth(options, receiver, camera),
        "latency": latency(options, receiver, camera),
        "transport": ros2_transport.measure(ros2_transport.Options(options.rounds)),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],  # of one minute, before and after
    }
    camera.close()
    receiver.close()
    write_json(options.output, result)
    print(f"{table(result)}\n\n{ros2_transport.table(result['transport'])}\n\nsee {options.output}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
