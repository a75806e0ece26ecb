# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rate, loss, latency and CPU time of live images between two processes on loopback.

    .venv/bin/python benchmarks/dds_transport.py
    .venv/bin/python benchmarks/dds_transport.py --seconds 60 --rate 30

One process publishes like a camera. The other one is the host of the depth node without a component
that processes the images. Latency is the time from before serialisation to after deserialisation,
as in the callback of the node. CPU is the sum of all threads of a process in percent of one core,
from the first counted image to the last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.participant import Participant
from jasmine_ros.dds.uri import domain_config
from jasmine_ros.hosts.dds import DdsHost
from jasmine_ros.msgs.messages import make_header, stamp_ns

SIZES = ((640, 480), (1280, 720), (1920, 1080))
TOPIC, IMAGE = "/benchmark/image", "sensor_msgs/msg/Image"
WARM_UP = 1.0  # [s]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    seconds: float = 5.0  # Duration of each size [s].
    rate: float = 30.0  # Rate of the images [Hz].
    domain: int = 1 + os.getpid() % 101  # DDS domain.
    send: tuple[int, int] | None = None  # Size [px] in the sender process; set by this script.


@dataclass(frozen=True)
class Moment:
    """Wall time and processor time of this process at one moment."""

    wall: float  # [s]
    processor: float  # [s]

    @classmethod
    def now(cls) -> Moment:
        return cls(time.monotonic(), time.process_time())

    def share_until(self, later: Moment) -> float:
        """Return the processor time since this moment in percent of one core."""
        return 100 * (later.processor - self.processor) / (later.wall - self.wall)


def send(options: Options, width: int, height: int) -> None:
    """Publish images at a rate as soon as there is a subscriber; print the CPU share."""
    messages = RosbagsMessages()
    store = messages.typestore
    data = np.random.default_rng(0).integers(0, 256, 3 * width * height, np.uint8)
    with Participant(store, options.domain) as participant:
        writer = participant.writer(f"rt{TOPIC}", IMAGE)
        while not writer.matched:
            time.sleep(0.01)
        first, count = _counts(options)
        begin = start = Moment.now()
        for index in range(count):
            time.sleep(max(0.0, begin.wall + index / options.rate - time.monotonic()))
            if index == first:
                start = Moment.now()
            image = messages.make(
                IMAGE,
                header=make_header(messages, time.time_ns(), str(index)),
                width=width,
                height=height,
                encoding="rgb8",
                step=3 * width,
                data=data,
            )
            writer.write(store.serialize_cdr(image, IMAGE))
        print(start.share_until(Moment.now()))
        time.sleep(0.5)


def measure(options: Options, width: int, height: int) -> str:
    """Receive the images of a second process; return a row of the table."""
    first, count = _counts(options)
    latency, moments = [], []  # These are of the counted images.

    def on_image(message: Any) -> None:
        late = time.time_ns() - stamp_ns(message.header.stamp)
        if int(message.header.frame_id) >= first:
            latency.append(late / 1e6)
            moments.append(Moment.now())

    with DdsHost("benchmark", domain=options.domain) as host:
        host.subscribe(TOPIC, IMAGE, on_image)
        command = [sys.executable, __file__, "--send", str(width), str(height)]
        command += ["--seconds", str(options.seconds), "--rate", str(options.rate)]
        command += ["--domain", str(options.domain)]
        sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        host.spin(lambda: sender.poll() is not None)
    sent, theirs = count - first, float(sender.stdout.read() if sender.stdout else "nan")
    begin, end = moments[0], moments[-1]
    p50, p95, p99 = np.percentile(latency, (50, 95, 99))
    return (
        f"| {width}x{height} | {sent} | {sent - len(latency)} | "
        f"{(len(latency) - 1) / (end.wall - begin.wall):.1f} | "
        f"{p50:.1f} / {p95:.1f} / {p99:.1f} | {theirs:.0f} | {begin.share_until(end):.0f} |"
    )


def _counts(options: Options) -> tuple[int, int]:
    """Return the number of the first counted image, and the number of all images."""
    return round(WARM_UP * options.rate), round((WARM_UP + options.seconds) * options.rate)


def main(options: Options) -> None:
    """Print the table."""
    os.environ["CYCLONEDDS_URI"] = domain_config()
    if options.send:
        return send(options, *options.send)
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(
        f"{options.rate:g} Hz for {options.seconds:g} s; load {load:.1f} on {cores} cores before\n"
    )
    print("| size | sent | lost | Hz | latency p50/p95/p99 [ms] | CPU % publisher | CPU % node |")
    print("|---|---|---|---|---|---|---|")
    for width, height in SIZES:
        print(measure(options, width, height), flush=True)
    return None


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
