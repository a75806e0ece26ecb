# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages between two processes, over RTPS on the loopback interface."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, frames, pixels, stamp, write_bag
from helpers.live_topics import data_packet, receive, send, until
from helpers.tf_messages import tf

from jasmine_core.errors import BagError, ConfigError
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.play import PlayRequest, publish_camera
from jasmine_ros.dds import wire
from jasmine_ros.dds.participant import Participant
from jasmine_ros.dds.uri import domain_ports

IMAGE, INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
PLAY = """
import sys
from pathlib import Path
from jasmine_ros.commands.play import PlayRequest, publish_camera
print(publish_camera(PlayRequest(Path(sys.argv[1]), domain=int(sys.argv[2]))))
"""
RECEIVE = """
import sys, time
from jasmine_ros.dds.participant import Participant
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
with Participant(RosbagsMessages().typestore, int(sys.argv[1])) as participant:
    reader = participant.reader(sys.argv[2], "sensor_msgs/msg/Image", reliable=True)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        participant.wait(0.1)
        if (payload := reader.take()) is not None:
            print(len(payload), flush=True)
"""
SEND = """
import sys, time
from jasmine_ros.dds.participant import Participant
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
with Participant(RosbagsMessages().typestore, int(sys.argv[1])) as participant:
    writer = participant.writer("rt/a", "sensor_msgs/msg/Image")
    end = time.monotonic() + 30
    while not writer.matched and time.monotonic() < end:
        time.sleep(0.01)
    for _ in range(5):  # a best-effort reader misses samples from before it is matched
        writer.write(bytes.fromhex(sys.argv[2]))
        time.sleep(0.1)
    print(writer.gid.hex(), flush=True)
    time.sleep(30)
"""


def some_image(messages, size=(5, 7)):
    height, width = size
    image = messages.make(
        IMAGE,
        height=height,
        width=width,
        encoding="mono8",
        step=width,
        data=np.arange(height * width).astype(np.uint8),
    )
    return bytes(messages.typestore.serialize_cdr(image, IMAGE))


@pytest.mark.parametrize("kind", ["mcap", "sqlite3-zstd"])
def test_a_bag_that_another_process_plays_is_received_unchanged(
    tmp_path, participant, start, domain, kind
):
    path = write_bag(tmp_path / "recording", frames(6), kind)
    readers = {
        topic: participant.reader(f"rt{topic}", type_name, reliable=True, depth=10)
        for topic, type_name in ((IMAGE_TOPIC, IMAGE), (INFO_TOPIC, INFO))
    }
    player = start(PLAY, path, domain)
    with Bag(path) as bag:
        for topic, reader in readers.items():
            expected = [message.raw for message in bag.messages([topic])]
            arrived = receive(participant, reader, len(expected))
            for payload, raw in zip(arrived, expected, strict=True):
                assert bytes(payload)[: len(raw)] == raw
                assert not any(bytes(payload)[len(raw) :]), "padding"
    printed, errors = player.communicate(timeout=20)
    assert printed.split()[-1] == "12", errors


def test_a_bag_is_played_at_its_recorded_rate(tmp_path, participant, start, domain):
    reader = participant.reader(f"rt{IMAGE_TOPIC}", IMAGE, reliable=True, depth=10)
    start(PLAY, write_bag(tmp_path / "recording", frames(8)), domain)
    times = []
    while len(times) < 8 and receive(participant, reader, 1):
        times.append(time.monotonic())
    assert times[-1] - times[0] == pytest.approx(0.7, abs=0.3), "10 Hz"


def test_a_late_listener_gets_the_static_transforms_of_a_played_bag(
    tmp_path, participant, start, domain
):
    """tf2 accepts reliable, transient local publishers only. Times of stray images do not delay."""
    kind = "tf2_msgs/msg/TFMessage"

    def fill(bag):
        for child in ("camera", "lidar"):
            message = tf(("base_link", child, np.eye(4), stamp(0)))
            bag.write("/tf_static", kind, stamp(0), message)
        bag.image(stamp(0), pixels(), log=0)
        frames(20)(bag)
        bag.image(stamp(0), pixels(), log=stamp(10**6))

    images = participant.reader(f"rt{IMAGE_TOPIC}", IMAGE, reliable=True, depth=10)
    start(PLAY, write_bag(tmp_path / "recording", fill), domain)
    assert len(receive(participant, images, 5)) == 5
    late = participant.reader("rt/tf_static", kind, reliable=True, depth=10, transient=True)
    store = participant.typestore
    payloads = receive(participant, late, 2, 20)
    frames_of = [store.deserialize_cdr(bytes(p), kind).transforms for p in payloads]
    assert [t.child_frame_id for (t,) in frames_of] == ["camera", "lidar"]
    assert len(receive(participant, images, 16, 20)) == 16


def test_a_ros_1_bag_is_refused_with_the_remedy(tmp_path, domain):
    with pytest.raises(BagError, match="rosbags-convert"):
        publish_camera(
            PlayRequest(write_bag(tmp_path / "recording", frames(1), "ros1"), domain=domain)
        )


