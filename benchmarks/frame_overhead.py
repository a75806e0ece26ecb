# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time of an image without the network, for several image sizes, in one process.

    make bench
    .venv/bin/python benchmarks/frame_overhead.py --frames 50 --checkpoint DIR

Every size runs the whole component, from message to messages, with a real network, which leaves the
caches cold. The sizes alternate image by image, so that other programs affect all of them equally.
OpenCV uses one thread. The time without the network is given as wall time and as processor time; on
a busy machine only the processor time is meaningful.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

# Otherwise the threads of the network keep spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np
import tyro

from jasmine_core.geometry.camera import Camera
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.msgs.images import encode_image
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters

WARM_UP = 2  # [images]
SIZES = ((640, 480), (1280, 720), (1920, 1080))
GOALS = {False: 5.0, True: 12.0}  # [ms] at 1280x720, without and with a cloud


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    frames: int = 20  # Number of images per size.
    backend: str = "auto"  # Backend of the network.


class Metered:
    """A network that measures its time."""

    def __init__(self, backend: Any) -> None:
        self.info = backend.info
        self._backend = backend
        self.wall = self.processor = 0.0

    def __call__(self, image: Any) -> Any:
        wall, processor = perf_counter(), process_time()
        maps = self._backend(image)
        self.wall, self.processor = perf_counter() - wall, process_time() - processor
        return maps


class Sink:
    """A host that serialises published messages, as every middleware must, and drops them."""

    def __init__(self) -> None:
        self.messages = RosbagsMessages()
        self.conversion = Conversion(self.messages)
        self._types: dict[str, str] = {}

    def resolve(self, topic: str) -> str:
        return topic

    def advertise(self, topic: str, type_name: str) -> None:
        self._types[topic] = type_name

    def publish(self, topic: str, message: Any) -> None:
        self.messages.typestore.serialize_cdr(message, self._types[topic])

    def wanted(self, topic: str) -> bool:
        return True

    def schedule(self, work: Any) -> None:
        work()

    def now(self) -> int:
        return 0

    def publishers_of(self, topic: str) -> list[Any]:
        return []

    def ignore(self, *_: Any, **__: Any) -> None:
        pass

    unadvertise = subscribe = unsubscribe = service = diagnose = ignore
    timer = log = processed = ignore


def measure(options: Options) -> list[dict[str, Any]]:
    """Measure every size, with and without a cloud; return a row for each."""
    cv2.setNumThreads(1)
    rigs = {}
    for cloud in (False, True):
        for width, height in SIZES:
            host = Sink()
            parameters = DepthParameters(
                checkpoint=options.checkpoint, backend=options.backend, publish_points=cloud
            )
            component = DepthComponent(host, parameters)
            component.configure()
            component.activate("sensor_msgs/msg/Image")
            network = component.predictor.backend = Metered(component.predictor.backend)
            K = np.array([[0.6 * width, 0, width / 2], [0, 0.6 * width, height / 2], [0, 0, 1]])
            header = make_header(host.messages, 1, "camera")
            component.on_camera_info(
                make_camera_info(host.messages, header, Camera(width, height, K))
            )
            noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
            message = encode_image(host.messages, header, noise, "rgb8")
            rigs[width, height, cloud] = component, network, message, []

    for _ in range(options.frames + WARM_UP):
        for component, network, message, frames in rigs.values():
            began, processor = perf_counter(), process_time()
            component.on_image(message)
            wall, used = perf_counter() - began, process_time() - processor
            frames.append((network.wall, wall - network.wall, used - network.processor))

    rows = []
    for (width, height, cloud), (component, _, _, frames) in rigs.items():
        if component.counts.skipped:
            raise SystemExit(f"{width}x{height}: frames were skipped: {component.counts}")
        network_s, rest_s, processor_s = np.median(frames[WARM_UP:], axis=0)
        rows.append(
            {
                "width": width,
                "height": height,
                "cloud": cloud,
                "network_ms": 1e3 * network_s,
                "rest_ms": 1e3 * rest_s,
                "rest_processor_ms": 1e3 * processor_s,
            }
        )
    return rows


def summarise(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the figures of 1280x720."""
    found = {row["cloud"]: row["rest_processor_ms"] for row in rows if row["height"] == 720}
    return {"overhead_ms_720p": found[False], "overhead_ms_720p_cloud": found[True]}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = ["| image | cloud | network [ms] | the rest [ms] | on one core [ms] | goal [ms] |"]
    lines.append("|---|---|---|---|---|---|")
    for row in rows:
        goal = f"{GOALS[row['cloud']]:g}" if row["height"] == 720 else ""
        lines.append(
            f"| {row['width']}x{row['height']} | {'yes' if row['cloud'] else 'no'} | "
            f"{row['network_ms']:.1f} | {row['rest_ms']:.1f} | {row['rest_processor_ms']:.1f} | "
            f"{goal} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure(tyro.cli(Options, description=__doc__))))
