# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names, scheduled work, timers, subscriptions and outputs of the DDS host."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from helpers.live_topics import until

from jasmine_core.errors import ConfigError
from jasmine_ros.commands.live import LiveRequest
from jasmine_ros.hosts.dds import DdsHost
from jasmine_ros.node.diagnostics import Report
from jasmine_ros.node.worker import GRACE


@pytest.fixture
def host(domain) -> Iterator[DdsHost]:
    with DdsHost("n", "robot", {"image": "/cam/image", "~/x": "y"}, domain) as host:
        yield host


def test_names_are_expanded_and_remapped(host):
    assert host.resolve("image") == "/cam/image"
    assert host.resolve("depth/points") == "/robot/depth/points"
    assert host.resolve("~/x") == "/robot/y"
    assert host.resolve("/diagnostics") == "/diagnostics"


def test_waiting_work_runs_once_in_the_worker_thread(host):
    done, gate = [], threading.Event()

    def work():
        done.append(threading.current_thread().name)
        gate.wait(5)

    for _ in range(10):
        host.schedule(work)
    until(lambda: done, "work")
    for _ in range(10):
        host.schedule(work)
    gate.set()
    until(lambda: len(done) == 2, "second round")
    time.sleep(0.05)
    assert done == ["n work"] * 2


def test_an_exception_of_scheduled_work_ends_spin(host):
    def work():
        raise ConfigError("the disk is full")

    host.schedule(work)
    with pytest.raises(ConfigError, match="disk is full"):
        host.spin(lambda: False)


@pytest.mark.parametrize(("length", "low", "high"), [(0.2, 0.1, 0.8), (30.0, GRACE, GRACE + 0.6)])
def test_close_waits_a_short_time_for_the_running_work(domain, length, low, high):
    begun, stop = threading.Event(), threading.Event()

    def work():
        begun.set()
        stop.wait(length)

    with DdsHost("n", domain=domain) as host:
        host.schedule(work)
        assert begun.wait(5)
        began = time.monotonic()
    assert low < time.monotonic() - began < high
    stop.set()


def test_timers_keep_their_period(host):
    calls = []
    begin = time.monotonic()
    host.timer(0.05, lambda: calls.append(time.monotonic()))
    host.spin(lambda: time.monotonic() > begin + 0.52)
    assert 5 <= len(calls) <= (time.monotonic() - begin) / 0.05
    host.unsubscribe()
    calls.clear()
    end = time.monotonic() + 0.2
    host.spin(lambda: time.monotonic() > end)
    assert not calls


def test_a_latched_subscription_receives_messages_from_before(host, messages):
    kind, received = "sensor_msgs/msg/CameraInfo", []
    info = messages.typestore.serialize_cdr(messages.make(kind, width=7), kind)
    transient = host._participant.writer("rt/robot/camera_info", kind, transient=True)
    transient.write(info)
    host.subscribe("camera_info", kind, received.append, latched=True)
    host.subscribe("other", kind, received.append)
    end = time.monotonic() + 20
    host.spin(lambda: received or time.monotonic() > end)
    assert received[0].width == 7
    plain = host._participant.writer("rt/robot/camera_info", kind)
    until(lambda: plain.matched, "volatile reader")
    assert plain.matched == 1 and transient.matched == 2


def test_publishers_are_returned_with_their_qos(host):
    writer = host._participant.writer("rt/robot/a", "sensor_msgs/msg/Image", transient=True)
    until(lambda: host.publishers_of("/robot/a"), "publisher")
    (found,) = host.publishers_of("/robot/a")
    assert str(found) == "a node (sensor_msgs/msg/Image, reliable, transient local)"
    host._participant.remove_writer(writer)
    until(lambda: not host.publishers_of("/robot/a"), "end of the publisher")
    assert host.publishers_of("/robot/c") == []


def test_outputs_are_removed_and_diagnostics_stay(host, messages):
    kind = "diagnostic_msgs/msg/DiagnosticArray"
    host.diagnose(lambda: Report(1, "rate is low", {"rate": "3"}, "/cam/image"))
    host.advertise("depth/points", "sensor_msgs/msg/PointCloud2")
    reader = host._participant.reader("rt/diagnostics", kind)
    points = host._participant.reader("rt/robot/depth/points", "sensor_msgs/msg/PointCloud2")
    until(lambda: host.wanted("depth/points"), "subscriber")
    host.unsubscribe()
    host.unadvertise()
    assert not host.wanted("depth/points")
    until(lambda: not points.matched, "end of the output")
    received = []
    end = time.monotonic() + 20
    host.spin(lambda: received.append(reader.take()) or received[-1] or time.monotonic() > end)
    (status,) = messages.typestore.deserialize_cdr(received[-1], kind).status
    assert (status.level, status.name, status.message) == (1, "robot/n: depth", "rate is low")
    assert status.hardware_id == "/cam/image" and status.values[0].value == "3"


def test_a_message_that_cannot_be_decoded_is_reported(host, messages):
    got, damaged = [], []
    host.on_damaged = lambda *what: damaged.append(what)
    host.subscribe("image", "sensor_msgs/msg/Image", got.append)
    host.advertise("/cam/image", "sensor_msgs/msg/Image")
    image = messages.make("sensor_msgs/msg/Image", encoding="rgb8", data=np.zeros(4, np.uint8))
    raw = bytearray(messages.typestore.serialize_cdr(image, "sensor_msgs/msg/Image"))
    raw[raw.index(b"rgb8")] = 0xFF  # valid CDR with a string that is not UTF-8
    writer, _ = host._writers["/cam/image"]
    until(lambda: writer.matched, "match")
    writer.write(raw)
    end = time.monotonic() + 5
    host.spin(lambda: damaged or time.monotonic() > end)
    assert not got and damaged[0][0] == "/cam/image" and "utf-8" in damaged[0][1]


@pytest.mark.parametrize(("rule", "words"), [("a=b", "FROM:=TO"), (":=b", "FROM:=TO")])
def test_an_invalid_remapping_is_refused(rule, words):
    with pytest.raises(ConfigError, match=words):
        LiveRequest(remap=(rule,)).dds_node()
