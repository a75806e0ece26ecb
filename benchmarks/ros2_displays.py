# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages of the node that reach the displays of RViz on Fast DDS, reliable and best effort.

    .venv-jazzy/bin/python benchmarks/ros2_displays.py
    .venv-jazzy/bin/python benchmarks/ros2_displays.py --images 20

A camera, a node and a subscriber are three processes of rclpy. The subscriber has the topics and
the QoS of the displays in config/depth.rviz; it does not draw. The camera sends an image when the
depth of the last one was published, but not faster than the given rate. Published images are those
whose depth/camera_info was received, which is small and reliable. All processes have the transport
of their row. The results are in benchmarks/results/ros2_displays.json.
"""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tyro
from ros2_camera import Camera
from ros2_live import PATIENCE, START, Node
from ros2_transport import BUILTIN, PROFILE, PROFILES, Receiver, environment

from jasmine_core.config import read_mapping
from jasmine_core.evaluate.report import write_json
from jasmine_ros.node.rviz_layout import cloud_parameters, view_of
from jasmine_ros.node.topics import COLORIZED, DEPTH_INFO, IMAGE, POINTS

LAYOUT = PROFILE.with_name("depth.rviz")
RESULTS = Path(__file__).parent / "results" / "ros2_displays.json"
TRANSPORTS = {
    "default": {},
    "LARGE_DATA": {BUILTIN: "LARGE_DATA"},
    "profile of config/": {PROFILES: str(PROFILE), "FASTDDS_DEFAULT_PROFILES_FILE": str(PROFILE)},
}
SIZE = (1280, 720)
LAST = 2.0  # [s] for the last messages


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    images: int = 72  # Number of images of each row.
    rate: float = 5.0  # Highest rate of the camera [Hz].
    domain: int = 1 + os.getpid() % 101  # DDS domain.
    output: Path = RESULTS  # JSON file of the results.


@dataclass(frozen=True)
class Row:
    """Cloud, transport and reliability of one row."""

    cloud: dict[str, Any]  # parameters of the node
    transport: str
    reliable: bool  # the displays of /depth


def displays() -> dict[str, tuple[str, bool]]:
    """Return (message, reliability) of each topic that RViz shows."""
    found = {}
    for display in read_mapping(LAYOUT)["Visualization Manager"]["Displays"]:
        if (topic := display.get("Topic")) is not None:
            assert topic["Depth"] == 1
            kind = display["Class"].rpartition("/")[2]  # the name of its message, too
            reliable = topic["Reliability Policy"] == "Reliable"
            found[topic["Value"].lstrip("/")] = kind, reliable
    return found


def rows(checkpoint: str) -> list[Row]:
    """Return all rows: the cloud of `rviz:=true` on each transport, and a full one."""
    given = {"checkpoint": checkpoint}
    small = cloud_parameters(given, view_of(given))
    full = {"points_stride": 1, "points_max_range": 0.0}
    cases = [(small, name) for name in TRANSPORTS] + [(full, "default")]
    return [Row(*case, reliable) for case in cases for reliable in (True, False)]


def measure(row: Row, options: Options, number: int, cache: Path) -> dict[str, Any]:
    """Return the numbers of messages that were published and received."""
    namespace = f"/displays_{number}"
    values = {"checkpoint": options.checkpoint, "backend": "onnxruntime", "device": "cpu"}
    values |= {"publish_points": True, "publish_colorized": True, **row.cloud}
    received: dict[str, set[int]] = {}
    receiver = Receiver(f"rviz_{number}", **TRANSPORTS[row.transport])
    with environment(TRANSPORTS[row.transport]):
        camera, node = Camera(), Node(namespace, cache, **values)
    try:
        subscriptions = []
        shown = {
            topic: (kind, row.reliable if topic.startswith("depth/") else reliable)
            for topic, (kind, reliable) in displays().items()
        }
        for topic, (kind, reliable) in (shown | {DEPTH_INFO: ("CameraInfo", True)}).items():
            message = getattr(import_module("sensor_msgs.msg"), kind)
            received[topic] = set()
            callback, name = _noting(received[topic]), f"{namespace}/{topic}"
            subscriptions.append(
                receiver.subscribe(message, name, callback, raw=True, reliable=reliable)
            )

        def send() -> int:
            return camera.send(f"{namespace}/{IMAGE}", SIZE, info=True)

        began = time.monotonic()
        while not (received[DEPTH_INFO] and all(s.get_publisher_count() for s in subscriptions)):
            if time.monotonic() - began > START:
                raise SystemExit(f"no depth within {START:g} s")
            send()
            receiver.wait(lambda: received[DEPTH_INFO], 0.2)
        receiver.wait(lambda: False, LAST)
        sent = set()
        for _ in range(options.images):
            due = time.monotonic() + 1 / options.rate
            sent.add(stamp := send())
            receiver.wait(lambda stamp=stamp: stamp in received[DEPTH_INFO], PATIENCE)
            receiver.wait(lambda: False, max(0.0, due - time.monotonic()))
        receiver.wait(lambda: False, LAST)
    finally:
        node.close()
        camera.close()
        receiver.close()
    counts = {topic: len(stamps & sent) for topic, stamps in received.items()}
    return {
        "cloud": row.cloud,
        "transport": row.transport,
        "reliable": row.reliable,
        "sent": len(sent),
        "published": counts.pop(DEPTH_INFO),
        **counts,
    }


def table(result: dict[str, Any]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| points_stride | transport | displays of /depth | points | colorized | image |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        columns = [str(row["cloud"]["points_stride"]), row["transport"]]
        columns.append("reliable" if row["reliable"] else "best effort")
        columns += [f"{row[topic]} of {row['published']}" for topic in (POINTS, COLORIZED)]
        columns.append(f"{row[IMAGE]} of {row['sent']}")
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    """Measure all rows; print the table and write the results."""
    os.environ |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    os.environ |= {"ROS_DOMAIN_ID": str(options.domain), "OMP_NUM_THREADS": "1"}
    load = os.getloadavg()[0]
    with TemporaryDirectory() as cache:
        found = [
            measure(row, options, number, Path(cache))
            for number, row in enumerate(rows(options.checkpoint))
        ]
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "rclpy": version("ros-rclpy"),
        "width": SIZE[0],
        "height": SIZE[1],
        "rows": found,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],  # of one minute, before and after
    }
    write_json(options.output, result)
    print(f"{table(result)}\n\nsee {options.output}")


def _noting(stamps: set[int]) -> Any:
    """Return a callback that adds the stamp of a serialised message [ns]."""

    def callback(raw: bytes) -> None:
        # The stamp follows the four bytes that tell the encoding.
        sec, nanosec = struct.unpack_from("<iI", raw, 4)
        stamps.add(sec * 10**9 + nanosec)

    return callback


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
