# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands with `--engine ray` in processes of their own, and what they start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

RAY = ("--engine", "ray", "--workers", "2", "--cores", "1")
needs_ray = [
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: make test-fleet"),
]


def needing_ray(*marks):
    """Return a decorator for a test on a real Ray."""

    def decorate(test):
        for mark in [*needs_ray, *marks]:
            test = mark(test)
        return test

    return decorate


def start(*arguments):
    """Start `jasmine` in a process of its own."""
    command = [sys.executable, "-m", "jasmine_ros.cli", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(process):
    """Return status, standard output and error of a process."""
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def descendants(pid: int) -> list[int]:
    """Return the processes below a process."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def workers_of(pid: int) -> list[int]:
    """Return the actors of Ray that work on a recording."""
    found = []
    for each in descendants(pid):
        try:
            title = Path(f"/proc/{each}/cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::Worker.work"):
            found.append(each)
    return found


def wait_for(condition, process):
    """Wait until a condition is true; fail if the process ends before."""
    deadline = time.monotonic() + 240
    while not (found := condition()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def writer_of(folder: Path, pid: int) -> int | None:
    """Return the worker that holds the lock of a folder."""
    place = folder.stat().st_ino if folder.exists() else None
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if place is not None and words[1] == "FLOCK" and words[5].endswith(f":{place}"):
            return int(words[4]) if int(words[4]) in descendants(pid) else None
    return None


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def listening(pid: int) -> set[str]:
    """Return the addresses on which a process listens for TCP connections."""
    own = set()
    try:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            target = str(file.readlink())
            own |= {target[8:-1]} if target.startswith("socket:[") else set()
    except OSError:
        return set()
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in own:
                number = words[1].partition(":")[0]
                family = socket.AF_INET if name == "tcp" else socket.AF_INET6
                groups = [number[i : i + 8] for i in range(0, len(number), 8)]
                raw = b"".join(bytes.fromhex(group)[::-1] for group in groups)
                found.add(socket.inet_ntop(family, raw).removeprefix("::ffff:"))
    return found
