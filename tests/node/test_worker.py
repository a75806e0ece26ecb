# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Threads that work and threads that talk; the hosts' tests have the rest."""

from __future__ import annotations

import threading
import time

import pytest

from jasmine_ros.node.worker import Worker, heartbeat


def test_a_failure_ends_the_worker_and_is_kept():
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


def test_a_closed_worker_takes_no_work():
    worker, done = Worker("w"), []
    worker.close()
    worker.schedule(lambda: done.append(1))
    time.sleep(0.05)
    assert worker.closing and not done


def test_something_that_lasts_is_heard_of_and_silent_afterwards():
    heard: list[float] = []
    enough = threading.Event()

    def beat(seconds: float) -> None:
        heard.append(seconds)
        if len(heard) == 3:
            enough.set()

    with heartbeat(0.02, beat):
        assert enough.wait(20)
    assert heard[:3] == sorted(heard[:3]) and heard[0] >= 0.02
    count = len(heard)
    time.sleep(0.1)
    assert len(heard) <= count + 1


def test_a_heartbeat_ends_with_an_error():
    heard: list[float] = []
    with pytest.raises(ValueError, match="broken"), heartbeat(0.02, heard.append):
        raise ValueError("broken")
    count = len(heard)
    time.sleep(0.1)
    assert len(heard) <= count + 1
