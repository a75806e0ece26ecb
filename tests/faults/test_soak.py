# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Long test of the live node at full speed: `make soak`.

SOAK_MINUTES is the duration [min]. The memory over time is drawn to the file SOAK_IMAGE, and the
statistics are written to a JSON file beside it.
"""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from contract.steps import image, info
from faults.usage import usage
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import ending

from jasmine_core.evaluate.report import write_json

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here"),
]
MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
IMAGE = os.environ.get("SOAK_IMAGE")
WARM_UP = 0.15  # fraction of the duration
OUTPUTS = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}
SIZES = ((160, 120), (320, 240), (96, 64))
TURN = 500  # images of one size before the size changes
DAMAGED = 50  # one image of this number cannot be decoded


def test_memory_threads_and_descriptors_do_not_grow(checkpoint, tmp_path, record_property):
    from contract.live_driver import LiveDriver, live

    with live(LiveDriver, checkpoint, 1 + (os.getpid() + 25) % 101) as driver:
        node, listener = driver.start(**OUTPUTS)
        before = dict(listener.counts)
        shown = {size: [pixels(i, *size) for i in range(8)] for size in SIZES}
        samples, index, began = [], 0, time.monotonic()
        while (elapsed := time.monotonic() - began) < 60 * MINUTES:
            width, height = size = SIZES[index // TURN % len(SIZES)]
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
            if not samples or elapsed - samples[-1][0] >= 2:
                samples.append((elapsed, *usage(node.process.pid)))
            assert not node.gone, node.said
        listener.listen_until(listener.balanced)
        seconds = time.monotonic() - began
        counts = {name: listener.counts[name] - before[name] for name in before}
        to_end, patience = node.stop(), ending()

    minutes, resident, threads, files = np.array(samples).T
    minutes = minutes / 60
    settled = minutes > WARM_UP * MINUTES
    growth = growth_of(minutes[settled], resident[settled])
    figures = {
        "minutes": round(seconds / 60, 2),
        "images sent": index,
        **counts,
        "depth images per second": round(counts["processed"] / seconds, 2),
        "memory [MiB]": round(float(resident[settled].mean()) / 2**20, 1),
        "memory growth after warm-up [%]": round(100 * growth, 3),
        "threads": f"{threads[settled].min():.0f}..{threads[settled].max():.0f}",
        "descriptors": f"{files[settled].min():.0f}..{files[settled].max():.0f}",
        "seconds from Ctrl-C to the end": round(to_end, 2),
        "load of the machine": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }
    for name, value in figures.items():
        record_property(name, value)
        print(f"{name}: {value}")
    drawing = Path(IMAGE or tmp_path / "soak.png")
    draw(minutes, resident / 2**20, figures, drawing)
    write_json(drawing.with_suffix(".json"), figures)
    assert node.process.returncode == 0 and "Traceback" not in node.said, node.said
    assert to_end < patience
    assert growth < 0.01
    assert threads[settled].max() <= threads[settled][0]
    assert files[settled].max() <= files[settled][0]


def _wait_for_depth(listener, index: int) -> None:
    """Wait until the depth of an image is received, or 2 s if a packet is lost."""
    from jasmine_ros.msgs.messages import stamp_ns
    from jasmine_ros.node.topics import DEPTH

    end = time.monotonic() + 2
    while time.monotonic() < end:
        listener.listen(0.002)
        if any(stamp_ns(d.header.stamp) == stamp(index) for d in listener.heard[DEPTH]):
            return


def growth_of(minutes: np.ndarray, resident: np.ndarray) -> float:
    """Return the relative growth of the memory from the first to the last fifth of the time."""
    first, last = np.quantile(minutes, (0.2, 0.8))
    return float(resident[minutes >= last].mean() / resident[minutes <= first].mean() - 1)


def draw(minutes: np.ndarray, mib: np.ndarray, figures: dict, path: Path) -> None:
    """Draw the memory [MiB] over time, with an axis from zero, and the statistics."""
    width, height, left, bottom, top = 960, 430, 70, 50, 100
    paper = np.full((height, width, 3), 255, np.uint8)
    high = 1.15 * mib.max()

    def place(t: float, value: float) -> tuple[int, int]:
        x = left + t / max(minutes[-1], 1e-9) * (width - left - 20)
        return round(x), round(height - bottom - value / high * (height - bottom - top))

    def text(words: str, x: int, y: int, size: float = 0.45) -> None:
        cv2.putText(
            paper, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, (60, 60, 60), 1, cv2.LINE_AA
        )

    for value in np.arange(0, high, 100):
        cv2.line(paper, place(0, value), place(minutes[-1], value), (225, 225, 225))
        text(f"{value:.0f}", 20, place(0, value)[1] + 5)
    for t in np.linspace(0, minutes[-1], 6):
        text(f"{t:.2g}", place(t, 0)[0] - 8, height - bottom + 20)
    points = np.array([place(t, value) for t, value in zip(minutes, mib, strict=True)], np.int32)
    cv2.polylines(paper, [points], False, (180, 90, 20), 2, cv2.LINE_AA)
    warm, _ = place(WARM_UP * minutes[-1], 0)
    cv2.line(paper, (warm, top), (warm, height - bottom), (150, 150, 150), 1)
    text("warm-up | measured", warm - 70, top - 8, 0.4)
    text("resident memory of the live node [MiB] over minutes", left, 24, 0.6)
    lines = (
        ("depth images per second", "memory [MiB]", "memory growth after warm-up [%]"),
        ("threads", "descriptors", "processed", "skipped", "dropped"),
    )
    for names, y in zip(lines, (46, 66), strict=True):
        text("   ".join(f"{name}: {figures[name]}" for name in names), left, y)
    cv2.imwrite(str(path), paper)
