# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine live` in its own process; the test publishes images and subscribes to depth."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cyclonedds.builtin import (
    BuiltinDataReader,
    BuiltinTopicDcpsPublication,
    BuiltinTopicDcpsSubscription,
)
from cyclonedds.qos import Policy
from helpers.camera_bags import HEIGHT, WIDTH, Recorder, pixels, stamp
from helpers.live_topics import data_packet, ending, receive, send, until

from jasmine_ros.dds.graph import type_hash
from jasmine_ros.dds.participant import Participant
from jasmine_ros.dds.uri import domain_ports
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import OUTPUTS

LIVE = """
import sys
from jasmine_ros.commands.live import LiveRequest
from jasmine_ros.hosts.dds_node import run_dds_node
from jasmine_ros.node.parameters import DepthParameters
run = LiveRequest(image="/camera/image_raw", namespace="robot", domain=int(sys.argv[1]))
component = run_dds_node(run.dds_node(), DepthParameters(checkpoint=sys.argv[2], device="cpu"))
print(component.counts.summary())
"""
INFO = "rmw_dds_common/msg/ParticipantEntitiesInfo"


def resident(pid: int) -> float:
    """Return the resident memory of a process [bytes]."""
    return 4096.0 * int(Path(f"/proc/{pid}/statm").read_text().split()[1])


