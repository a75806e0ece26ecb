# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`--engine ray --address` on a cluster: faulty jobs, many workers, tokens, wrong addresses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import pytest
from helpers import ray_jobs
from helpers.camera_bags import frames, write_bag
from helpers.ray_commands import finish, needing_ray, start
from helpers.ray_jobs import FaultyJob

from jasmine_ros.commands.pools import PoolOptions, Work, work_on

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cluster():
    """Start a Ray cluster with a token, as its users do; return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    with (
        pytest.MonkeyPatch.context() as patch,
        # Paths of sockets have at most 107 characters, too few for the folders of pytest.
        TemporaryDirectory(prefix="jasmine-ray-", ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", token_hex(32))
        # Without this, Ray replaces 127.0.0.1 by the address of the machine in the network.
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        command = [*ray, "start", "--head", "--block", f"--port={port}"]
        command += ["--node-ip-address=127.0.0.1", "--num-cpus=2", "--include-dashboard=false"]
        command += [f"--temp-dir={folder}", "--object-store-memory=80000000"]
        head = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert any("Ray runtime started" in line for line in head.stdout)
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            head.communicate(timeout=240)


@pytest.fixture
def on_cluster(cluster, tmp_path):
    """Do jobs with faults on the cluster; return the outcomes."""

    def do(*faults, workers=2):
        jobs = [FaultyJob(tmp_path / f"{i}-{fault}", fault) for i, fault in enumerate(faults)]
        work = Work(ray_jobs.work, ray_jobs.lost)
        limit = time.monotonic() + 600
        options = PoolOptions("ray", cluster, 1)
        return list(work_on(jobs, work, workers, options, lambda: time.monotonic() > limit))

    return do


@needing_ray(pytest.mark.slow)
def test_a_cluster_that_refuses_the_token_gives_one_clear_line(cluster, tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_MODE")
    fleet = write_bag(tmp_path / "a", frames())
    command = ("prepare", fleet, "-o", tmp_path / "o", "--engine", "ray", "--address", cluster)
    status, _, errors = finish(start(*command))
    assert status == 1
    last = errors.splitlines()[-1]
    assert last.startswith(f"error: the Ray cluster at {cluster} refuses the token")
    assert "RAY_AUTH_MODE=token" in last


@needing_ray(pytest.mark.slow)
def test_a_recording_that_kills_its_workers_fails_alone_after_three_attempts(on_cluster, tmp_path):
    outcomes = on_cluster("none", "die", "none", "die once", "raise", "none")
    texts = sorted(o.text for o in outcomes)
    assert [o.failed for o in sorted(outcomes, key=lambda o: o.text)] == [
        False, True, False, False, True, False,
    ]  # fmt: skip
    assert texts[1].startswith("1-die: its worker died") and "repeat the command" in texts[1]
    assert "ZeroDivisionError: by zero (this is a bug)" in texts[4]
    attempts = [len(file.read_text().split()) for file in sorted(tmp_path.iterdir())]
    assert attempts == [1, 3, 1, 2, 1, 1]


@needing_ray(pytest.mark.slow)
def test_an_actor_keeps_its_process_for_many_recordings(on_cluster):
    outcomes = on_cluster(*["none"] * 12)
    assert len(outcomes) == 12
    assert len({o.text.rpartition(" ")[2] for o in outcomes}) <= 2


@needing_ray(pytest.mark.slow)
def test_more_workers_than_the_cluster_has_room_for_do_not_hang(on_cluster):
    assert len(on_cluster(*["none"] * 4, workers=8)) == 4


@needing_ray()
def test_a_missing_cluster_gives_one_clear_line(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    fleet = write_bag(tmp_path / "a", frames())
    command = ("prepare", fleet, "-o", tmp_path / "o", "--engine", "ray", "--address", address)
    status, _, errors = finish(start(*command))
    assert status == 1
    assert errors.splitlines()[-1].startswith(f"error: Ray has no cluster at {address}")
