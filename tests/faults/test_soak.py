# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Long test of the live node under load, on each host: `make soak`.

SOAK_MINUTES is the duration [min] of each test. The statistics are written to the JSON file
SOAK_REPORT, and the memory over time is drawn beside it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract.steps import image, info
from faults.soak_report import figures_of, keep
from faults.usage import usage
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import ending

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
]
MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
REPORT = os.environ.get("SOAK_REPORT")
OUTPUTS = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}
TURN = 500  # images of one size before the size changes
DAMAGED = 50  # one image of this number cannot be decoded
no_ros = pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here")


@dataclass(frozen=True)
class Load:
    """Images that a camera sends."""

    title: str
    sizes: tuple[tuple[int, int], ...]  # [px], in turn
    stride: int = 1  # of the point cloud [px]
    rate: float | None = None  # [Hz]; None sends an image when the depth of the last one is there


LOADS = (
    Load("three sizes at full speed", ((160, 120), (320, 240), (96, 64))),
    Load("1280x720 at 30 Hz", ((1280, 720),), stride=4, rate=30.0),
)


@pytest.mark.parametrize("load", [pytest.param(load, id=load.title) for load in LOADS])
@pytest.mark.parametrize("host", ["dds", pytest.param("ros2", marks=[pytest.mark.ros, no_ros])])
def test_memory_threads_and_descriptors_do_not_grow(
    host, load, checkpoint, tmp_path, record_property
):
    from contract.live_driver import LiveDriver, live

    kind = LiveDriver
    if host == "ros2":
        from contract.ros2_driver import Ros2Driver as kind
    with live(kind, checkpoint, 1 + (os.getpid() + 25) % 101) as driver:
        node, listener = driver.start(points_stride=load.stride, **OUTPUTS)
        before = dict(listener.counts)
        samples, sent, seconds = run(load, node, listener)
        listener.listen_until(listener.balanced)
        counts = {name: listener.counts[name] - before[name] for name in before}
        to_end, patience = node.stop(), ending()

    resources, curve = figures_of(samples)
    figures: dict[str, Any] = {
        "minutes": round(seconds / 60, 2),
        "images sent": sent,
        "images sent per second": round(sent / seconds, 2),
        **counts,
        "depth images per second": round(counts["processed"] / seconds, 2),
        **resources,
        "seconds from Ctrl-C to the end": round(to_end, 2),
        "load of the machine": round(os.getloadavg()[0], 2),
    }
    for name, value in figures.items():
        record_property(name, value)
        print(f"{name}: {value}")
    keep(Path(REPORT or tmp_path / "soak.json"), f"{host}, {load.title}", figures, curve)
    assert node.process.returncode == 0 and "Traceback" not in node.said, node.said
    assert to_end < patience
    assert resources["memory growth after warm-up [%]"] < 1
    for name in ("threads", "descriptors"):
        low, high = resources[name].split("..")
        assert low == high, f"the number of {name} changes: {resources[name]}"


def run(load: Load, node: Any, listener: Any) -> tuple[np.ndarray, int, float]:
    """Send images for some minutes.

    Returns:
        ([n,4] time [s], memory [bytes], threads and descriptors of the node, number of images sent,
        duration [s])
    """
    shown = {size: [pixels(i, *size) for i in range(8)] for size in load.sizes}
    samples: list[tuple[float, ...]] = []
    index, began = 0, time.monotonic()
    due = began
    while (elapsed := time.monotonic() - began) < 60 * MINUTES:
        width, height = size = load.sizes[index // TURN % len(load.sizes)]
        if index % TURN == 0:
            listener.send(info(index, width=width, height=height))
            listener.listen(0.2)
        bad = {"encoding": "none"} if index % DAMAGED == DAMAGED - 1 else {}
        listener.send(image(index, shown[size][index % 8], **bad))
        if load.rate is not None:
            # A camera that was late does not send the images that it missed.
            due = max(due + 1 / load.rate, time.monotonic())
            listener.listen(max(0.001, due - time.monotonic()))
        elif not bad:
            _wait_for_depth(listener, index)
        index += 1
        for heard in listener.heard.values():
            heard.clear()
        if not samples or elapsed - samples[-1][0] >= 2:
            samples.append((elapsed, *usage(node.process.pid)))
        assert not node.gone, node.said
    return np.array(samples), index, time.monotonic() - began


def _wait_for_depth(listener: Any, index: int) -> None:
    """Wait until the depth of an image is received, or 2 s if a packet is lost."""
    from jasmine_ros.msgs.messages import stamp_ns
    from jasmine_ros.node.topics import DEPTH

    end = time.monotonic() + 2
    while time.monotonic() < end:
        listener.listen(0.002)
        if any(stamp_ns(d.header.stamp) == stamp(index) for d in listener.heard[DEPTH]):
            return
