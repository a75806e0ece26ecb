# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node on a real ROS 2: time to the first depth, latency of an image, and transport.

    make bench-ros
    .venv-jazzy/bin/python benchmarks/ros2_live.py --rounds 20 --starts 1

Camera, node and subscriber are three processes of rclpy on Fast DDS. Latency is the time from the
stamp of an image, which the camera takes before it publishes, to the callback of a subscriber with
the depth of that stamp. The camera sends an image when the last one is answered. In each round all
image sizes, with and without cloud, take turns. A cold start exports the network to a new cache,
and the warm start of the same round uses that cache. Processor time is that of all threads of the
node; on a busy machine only this is meaningful. The results are in benchmarks/results/ros2.json.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import ros2_transport
import tyro
from ros2_camera import Camera, processor_time
from ros2_transport import SIZES, Receiver, percentiles, words

from jasmine_core.evaluate.report import write_json

RESULTS = Path(__file__).parent / "results" / "ros2.json"
START = 600.0  # [s] for the first depth; a cold start may export the network
PATIENCE = 60.0  # [s] for the depth of an image
WARM_UP = 3  # rounds
STARTS = {  # name: backend; in this order
    "torch": "torch",
    "onnxruntime, cold cache": "onnxruntime",
    "onnxruntime, warm cache": "onnxruntime",
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
        self._log = (cache / "node.log").open("a")
        self._process = subprocess.Popen(
            self.command(namespace, cache, parameters),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"JASMINE_CACHE": str(cache)},
        )

    def command(self, namespace: str, cache: Path, parameters: dict[str, Any]) -> list[str]:
        """Return the command that starts the node."""
        command = [sys.executable, "-I", "-m", "jasmine_ros.depth_node", "--ros-args"]
        command += ["-r", f"__ns:={namespace}"]
        command += ["-r", f"/diagnostics:={namespace}/diagnostics"]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={json.dumps(value)}"]
        return command

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def processor_time(self) -> float:
        """Return the processor time [s] of the process and of all its children."""
        return _processor_time(self.pid)

    def close(self) -> None:
        """End the process as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._log.close()


def _processor_time(pid: int) -> float:
    """Return the processor time [s] of a process, its children, and those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + sum(_processor_time(int(child)) for child in " ".join(children).split())


class Depths:
    """Subscriptions to the outputs of nodes; they keep the stamps and times of what has come."""

    def __init__(self, receiver: Receiver, node: Node, namespace: str, cloud: bool) -> None:
        from sensor_msgs.msg import Image, PointCloud2

        self._receiver, self.node = receiver, node
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
def running(
    namespace: str,
    cache: Path,
    receiver: Receiver,
    camera: Camera,
    size: tuple[int, int],
    kind: type[Node] = Node,
    **parameters: Any,
) -> Iterator[tuple[Depths, float]]:
    """Yield the outputs of a node that has answered an image, and the time since its start [s]."""
    node = kind(namespace, cache, **parameters)
    began = time.perf_counter()
    try:
        depths = Depths(receiver, node, namespace, bool(parameters.get("publish_points")))
        while not depths.depths:
            if time.perf_counter() - began > START:
                log = (cache / "node.log").read_text()
                raise SystemExit(f"no depth within {START:g} s; the log of the node:\n{log}")
            stamp = camera.send(f"{namespace}/image", size, info=True)
            depths.wait((depths.depths,), stamp, 0.1)
        yield depths, time.perf_counter() - began
    finally:
        node.close()


