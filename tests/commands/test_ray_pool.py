# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`--engine ray` on a real Ray: equal results, killed workers, locks and full disks."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from helpers.camera_bags import frames, stamp, write_bag
from helpers.corridor import CAMERA, look, pose

from jasmine_core.errors import ConfigError
from jasmine_ros.bags.reader import Bag
from jasmine_ros.cli import main
from jasmine_ros.commands import pools
from jasmine_ros.commands.pools import PoolOptions

TESTS = Path(__file__).parents[1]
RAY = ("--engine", "ray", "--workers", "2", "--cores", "1")
MEASURED = ("/diagnostics", "/depth/latency")  # topics with times of this machine
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


@pytest.fixture
def fleet(tmp_path):
    """Return a folder with three recordings, of which the second is damaged."""
    root = tmp_path / "fleet"
    root.mkdir()
    for name, count in (("a", 3), ("c", 300)):
        write_bag(root / name, frames(count))
    (root / "b.mcap").write_bytes(b"not a recording")
    return root


def moving(count):
    """Return a function that records the images of a camera that moves through a corridor."""

    def fill(bag):
        P = np.column_stack([CAMERA.K, np.zeros(3)])
        for index in range(count):
            bag.info(stamp(index), width=CAMERA.width, height=CAMERA.height, k=CAMERA.K, p=P)
            bag.image(stamp(index), look(pose(0.25 * index))[0])

    return fill


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


def samples(shown: str) -> list[str]:
    """Return the numbers of samples in the lines of all recordings."""
    return sorted(re.findall(r"/[a-z]: \d+ samples from \d+ images", shown))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def messages(bag: Path) -> list[tuple]:
    """Return all messages of a result, but those with measured times."""
    with Bag(bag) as source:
        return [
            (m.topic, m.stamp, bytes(m.raw))
            for m in source.messages([t for t in source.topics if t not in MEASURED])
        ]


def test_without_ray_there_is_one_clear_line(fleet, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pools, "find_spec", lambda name: None)
    assert main(["prepare", str(fleet), "-o", str(tmp_path / "out"), *RAY]) == 1
    error = "error: --engine ray needs the package ray; pip install 'jasmine_ros[fleet]'\n"
    assert capsys.readouterr().err.endswith(error)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"address": "auto"}, "--address needs --engine ray"),
        ({"cores": 2}, "--cores needs --engine ray"),
        ({"engine": "ray", "cores": 0}, "--cores is 0; it must be at least 1"),
        ({"engine": "ray", "address": "ray://10.0.0.1:10001"}, "with --address auto"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        PoolOptions(**options)


@needing_ray()
def test_a_killed_worker_changes_no_byte_of_the_prepared_sequences(tmp_path):
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for name, count in (("a", 5), ("c", 120)):
        write_bag(fleet / name, moving(count))
    (fleet / "b.mcap").write_bytes(b"not a recording")
    plain = finish(start("prepare", fleet, "-o", tmp_path / "plain"))
    out = tmp_path / "ray"
    process = start("prepare", fleet, "-o", out, *RAY)
    unfinished = out / ".c.unfinished"

    def writer():
        return list(unfinished.glob("images/*")) and writer_of(unfinished, process.pid)

    os.kill(wait_for(writer, process), signal.SIGKILL)
    status, shown, errors = finish(process)
    assert (status, plain[0]) == (1, 1), errors
    assert f"{fleet}/c is tried again: its worker died" in errors
    assert "b.mcap" in errors and "Traceback" not in errors
    assert samples(shown) == samples(plain[1])
    assert contents(out) == contents(tmp_path / "plain")
    assert not unfinished.exists()


@needing_ray(pytest.mark.slow)
def test_a_killed_worker_changes_no_depth_of_a_run(fleet, checkpoint, tmp_path):
    options = ("--checkpoint", checkpoint)
    finish(start("run", fleet, "-o", tmp_path / "plain", *options))
    out = tmp_path / "ray"
    process = start("run", fleet, "-o", out, *options, *RAY)

    def writer():
        return list(out.glob("c/.run.partial-*/depth/*")) and writer_of(out / "c", process.pid)

    os.kill(wait_for(writer, process), signal.SIGKILL)
    status, _, errors = finish(process)
    assert status == 1 and f"{fleet}/c is tried again" in errors
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["finished"], summary["failed"], summary["images"]) == (2, 1, 303)
    for name in "ac":
        assert messages(out / name / "depth") == messages(tmp_path / "plain" / name / "depth")
        assert not list((out / name).glob(".run.partial-*"))
    status, shown, _ = finish(start("run", fleet, "-o", out, *options))
    assert shown.count("already finished") == 2
