# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load tests of the live node in its own process: fast cameras, damaged packets, reconnects."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from contract.steps import Send, image, info
from faults.usage import usage
from helpers.camera_bags import pixels, stamp
from helpers.live_topics import data_packet, send

from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH

pytestmark = pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here")
SLOWNESS = 0.2  # [s] for one image
SLOW = f"""
import sys, time
import numpy as np
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from faults.rig import SimulatedBackend
from jasmine_core.runtime import predictor
from jasmine_ros.cli import main

def slow(image):
    time.sleep({SLOWNESS})
    return image[0] + np.float32(1)

predictor.load_backend = lambda *a, **k: SimulatedBackend(slow)
sys.exit(main(["live", *sys.argv[1:]]))
"""
RATE, SECONDS, WARM_UP = 120, 12, 4
PACKETS = 3_000
RECONNECTIONS = 10
SIZE = {"width": 320, "height": 240}


@pytest.fixture(scope="module")
def live_node(request, checkpoint) -> Iterator[tuple]:
    """Yield a running node, a client that is matched with it, and its DDS domain."""
    from contract.live_driver import LiveDriver, live

    domain = 1 + (os.getpid() + 25) % 101
    with live(LiveDriver, checkpoint, domain, request.param) as driver:
        node, listener = driver.start()
        yield node, listener, domain
        node.kill()


@pytest.mark.parametrize("live_node", [[sys.executable, "-c", SLOW]], indirect=True)
def test_latency_and_memory_stay_bounded_with_a_120_hz_camera(live_node, record_property):
    node, listener, _ = live_node
    listener.send(info(**SIZE))
    listener.listen(0.2)
    before, shown = listener.counts["received"], pixels(0, **SIZE)
    ages, memory, sent, due = [], [], 0, time.monotonic()
    end = due + SECONDS
    while time.monotonic() < end:
        at = time.time_ns()
        listener.send(Send(lambda bag, at=at: bag.image(at, shown)))
        sent += 1
        due += 1 / RATE
        listener.listen(max(0.001, due - time.monotonic()))
        depths = listener.heard[DEPTH]
        while depths:
            header = depths.pop().header.stamp
            ages.append(time.time_ns() / 1e9 - header.sec - header.nanosec / 1e9)
        memory.append((end - time.monotonic(), *usage(node.process.pid)))
    listener.listen_until(listener.balanced)
    counts = listener.counts
    resident, threads, files = np.array([m[1:] for m in memory if m[0] < SECONDS - WARM_UP]).T
    for name, value in (
        ("sent", sent),
        ("received", counts["received"] - before),
        ("processed", len(ages)),
        ("age_p50_s", round(float(np.median(ages)), 3)),
        ("age_max_s", round(max(ages), 3)),
        ("memory_growth_percent", round(100 * float(resident[-1] / resident[0] - 1), 3)),
    ):
        record_property(name, value)
    assert len(ages) > 0.4 * SECONDS / SLOWNESS and counts["dropped"] > 3 * len(ages)
    # A node that queued the images would lag by many seconds after 12 s.
    assert np.median(ages) < SLOWNESS + 0.15 and max(ages[len(ages) // 2 :]) < SLOWNESS + 0.6
    assert resident.max() < 1.01 * resident[0] + 2e6
    assert threads.max() == threads[0] and files.max() == files[0]


@pytest.mark.parametrize("live_node", [None], indirect=True)
def test_damaged_packets_of_another_writer_do_not_stop_the_node(live_node, record_property):
    """The packets claim to come from a matched writer, so that the node accepts them."""
    from faults.mutations import mutate
    from faults.rig import IMAGE, INFO, serialised

    from jasmine_ros.dds.uri import domain_ports

    node, listener, domain = live_node
    rng, ports = np.random.default_rng(9), domain_ports(domain)[:40]
    raws = {
        IMAGE: serialised(lambda bag: bag.image(1, pixels(0, 12, 10)))[0][1],
        INFO: serialised(lambda bag: bag.info(1, width=12, height=10))[0][1],
    }
    writers = listener.other_writers()
    before = listener.counts["received"]
    for sequence in range(1, PACKETS + 1):
        kind = IMAGE if sequence % 2 else INFO
        payload = mutate(rng, raws[kind], raws[kind])
        send(data_packet(writers[kind].gid, sequence, payload), ports)
        if sequence % 500 == 0:
            listener.listen(0.1)
            index = sequence // 500
            listener.send(info(index))
            listener.listen(0.2)
            wait_for_depth(listener, index)
    listener.listen_until(listener.balanced)
    record_property("packets", PACKETS)
    record_property("images that reached the node", listener.counts["received"] - before)
    assert not node.gone and "Traceback" not in node.said


@pytest.mark.parametrize("live_node", [None], indirect=True)
def test_a_camera_that_reconnects_costs_no_thread_or_descriptor(live_node, record_property):
    node, listener, _ = live_node
    held = []
    for index in range(RECONNECTIONS):
        listener.unplug()
        listener.listen(0.2)
        listener.plug()
        wait_for_depth(listener, index)
        held.append(usage(node.process.pid)[1:])
    record_property("reconnections", RECONNECTIONS)
    assert len(set(held)) == 1, "each reconnection costs a thread or a descriptor"


def wait_for_depth(listener, index: int) -> None:
    """Send an image until its depth is received; a damaged packet can replace an image."""
    for _ in range(20):
        listener.send(info(index))
        listener.send(image(index))
        listener.listen(0.5)
        if any(stamp_ns(depth.header.stamp) == stamp(index) for depth in listener.heard[DEPTH]):
            return
    raise AssertionError("the node does not publish depth any more")