@pytest.mark.parametrize("one_copy", [True, False])
def test_the_fast_and_the_public_function_take_the_same_bytes(
    participant, messages, monkeypatch, one_copy
):
    assert wire.ONE_COPY, "the pinned version of Cyclone has the fast functions"
    monkeypatch.setattr(wire, "ONE_COPY", one_copy)
    writer, reader = participant.writer("rt/a", IMAGE), participant.reader("rt/a", IMAGE)
    for size in ((1, 1), (1, 2), (1, 3), (480, 640)):
        raw = some_image(messages, size)
        assert writer.write(raw)
        (payload,) = receive(participant, reader, 1)
        assert bytes(payload) == raw + bytes(-len(raw) % 4)
        assert reader.take() is None
    image = messages.typestore.deserialize_cdr(payload, IMAGE)
    assert np.shares_memory(image.data, np.frombuffer(payload, np.uint8)), "no further copy"


def test_the_newest_of_several_samples_is_taken(participant, messages):
    writer, reader = participant.writer("rt/a", IMAGE), participant.reader("rt/a", IMAGE)
    for width in range(1, 20):
        writer.write(some_image(messages, (1, width)))
    (payload,) = receive(participant, reader, 1)
    assert messages.typestore.deserialize_cdr(payload, IMAGE).width == 19
    assert reader.take() is None


@pytest.mark.parametrize("length", [0, 3, 4, 20, 60])
def test_bytes_that_are_not_an_image_are_not_sent(participant, messages, length):
    writer = participant.writer("rt/a", IMAGE)
    with pytest.raises(ValueError, match=f"{(length + 3) // 4 * 4} bytes are not a .*Image_"):
        writer.write(some_image(messages)[:length])


def test_hostile_bytes_from_the_network_are_dropped(participant, messages, start, domain):
    good, ports = some_image(messages), domain_ports(domain)[:40]
    reader = participant.reader("rt/a", IMAGE)
    sender = start(SEND, domain, good.hex())
    assert len(receive(participant, reader, 1)) == 1
    writer = bytes.fromhex(sender.stdout.readline())
    assert len(receive(participant, reader, 5, 0.2)) < 5, "the sender has stopped"
    endless = bytearray(good)
    endless[12:16] = b"\xff\xff\xff\xff"  # the frame's name has 4 GiB
    for sequence, payload in enumerate((good[:40], b"", bytes(endless), os.urandom(64)), 10):
        send(data_packet(writer, sequence, payload), ports)
    assert receive(participant, reader, 1, 0.5) == []
    # The same packet with a valid payload is taken: the payload was the reason for the refusal.
    send(data_packet(writer, 50, good + bytes(-len(good) % 4)), ports)
    assert len(receive(participant, reader, 1, 5)) == 1


def test_a_suspended_reader_blocks_neither_the_writer_nor_other_threads(
    participant, messages, start, domain
):
    writer = participant.writer("rt/big", IMAGE)
    listener = start(RECEIVE, domain, "rt/big")
    until(lambda: writer.matched, "listener")
    raw = some_image(messages, (720, 3840))
    assert writer.write(raw) and int(listener.stdout.readline()) >= len(raw)
    longest, running = 0.0, True

    def watch() -> None:
        nonlocal longest
        last = time.monotonic()
        while running:
            time.sleep(0.002)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    watcher = threading.Thread(target=watch)
    os.kill(listener.pid, signal.SIGSTOP)
    try:
        watcher.start()
        began = time.monotonic()
        sent = [writer.write(raw) for _ in range(8)]
        seconds = time.monotonic() - began
    finally:
        running = False
        watcher.join()
        os.kill(listener.pid, signal.SIGCONT)
    assert all(sent) and seconds < 1, "a new sample replaces one that was not read"
    assert longest < wire.WRITE_TIMEOUT, "the GIL was held"


def test_no_socket_receives_from_outside_this_machine(participant):
    bound = set()
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        try:
            handle = socket.socket(fileno=os.dup(descriptor))
        except OSError:  # no socket, or the listing's own descriptor
            continue
        with handle:
            if handle.family == socket.AF_INET:
                device = handle.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
                bound.add((handle.getsockname()[0], device.rstrip(b"\0")))
    assert ("0.0.0.0", b"lo") in bound, "Cyclone uses every address; the device is lo"
    assert all(host.startswith("127.") or device == b"lo" for host, device in bound), bound


def test_leaving_a_domain_ends_threads_sockets_and_matches(messages, domain):
    def count() -> tuple[int, int]:
        threads, files = Path("/proc/self/task"), Path("/proc/self/fd")
        return len([*threads.iterdir()]), len([*files.iterdir()])

    before = count()
    for _ in range(3):
        with Participant(messages.typestore, domain) as participant:
            writer, reader = participant.writer("rt/a", IMAGE), participant.reader("rt/a", IMAGE)
            until(lambda w=writer: w.matched, "match")
            participant.remove(reader)
            until(lambda w=writer: not w.matched, "end of the match")
            assert count() > before
    assert count() == before


def test_an_unknown_interface_is_refused_with_a_remedy(messages, domain, monkeypatch):
    monkeypatch.delenv("CYCLONEDDS_URI")
    with pytest.raises(ConfigError, match=r"on nowhere0.*check the name"):
        Participant(messages.typestore, domain, "nowhere0")
