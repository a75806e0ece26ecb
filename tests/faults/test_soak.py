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
from faults.steady_camera import DAMAGED, SteadyCamera
from faults.usage import usage
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import ending, until

from jasmine_ros.node.topics import DIAGNOSTICS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
]
MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
REPORT = os.environ.get("SOAK_REPORT")
OUTPUTS = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}
TURN = 500  # images of one size before the size changes
SAMPLE = 2.0  # [s] between samples of the resources
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
        if load.rate is None:
            samples, sent, seconds = send_after_each_depth(load, node, listener)
        else:
            samples, sent, seconds = send_at_rate(host, load, node, listener)
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


def send_after_each_depth(load: Load, node: Any, listener: Any) -> tuple[np.ndarray, int, float]:
    """Send images for some minutes, each when the depth of the last one is there.

    Returns:
        ([n,4] time [s], memory [bytes], threads and descriptors of the node, number of images sent,
        duration [s])
    """
    shown = {size: [pixels(i, *size) for i in range(8)] for size in load.sizes}
    samples: list[tuple[float, ...]] = []
    index, began = 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < 60 * MINUTES:
        width, height = size = load.sizes[index // TURN % len(load.sizes)]
        if index % TURN == 0:
            listener.send(info(index, width=width, height=height))
            listener.listen(0.2)
        bad = {"encoding": "none"} if index % DAMAGED == DAMAGED - 1 else {}
        listener.send(image(index, shown[size][index % 8], **bad))
        if not bad:
            _wait_for_depth(listener, index)
        index += 1
        for heard in listener.heard.values():
            heard.clear()
        if not samples or elapsed - samples[-1][0] >= SAMPLE:
            samples.append((elapsed, *usage(node.process.pid)))
        assert not node.gone, node.said
    return np.array(samples), index, time.monotonic() - began


def send_at_rate(host: str, load: Load, node: Any, listener: Any) -> tuple[np.ndarray, int, float]:
    """Let a camera process send images for some minutes; return what the other function returns."""
    listener.unplug()
    namespace, domain = listener.full_name("").rstrip("/"), node.environment["ROS_DOMAIN_ID"]
    (size,) = load.sizes
    camera = SteadyCamera(host, int(domain), namespace, size, load.rate)
    known = listener.counts["received"]

    def listen(seconds: float) -> None:
        listener.listen(seconds, deserialised=(DIAGNOSTICS,))
        listener.heard[DIAGNOSTICS].clear()

    def camera_received() -> bool:
        listen(0.2)
        return listener.counts["received"] > known

    try:
        until(camera_received, "image of the camera")
        samples: list[tuple[float, ...]] = []
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < 60 * MINUTES:
            samples.append((elapsed, *usage(node.process.pid)))
            listen(SAMPLE)
            assert not node.gone and not camera.gone, node.said
        return np.array(samples), *camera.stop()
    finally:
        camera.kill()


def _wait_for_depth(listener: Any, index: int) -> None:
    """Wait until the depth of an image is received, or 2 s if a packet is lost."""
    from jasmine_ros.msgs.messages import stamp_ns
    from jasmine_ros.node.topics import DEPTH

    end = time.monotonic() + 2
    while time.monotonic() < end:
        listener.listen(0.002)
        if any(stamp_ns(d.header.stamp) == stamp(index) for d in listener.heard[DEPTH]):
            return
