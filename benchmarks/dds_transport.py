# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measure live pictures between two processes on the loopback interface: loss, latency, CPU.

    .venv/bin/python benchmarks/dds_transport.py
    .venv/bin/python benchmarks/dds_transport.py --seconds 20 --rate 30

Latency runs from before the message is serialised to after it is deserialised: what a subscriber's
callback sees. CPU is in percent of one core, of the sender and of the receiver.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import tyro

from jasmine_ros.dds.uri import domain_config
from jasmine_ros.dds.wire import Participant
from jasmine_ros.messages import RosbagsMessages, make_header, stamp_ns

SIZES = ((640, 480), (1280, 720), (1920, 1080))
TOPIC, IMAGE = "rt/benchmark/image", "sensor_msgs/msg/Image"


@dataclass(frozen=True)
class Options:
    """Choose what is measured."""

    seconds: float = 5.0
    rate: float = 30.0
    domain: int = 1 + os.getpid() % 101
    reliable: bool = False  # the node itself reads best-effort
    send: tuple[int, int] | None = None  # [px] the sender's half, which this script starts itself


def send(options: Options, width: int, height: int) -> None:
    """Publish pictures at a rate, once someone listens."""
    messages = RosbagsMessages()
    store = messages.typestore
    data = np.random.default_rng(0).integers(0, 256, 3 * width * height, np.uint8)
    with Participant(store, options.domain) as participant:
        writer = participant.writer(TOPIC, IMAGE)
        while not writer.matched:
            time.sleep(0.01)
        count = round((options.seconds + 1) * options.rate)
        begin, cpu = time.monotonic(), time.process_time()
        for index in range(count):
            time.sleep(max(0.0, begin + index / options.rate - time.monotonic()))
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
        time.sleep(0.5)
        print(100 * (time.process_time() - cpu) / (time.monotonic() - begin))


def measure(options: Options, width: int, height: int) -> str:
    """Receive what a second process sends; return a row of the table."""
    store = RosbagsMessages().typestore
    with Participant(store, options.domain) as participant:
        reader = participant.reader(TOPIC, IMAGE, reliable=options.reliable)
        command = [sys.executable, __file__, "--send", str(width), str(height)]
        command += ["--seconds", str(options.seconds), "--rate", str(options.rate)]
        command += ["--domain", str(options.domain)]
        sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        latency: dict[int, float] = {}
        begin, cpu = time.monotonic(), time.process_time()
        while sender.poll() is None:
            participant.wait(0.1)
            while (payload := reader.take()) is not None:
                header = store.deserialize_cdr(payload, IMAGE).header
                latency[int(header.frame_id)] = (time.time_ns() - stamp_ns(header.stamp)) / 1e6
        share = 100 * (time.process_time() - cpu) / (time.monotonic() - begin)
    first = round(options.rate)  # the first second warms up
    sent = round((options.seconds + 1) * options.rate)
    counted = [value for index, value in latency.items() if index >= first]
    p50, p95, p99 = np.percentile(counted, (50, 95, 99))
    theirs = float(sender.stdout.read() if sender.stdout else "nan")
    return (
        f"| {width}x{height} | {sent - first} | {sent - first - len(counted)} | "
        f"{p50:.1f} / {p95:.1f} / {p99:.1f} | {theirs:.0f} / {share:.0f} |"
    )


def main(options: Options) -> None:
    """Print the table."""
    os.environ["CYCLONEDDS_URI"] = domain_config()
    if options.send:
        return send(options, *options.send)
    print("| size | sent | lost | latency p50/p95/p99 ms | CPU % send/receive |")
    print("|---|---|---|---|---|")
    for width, height in SIZES:
        print(measure(options, width, height), flush=True)
    return None


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