def first_depth(
    options: Options,
    caches: Path,
    receiver: Receiver,
    camera: Camera,
    kinds: Mapping[str, type[Node]] = MappingProxyType({"": Node}),
) -> list[dict[str, Any]]:
    """Measure the time from the start of the process to the first depth, in turns.

    Args:
        options: options of the benchmark.
        caches: folder for the caches of the nodes.
        receiver: node that subscribes to the depth.
        camera: camera process.
        kinds: kinds of processes, with the beginning of the name of their rows.
    """
    starts = {
        f"{prefix}{name}": (kind, backend)
        for name, backend in STARTS.items()
        for prefix, kind in kinds.items()
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for turn in range(options.starts):
        for number, (name, (kind, backend)) in enumerate(starts.items()):
            cache = caches / f"{turn}{kind.__name__}"
            cache.mkdir(exist_ok=True)
            values = {"checkpoint": options.checkpoint, "backend": backend, "device": "cpu"}
            namespace = f"/start_{turn}_{number}"
            node = running(namespace, cache, receiver, camera, SIZES[0], kind, **values)
            with node as (depths, seconds):
                times[name].append((seconds, depths.node.processor_time()))
    rows = []
    for name, found in times.items():
        wall, processor = zip(*found, strict=True)
        rows.append(
            {
                "start": name,
                "seconds": median(wall),
                "seconds_least": min(wall),
                "processor_seconds": median(processor),
            }
        )
    return rows


def latency(
    options: Options, cache: Path, receiver: Receiver, camera: Camera
) -> list[dict[str, Any]]:
    """Measure the latency at each image size, with and without a cloud."""
    values = {"checkpoint": options.checkpoint, "backend": "onnxruntime", "device": "cpu"}
    samples: dict[tuple[tuple[int, int], bool], list[tuple[float, ...]]] = {
        (size, cloud): [] for size in SIZES for cloud in (False, True)
    }
    lost = dict.fromkeys(samples, 0)
    with ExitStack() as stack:
        # A node for each row, because a node skips an image that overtakes a changed CameraInfo.
        nodes = {}
        for number, (size, cloud) in enumerate(samples):
            namespace = f"/latency_{number}"
            given = values | {"publish_points": cloud}
            node = running(namespace, cache, receiver, camera, size, **given)
            nodes[size, cloud] = namespace, stack.enter_context(node)[0]
        for turn in range(WARM_UP + options.rounds):
            for (size, cloud), found in samples.items():
                namespace, depths = nodes[size, cloud]
                outputs = (depths.depths, depths.clouds)[: 1 + cloud]
                before = processor_time(depths.node.pid)
                stamp = camera.send(f"{namespace}/image", size, info=True)
                answered = depths.wait(outputs, stamp, PATIENCE)
                used = processor_time(depths.node.pid) - before
                if turn >= WARM_UP:
                    lost[size, cloud] += not answered
                    if answered:
                        found.append((used, *((each[stamp] - stamp) / 1e6 for each in outputs)))
    rows = []
    for (size, cloud), found in samples.items():
        columns = np.array(found)  # [n, 1 + outputs] ms
        row = {"width": size[0], "height": size[1], "cloud": cloud, "lost": lost[size, cloud]}
        row["depth_ms"] = percentiles(columns[:, 1].tolist())
        if cloud:
            row["points_ms"] = percentiles(columns[:, 2].tolist())
        row["processor_ms"] = float(np.median(columns[:, 0]))
        rows.append(row)
    return rows


def table_of_starts(rows: list[dict[str, Any]]) -> str:
    """Return the time to the first depth as Markdown."""
    lines = [
        "| start | to the first depth: median, least [s] | processor time [s] | ratio |",
        "|---|---|---|---|",
    ]
    base = rows[0]["processor_seconds"]
    lines += [
        f"| {row['start']} | {row['seconds']:.1f}, {row['seconds_least']:.1f} | "
        f"{row['processor_seconds']:.1f} | {row['processor_seconds'] / base:.2f}x |"
        for row in rows
    ]
    return "\n".join(lines)


def table(result: dict[str, Any]) -> str:
    """Return the time to the first depth and the latency as Markdown."""
    lines = [
        table_of_starts(result["first_depth"]),
        "",
        "| image | cloud | depth: p50 / p95 / p99 [ms] | cloud: p50 / p95 / p99 [ms] | "
        "processor time [ms] | ratio | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    base = result["latency"][0]["processor_ms"]
    lines += [
        f"| {row['width']}x{row['height']} | {'yes' if row['cloud'] else 'no'} | "
        f"{words(row['depth_ms'])} | {words(row['points_ms']) if row['cloud'] else ''} | "
        f"{row['processor_ms']:.1f} | {row['processor_ms'] / base:.2f}x | {row['lost']} |"
        for row in result["latency"]
    ]
    return "\n".join(lines)


def main(options: Options) -> None:
    """Run all parts; print the tables and write the results."""
    os.environ |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    os.environ |= {"ROS_DOMAIN_ID": str(options.domain), "OMP_NUM_THREADS": "1"}
    load = os.getloadavg()[0]
    receiver, camera = Receiver(), Camera()
    with TemporaryDirectory() as folder:
        caches = Path(folder)
        starts = first_depth(options, caches, receiver, camera)
        latencies = latency(options, caches / "0Node", receiver, camera)
    camera.close()
    receiver.close()
    transport = ros2_transport.measure(ros2_transport.Options(options.rounds))
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "rclpy": version("ros-rclpy"),
        "rounds": options.rounds,
        "starts": options.starts,
        "first_depth": starts,
        "latency": latencies,
        "transport": transport,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],  # of one minute, before and after
    }
    write_json(options.output, result)
    print(f"{table(result)}\n\n{ros2_transport.table(result['transport'])}\n\nsee {options.output}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
