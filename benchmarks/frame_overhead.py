# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Show how much of a frame is not the network, for several picture sizes, in one process.

    make bench
    .venv/bin/python benchmarks/frame_overhead.py --frames 50 --checkpoint DIR

Every size runs the whole component (message in, messages out), interleaved frame by frame, so that
whatever else the machine does meets all of them. Read the ratios: the milliseconds are this
machine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import tyro

from jasmine_core.geometry.camera import Camera
from jasmine_ros.depth_component import DepthComponent
from jasmine_ros.images import encode_image
from jasmine_ros.messages import RosbagsMessages, make_camera_info, make_header
from jasmine_ros.parameters import DepthParameters

SIZES = ((640, 480), (1280, 720), (1920, 1080))
NETWORK = ("encode", "denoise", "decode", "refine")


@dataclass(frozen=True)
class Options:
    """Choose what is measured."""

    checkpoint: str = "random:tiny"
    frames: int = 20


class Sink:
    """A host that serialises what is published, as every middleware must, and throws it away."""

    def __init__(self) -> None:
        self.messages = RosbagsMessages()
        self.frame: Any = None
        self._types: dict[str, str] = {}

    def resolve(self, topic: str) -> str:
        return topic

    def advertise(self, topic: str, type_name: str) -> None:
        self._types[topic] = type_name

    def publish(self, topic: str, message: Any) -> None:
        self.messages.typestore.serialize_cdr(message, self._types[topic])

    def wanted(self, topic: str) -> bool:
        return True

    def subscribe(self, *_: Any) -> None:
        pass

    def unsubscribe(self) -> None:
        pass

    def timer(self, *_: Any) -> None:
        pass

    def schedule(self, work: Any) -> None:
        work()

    def now(self) -> int:
        return 0

    def log(self, *_: Any) -> None:
        pass

    def processed(self, frame: Any) -> None:
        self.frame = frame


def main(options: Options) -> None:
    """Measure every size, with and without a cloud, and print a table."""
    rigs = {}
    for cloud in (False, True):
        for width, height in SIZES:
            host = Sink()
            parameters = DepthParameters(checkpoint=options.checkpoint, publish_points=cloud)
            component = DepthComponent(host, parameters)
            component.configure()
            K = np.array([[0.6 * width, 0, width / 2], [0, 0.6 * width, height / 2], [0, 0, 1]])
            header = make_header(host.messages, 1, "camera")
            component.on_camera_info(
                make_camera_info(host.messages, header, Camera(width, height, K))
            )
            noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
            message = encode_image(host.messages, header, noise, "rgb8")
            rigs[width, height, cloud] = component, host, message, ([], [])

    for _ in range(options.frames + 2):
        for component, host, message, (network, whole) in rigs.values():
            began = perf_counter()
            component.on_image(message)
            whole.append(perf_counter() - began)
            network.append(sum(host.frame.seconds[stage] for stage in NETWORK))

    print("| picture | cloud | network [ms] | the rest [ms] | rest / network |")
    print("|---|---|---|---|---|")
    for (width, height, cloud), (_, _, _, (network, whole)) in rigs.items():
        net = 1000 * np.median(network[2:])  # the first two warm up
        rest = 1000 * np.median(np.subtract(whole, network)[2:])
        with_cloud = "yes" if cloud else "no"
        print(f"| {width}x{height} | {with_cloud} | {net:.1f} | {rest:.1f} | {rest / net:.1%} |")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
