# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time of the filter over time for one image, beside that of the network.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/temporal.py
    .venv/bin/python benchmarks/temporal.py --size 1242 375 --images 200

The images are those of the bundled recording, resized; the depth is that of the network with a
flickering scale. Times are processor time of one thread, median over the images. "up-to-scale"
measures the unit of the depth by triangulation as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

import cv2
import numpy as np
import tyro

from jasmine_core.geometry.camera import Camera
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.steady_depth import SteadyDepth
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.msgs.images import decode

DRIVE = Path(str(resources.files("jasmine_core"))) / "samples" / "street" / "drive"
PERIOD = 100_000_000  # [ns] between images
SPEED = 0.8  # [m] between images


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint whose network is timed.
    size: tuple[int, int] = (640, 192)  # Width and height of the images [px].
    images: int = 60  # Number of images; the first two are not counted.


def read_images(size: tuple[int, int]) -> list[Any]:
    """Return the images [H,W,3] of the bundled recording in another size."""
    with Bag(DRIVE) as bag:
        topic = choose_camera(bag).image
        return [cv2.resize(decode(bag.decode(m), topic), size) for m in bag.messages([topic])]


def measure(options: Options) -> dict[str, float]:
    """Return the processor time [ms] of an image for the network and for each mode."""
    cv2.setNumThreads(1)
    images = read_images(options.size)
    predictor = DepthPredictor.from_pretrained(options.checkpoint)
    network = []
    depths = []
    for image in images[:8]:
        began = thread_time()
        depths.append(predictor(image).depth)
        network.append(thread_time() - began)
    width, height = options.size
    K = np.array([[0.9 * width, 0, width / 2], [0, 0.9 * width, height / 2], [0, 0, 1]])
    camera = Camera(width, height, K)
    forward = np.eye(4)

    def motion(target: int, source: int) -> Any:
        T = forward.copy()
        T[2, 3] = SPEED * (source - target) / PERIOD
        return T

    result = {"network": 1000 * median(network[1:])}
    for name, mode, unit in (
        ("scale", "scale", 30.0),
        ("fuse", "fuse", 30.0),
        ("fuse, up-to-scale", "fuse", None),
    ):
        steady, seconds = SteadyDepth(mode), []
        pairs = zip(cycle(images), cycle(depths), strict=False)
        for index, (image, depth) in enumerate(islice(pairs, options.images)):
            given = depth * np.float32(1 + 0.05 * (index % 3))
            began = thread_time()
            steady(given, image, camera, index * PERIOD, motion, unit)
            seconds.append(thread_time() - began)
        result[name] = 1000 * median(seconds[2:])
    return result


def main() -> None:
    """Print the times and their ratio to that of the network."""
    options = tyro.cli(Options)
    result = measure(options)
    for name, ms in result.items():
        print(f"{name:20} {ms:8.2f} ms   {ms / result['network']:6.1%} of the network")


if __name__ == "__main__":
    main()