class Camera:
    """Camera driver in this process, with subscribers to the outputs of the node."""

    def __init__(self, participant: Participant, messages) -> None:
        self.participant, self.messages = participant, messages
        store = messages.typestore
        types = {"/camera/image_raw": OUTPUTS["depth/image_rect"]}
        types["/camera/camera_info"] = OUTPUTS["depth/camera_info"]
        self.writers = {name: participant.writer(f"rt{name}", t) for name, t in types.items()}
        self.recorder = Recorder(
            lambda topic, kind, at, m: self.writers[topic].write(store.serialize_cdr(m, kind)),
            messages,
        )
        self.types = {
            f"/robot/{name}" if not name.startswith("/") else name: kind
            for name, kind in OUTPUTS.items()
        }
        self.readers = {}

    def listen(self, topic: str) -> None:
        self.readers[topic] = self.participant.reader(f"rt{topic}", self.types[topic], depth=5)
        until(lambda: self.readers[topic].matched, f"{topic} of the node")

    def hear(self, topic: str, at: int | None = None, seconds: float = 10.0):
        """Return the next message on a topic, or the one with a stamp; None if it does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for payload in receive(self.participant, self.readers[topic], 1, 0.1):
                message = self.messages.typestore.deserialize_cdr(payload, self.types[topic])
                if at is None or stamp_ns(message.header.stamp) == at:
                    return message
        return None

    def answered(self, index: int):
        """Publish an image with its CameraInfo until its depth arrives; return the depth."""
        for _ in range(20):
            self.recorder.info(stamp(index))
            self.recorder.image(stamp(index), pixels(index))
            if depth := self.hear("/robot/depth/image_rect", stamp(index), 0.5):
                return depth
        raise AssertionError("no depth came back")

    def diagnostics(self) -> dict[str, int]:
        """Return the counters of the next diagnostics message."""
        while self.readers["/diagnostics"].take() is not None:
            pass
        (status,) = self.hear("/diagnostics").status
        return {v.key: int(v.value) for v in status.values if v.value.isdigit()}


@pytest.fixture(scope="module")
def node(start, domain, checkpoint):
    return start(LIVE, domain, checkpoint)


@pytest.fixture
def camera(node, participant, messages) -> Iterator[Camera]:
    camera = Camera(participant, messages)
    for writer in camera.writers.values():
        until(lambda w=writer: w.matched, "subscription of the node")
    camera.listen("/robot/depth/image_rect")
    return camera


def test_depth_has_the_stamp_and_frame_of_its_image(camera):
    camera.listen("/robot/depth/camera_info")
    depth = camera.answered(3)
    info = camera.hear("/robot/depth/camera_info", stamp(3))
    for header in (depth.header, info.header):
        assert stamp_ns(header.stamp) == stamp(3)
        assert header.frame_id == "camera_optical_frame"
    assert (depth.height, depth.width, depth.encoding) == (HEIGHT, WIDTH, "32FC1")
    values = depth.data.view(np.float32)
    assert np.isfinite(values).any() and np.nanmin(values) > 0
    assert (info.height, info.width) == (HEIGHT, WIDTH) and info.k[0] == pytest.approx(80)


def test_an_output_that_is_off_is_not_published(camera):
    camera.answered(1)
    points = camera.participant.reader("rt/robot/depth/colorized", "sensor_msgs/msg/Image")
    until(lambda: points.matched, "writer")
    camera.answered(2)
    assert points.take() is None, "publish_colorized is off"


def test_a_fast_camera_makes_the_node_drop_old_images_without_memory_growth(camera, node):
    camera.listen("/diagnostics")
    camera.answered(1)
    before, big = camera.diagnostics(), pixels(0, 640, 480)
    pages = []
    for index in range(360):  # 120 Hz
        camera.recorder.info(stamp(index), width=640, height=480)
        camera.recorder.image(stamp(index), big)
        if index in (180, 359):
            pages.append(resident(node.pid))
        time.sleep(1 / 120)
    for _ in range(20):  # until the last frame is done
        after = camera.diagnostics()
        count = {key: after[key] - before[key] for key in after}
        done = count["processed"] + count["dropped"] + count["skipped"]
        if done == count["received"]:
            break
    assert count["received"] > 100 and count["dropped"] > 20 and count["processed"] > 5
    assert count["received"] == done and count["ignored"] == 0
    assert pages[1] < 1.05 * pages[0] + 5e6


def test_the_node_survives_hostile_bytes(camera, node, domain):
    camera.answered(1)
    stranger = camera.participant.writer("rt/camera/image_raw", "sensor_msgs/msg/Image")
    until(lambda: stranger.matched, "subscription of the node")
    ports = domain_ports(domain)[:40]
    for sequence in range(1, 101):
        junk = np.random.default_rng(sequence).integers(0, 256, 200, np.uint8).tobytes()
        send(data_packet(stranger.gid, sequence, b"\0\1\0\0" + junk), ports)
    camera.recorder.image(stamp(3), pixels(3), encoding="magic")
    camera.recorder.image(stamp(3), pixels(3), data=np.zeros(7, np.uint8))
    camera.answered(4)
    assert node.poll() is None


def test_no_socket_of_the_node_is_bound_to_a_network(node, camera):
    sockets = {e.readlink().name for e in Path(f"/proc/{node.pid}/fd").iterdir()}
    bound = set()
    for table in ("udp", "udp6", "tcp", "tcp6"):
        for line in Path(f"/proc/{node.pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if f"socket:[{columns[9]}]" in sockets:
                bound.add(columns[1].partition(":")[0])
    # 0.0.0.0 are Cyclone's own, held to the loopback device (see test_wire).
    assert bound == {"0100007F", "00000000"}


def test_ros_tools_find_node_topics_and_type_hashes(camera, messages, participant):
    reader = participant.reader("ros_discovery_info", INFO, reliable=True, transient=True)
    (payload,) = receive(participant, reader, 1)
    (node,) = messages.typestore.deserialize_cdr(payload, INFO).node_entities_info_seq
    assert (node.node_namespace, node.node_name) == ("/robot", "depth")
    written = {bytes(gid.data) for gid in node.writer_gid_seq}
    read = {bytes(gid.data) for gid in node.reader_gid_seq}
    store = messages.typestore
    for builtin, gids, topics in (
        (BuiltinTopicDcpsPublication, written, set(camera.types)),
        (BuiltinTopicDcpsSubscription, read, set(camera.writers)),
    ):
        endpoints = {}
        found = BuiltinDataReader(participant.entity, builtin)
        until(
            lambda f=found, e=endpoints, g=gids: (
                e.update({s.key.bytes: s for s in f.take(50)}) or g <= e.keys()
            ),
            "endpoints",
        )
        mine = [endpoints[gid] for gid in gids]
        assert {e.topic_name for e in mine} == {f"rt{topic}" for topic in topics}
        for endpoint in mine:
            package, kind, _, name = endpoint.type_name.split("::")
            expected = type_hash(store, f"{package}/{kind}/{name.removesuffix('_')}")
            assert endpoint.qos[Policy.Userdata].data == expected


def test_ctrl_c_ends_the_node_within_two_seconds(camera, node):
    camera.answered(1)
    began = time.monotonic()
    node.send_signal(signal.SIGINT)
    out, err = node.communicate(timeout=60)
    assert time.monotonic() - began < ending()
    assert node.returncode == 0, err
    assert "'processed'" in out and "Traceback" not in err
    until(lambda: not camera.writers["/camera/image_raw"].matched, "end of the subscription", 1.0)
