# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`--engine ray` on a real Ray: equal results, killed workers, locks and full disks."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.camera_bags import frames, stamp, write_bag
from helpers.corridor import CAMERA, look, pose
from helpers.evaluated_bags import DEPTH, arguments, with_ground_truth
from helpers.ray_commands import (
    RAY,
    descendants,
    finish,
    is_running,
    listening,
    needing_ray,
    start,
    wait_for,
    workers_of,
    writer_of,
)

from jasmine_core.errors import ConfigError
from jasmine_core.locks import exclusive
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.outputs import MARKER
from jasmine_core.prepare.sequence_folder import PAGE
from jasmine_ros.bags.reader import Bag
from jasmine_ros.cli import main
from jasmine_ros.commands import pools
from jasmine_ros.commands.pools import PoolOptions

MEASURED = ("/diagnostics", "/depth/latency")  # topics with times of this machine


@pytest.fixture
def evaluated_model(make_model, tmp_path):
    """Return a checkpoint whose random depth is positive."""
    network = make_model()
    with torch.no_grad():
        network.ssg.ss_head.shift_head[2].bias += 1
    save_checkpoint(network, tmp_path / "model", mean_depth=torch.from_numpy(DEPTH))
    return tmp_path / "model"


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


def samples(shown: str) -> list[str]:
    """Return the numbers of samples in the lines of all recordings."""
    return sorted(re.findall(r"/[a-z]: \d+ samples from \d+ images", shown))


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files but reports, which name the command, and records of their sizes."""
    files = [f for f in folder.rglob("*") if f.is_file() and f.name not in (PAGE, MARKER)]
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


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


@needing_ray(pytest.mark.slow)
def test_the_report_of_an_evaluation_is_that_of_one_process(tmp_path, evaluated_model):
    bags = [write_bag(tmp_path / name, with_ground_truth(2, 4 * i)) for i, name in enumerate("abc")]
    for name, options in (("plain", ()), ("ray", RAY)):
        file = tmp_path / name / "scores.json"
        status, _, errors = finish(start(*arguments(evaluated_model, bags, file, *options)))
        assert status == 0, errors
    for suffix in (".json", ".md", ".tex", ".png"):
        plain, ray = (tmp_path / name / f"scores{suffix}" for name in ("plain", "ray"))
        assert plain.read_bytes() == ray.read_bytes()


@needing_ray(pytest.mark.slow)
def test_a_recording_that_another_process_writes_is_left_to_it(fleet, checkpoint, tmp_path):
    options = ("run", fleet, "-o", tmp_path / "out", "--checkpoint", checkpoint)
    with exclusive(tmp_path / "out/a"):
        status, _, errors = finish(start(*options, *RAY))
    assert status == 1
    assert f"out/a is being written by process {os.getpid()}" in errors
    assert not (tmp_path / "out/a/failure.json").exists()
    status, shown, _ = finish(start(*options))
    assert "out/a: 3 of 3 images" in shown and "out/c: already finished" in shown


@needing_ray(pytest.mark.slow)
def test_a_full_disk_of_one_worker_fails_its_recording_alone(fleet, checkpoint, tmp_path):
    """The limit of the file size makes write(2) fail, as a full disk does."""
    out = tmp_path / "out"
    options = ("run", fleet, "-o", out, "--checkpoint", checkpoint)
    process = start(*options, *RAY)

    def writer():
        return list(out.glob("c/.run.partial-*")) and writer_of(out / "c", process.pid)

    limit = 1 << 20
    resource.prlimit(wait_for(writer, process), resource.RLIMIT_FSIZE, (limit, limit))
    status, shown, errors = finish(process)
    assert status == 1 and "out/a: 3 of 3 images" in shown
    assert "stay readable" in errors and "Traceback" not in errors
    reason = json.loads((out / "c/failure.json").read_text())["error"]
    assert "stay readable" in reason
    status, shown, _ = finish(start(*options))
    assert "out/a: already finished" in shown and "out/c: 300 of 300 images" in shown


@needing_ray(pytest.mark.slow)
def test_a_local_cluster_is_not_reachable_and_ends_with_the_command(fleet, checkpoint, tmp_path):
    out = tmp_path / "out"
    process = start("run", fleet, "-o", out, "--checkpoint", checkpoint, *RAY)
    wait_for(lambda: workers_of(process.pid), process)
    everyone = descendants(process.pid)
    addresses = {address for pid in everyone for address in listening(pid)}
    assert addresses == {"127.0.0.1"}
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 300  # Some processes of Ray look for the others for 60 s.
    while alive := [pid for pid in everyone if is_running(pid)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.1)
    status, shown, _ = finish(start("run", fleet, "-o", out, "--checkpoint", checkpoint))
    assert status == 1 and "out/c: " in shown


@needing_ray(pytest.mark.slow)
def test_ctrl_c_ends_the_present_recordings_and_starts_no_other(fleet, checkpoint, tmp_path):
    for name in ("d", "e", "f"):
        write_bag(fleet / name, frames(300))
    out = tmp_path / "out"
    process = start("run", fleet, "-o", out, "--checkpoint", checkpoint, *RAY)
    wait_for(lambda: list(out.glob("[cd]/.run.partial-*")), process)
    process.send_signal(signal.SIGINT)
    status, _, errors = finish(process)
    assert status == 130, errors
    assert "the same command continues from here" in errors and "Traceback" not in errors
    assert not (out / "f").exists()
    assert not list(out.glob("*/.run.partial-*"))
