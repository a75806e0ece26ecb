# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cost of moving an image between two processes on Fast DDS: copies, serialisation, transport.

    make bench-ros
    .venv-jazzy/bin/python benchmarks/ros2_transport.py --rounds 200

A Python node cannot be composed into the C++ container of its camera, so every image is serialised,
sent and deserialised. `bytes` are serialised already, and their subscription does not deserialise
them, so that they cost what DDS costs; `messages` are what a Python node publishes and receives.
Processor time is that of all threads of both processes. In each round all sizes and transports take
turns, so that other programs affect all of them equally; on a busy machine only the processor time
is meaningful.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, time_ns
from typing import Any

import numpy as np
import tyro
from ros2_camera import Camera, make_image, processor_time

SIZES = ((640, 480), (1280, 720))
PROFILE = Path(__file__).parents[1] / "config" / "fastdds_large_images.xml"
BUILTIN, PROFILES = "FASTDDS_BUILTIN_TRANSPORTS", "FASTRTPS_DEFAULT_PROFILES_FILE"
TRANSPORTS = {  # environment of both processes
    "UDP, no shared memory": {BUILTIN: "UDPv4"},
    "default (UDP and 0.5 MiB of shared memory)": {},
    "shared memory, profile of config/": {
        PROFILES: str(PROFILE),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(PROFILE),  # since Kilted
    },
}
TOPIC = "/benchmark/image"
WARM_UP = 3  # rounds
PATIENCE = 5.0  # [s] for an image
MATCH = 60.0  # [s] for a camera process to be discovered


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    rounds: int = 100  # Number of counted images of each row.


