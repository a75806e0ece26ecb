# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Advisory locks of output folders between processes."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from jasmine_core.errors import JasmineError
from jasmine_core.locks import exclusive

HOLD = """
import sys, time
from pathlib import Path
from jasmine_core.locks import exclusive
with exclusive(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.readline() if len(sys.argv) > 2 else time.sleep(60)
"""
FORK = """
import os, sys, time
from pathlib import Path
from jasmine_core.locks import exclusive
with exclusive(Path(sys.argv[1])):
    forked = os.fork() == 0
    os.write(1, b"locked\\n")
    time.sleep(5 if forked else 60)
"""


def test_other_process_is_named_and_its_end_releases_the_lock(tmp_path, start):
    other = start(HOLD, tmp_path / "out")
    assert other.stdout.readline() == "locked\n"
    with (
        pytest.raises(JasmineError, match=f"written by process {other.pid}; wait.*-o"),
        exclusive(tmp_path / "out"),
    ):
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    with exclusive(tmp_path / "out"):
        pass


def test_forked_worker_does_not_keep_the_lock(tmp_path, start):
    other = start(FORK, tmp_path / "out")
    assert [other.stdout.readline() for _ in range(2)] == ["locked\n"] * 2
    other.kill()
    other.wait()
    with exclusive(tmp_path / "out"):
        pass


def test_waiting_process_continues_after_the_other(tmp_path, start):
    other = start(HOLD, tmp_path)
    assert other.stdout.readline() == "locked\n"
    threading.Timer(0.3, lambda: os.kill(other.pid, signal.SIGKILL)).start()
    with exclusive(tmp_path, "exports the same model"):
        assert other.wait(timeout=10) == -signal.SIGKILL


def test_lock_leaves_nothing_behind(tmp_path):
    with exclusive(tmp_path / "a" / "out"):
        assert list((tmp_path / "a" / "out").iterdir()) == []
    assert not (tmp_path / "a" / "out").exists()
    with exclusive(tmp_path / "out"):
        (tmp_path / "out" / "result").write_text("x")
    assert (tmp_path / "out" / "result").exists()


def test_different_folders_are_written_at_once(tmp_path):
    with exclusive(tmp_path / "a"), exclusive(tmp_path / "b"):
        pass
