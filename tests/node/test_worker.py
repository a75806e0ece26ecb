# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Worker thread and heartbeat; the tests of the hosts cover the order of the work."""

from __future__ import annotations

import threading
import time

import pytest

from jasmine_ros.node.worker import Worker, heartbeat


def test_an_exception_ends_the_worker_and_is_kept():
    worker, error, done = Worker("w"), ValueError("no"), []

    def fail() -> None:
        raise error

    worker.schedule(fail)
    end = time.monotonic() + 20
    while worker.failure is None and time.monotonic() < end:
        time.sleep(0.01)
    assert worker.failure is error
    worker.schedule(lambda: done.append(1))
    worker.close()
    assert not done


def test_a_closed_worker_runs_no_work():
    worker, done = Worker("w"), []
    worker.close()
    worker.schedule(lambda: done.append(1))
    time.sleep(0.05)
    assert worker.closing and not done


def test_a_heartbeat_is_periodic_and_ends_with_its_block():
    beats: list[float] = []
    enough = threading.Event()

    def beat(seconds: float) -> None:
        beats.append(seconds)
        if len(beats) == 3:
            enough.set()

    with heartbeat(0.02, beat):
        assert enough.wait(20)
    assert beats[:3] == sorted(beats[:3]) and beats[0] >= 0.02
    count = len(beats)
    time.sleep(0.1)
    assert len(beats) <= count + 1


def test_a_heartbeat_ends_with_an_exception_in_its_block():
    beats: list[float] = []
    with pytest.raises(ValueError, match="broken"), heartbeat(0.02, beats.append):
        raise ValueError("broken")
    count = len(beats)
    time.sleep(0.1)
    assert len(beats) <= count + 1