class Receiver:
    """A node of its own context, whose subscriptions note when the newest message has come."""

    def __init__(self, name: str = "benchmark", **values: str) -> None:
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self._context = Context()
        with environment(values):  # Fast DDS reads it when the participant is created.
            rclpy.init(context=self._context)
            self.node = rclpy.create_node(name, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def subscribe(
        self, kind: type, topic: str, callback: Any, *, raw: bool = False, reliable: bool = True
    ) -> Any:
        """Subscribe to the newest message."""
        from rclpy.qos import QoSProfile, ReliabilityPolicy

        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        qos = QoSProfile(depth=1, reliability=reliability)
        return self.node.create_subscription(kind, topic, callback, qos, raw=raw)

    def wait(self, condition: Any, seconds: float = PATIENCE) -> bool:
        """Run callbacks until a condition holds; return whether it does."""
        end = perf_counter() + seconds
        while not condition():
            if perf_counter() > end:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def close(self) -> None:
        """Destroy the node and its context."""
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()


class Link:
    """A camera process and a receiver on one transport."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        from sensor_msgs.msg import Image

        self._camera, self._receiver = Camera(**environment), Receiver(name, **environment)
        self._arrivals: list[int] = []
        for raw in (False, True):
            self._receiver.subscribe(Image, _topic(raw), self._on_image, raw=raw)
        for raw in (False, True):
            if not self._receiver.wait(lambda raw=raw: self.latency((64, 48), raw), MATCH):
                raise SystemExit(f"no image arrived within {MATCH:g} s with {environment}")

    def latency(self, size: tuple[int, int], raw: bool) -> tuple[float, float] | None:
        """Send one image; return None if it is lost.

        Returns:
            (time from the stamp to the callback [ms], processor time of both processes [ms])
        """
        self._arrivals.clear()
        before = self._processor_time()
        sent = self._camera.send(_topic(raw), size, raw=raw)
        if not self._receiver.wait(lambda: self._arrivals):
            return None
        return (self._arrivals[-1] - sent) / 1e6, self._processor_time() - before

    def _processor_time(self) -> float:
        return processor_time(self._camera.pid) + processor_time(os.getpid())

    def close(self) -> None:
        """End both sides."""
        self._camera.close()
        self._receiver.close()

    def _on_image(self, message: Any) -> None:
        self._arrivals.append(time_ns())


def measure(options: Options) -> dict[str, Any]:
    """Measure every transport and the parts of the cost inside a process."""
    links = {
        name: Link(f"benchmark_{number}", environment)
        for number, (name, environment) in enumerate(TRANSPORTS.items())
    }
    samples: dict[tuple[tuple[int, int], str, bool], list[tuple[float, float]]] = {
        (size, name, raw): [] for size in SIZES for name in links for raw in (True, False)
    }
    lost = dict.fromkeys(samples, 0)
    for turn in range(WARM_UP + options.rounds):
        for (size, name, raw), found in samples.items():
            latency = links[name].latency(size, raw)
            if turn >= WARM_UP:
                lost[size, name, raw] += latency is None
                found += [] if latency is None else [latency]
    for link in links.values():
        link.close()
    rows = []
    for size in SIZES:
        for name in links:
            row: dict[str, Any] = {"width": size[0], "height": size[1], "transport": name}
            for raw, column in ((True, "bytes"), (False, "messages")):
                found = np.array(samples[size, name, raw]).reshape(-1, 2)
                row[f"{column}_ms"] = percentiles(found[:, 0].tolist())
                row[f"{column}_processor_ms"] = float(np.median(found[:, 1]))
                row[f"{column}_lost"] = lost[size, name, raw]
            rows.append(row)
    return {"rounds": options.rounds, "links": rows, "inside": inside(options.rounds)}


def inside(rounds: int) -> list[dict[str, Any]]:
    """Return the median processor times [ms] of a copy, of serialising and of deserialising."""
    from rclpy.serialization import deserialize_message, serialize_message
    from sensor_msgs.msg import Image

    rows = []
    for width, height in SIZES:
        message = make_image(Image, width, height)
        raw = serialize_message(message)
        steps = {
            "copy": lambda message=message: bytes(message.data),
            "serialise": lambda message=message: serialize_message(message),
            "deserialise": lambda raw=raw: deserialize_message(raw, Image),
        }
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(WARM_UP + rounds):
            for name, step in steps.items():
                began = process_time()
                step()
                times[name].append(1e3 * (process_time() - began))
        medians = {f"{name}_ms": float(np.median(t[WARM_UP:])) for name, t in times.items()}
        rows.append({"width": width, "height": height, **medians})
    return rows


def percentiles(values: list[float]) -> list[float]:
    """Return p50, p95 and p99."""
    return [float(value) for value in np.percentile(values, (50, 95, 99))] if values else []


def words(values: list[float]) -> str:
    """Return percentiles for a table."""
    return " / ".join(f"{value:.1f}" for value in values) or "none"


def table(result: dict[str, Any]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| image | transport | bytes: p50 / p95 / p99 [ms] | processor [ms] | "
        "messages: p50 / p95 / p99 [ms] | processor [ms] | ratio | lost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    first: dict[int, float] = {}
    for row in result["links"]:
        base = first.setdefault(row["width"], row["messages_processor_ms"])
        columns = [f"{row['width']}x{row['height']}", row["transport"]]
        for kind in ("bytes", "messages"):
            columns += [words(row[f"{kind}_ms"]), f"{row[f'{kind}_processor_ms']:.1f}"]
        columns += [f"{row['messages_processor_ms'] / base:.2f}x"]
        columns += [str(row["bytes_lost"] + row["messages_lost"])]
        lines.append(f"| {' | '.join(columns)} |")
    lines += ["", "| image | one copy [ms] | serialise [ms] | deserialise [ms] |"]
    lines.append("|---|---|---|---|")
    for row in result["inside"]:
        times = (f"{row[f'{name}_ms']:.2f}" for name in ("copy", "serialise", "deserialise"))
        lines.append(f"| {row['width']}x{row['height']} | {' | '.join(times)} |")
    return "\n".join(lines)


def _topic(raw: bool) -> str:
    return f"{TOPIC}_{'bytes' if raw else 'messages'}"


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables inside a block."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    print(table(measure(tyro.cli(Options, description=__doc__))))
