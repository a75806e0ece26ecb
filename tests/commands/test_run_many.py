# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run` over several recordings, with real bags and a real small network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.camera_bags import frames, write_bag

from jasmine_core.locks import exclusive
from jasmine_ros.bags.reader import Bag
from jasmine_ros.cli import main

HOUR = 3600 * 10**9  # [ns]
HOSTILE = "<script>alert(1)<"  # a folder name may hold such text


@pytest.fixture
def fleet(tmp_path):
    """Return a folder with three recordings, of which the second is damaged."""
    root = tmp_path / "fleet"
    root.mkdir()
    for name in ("a", "c"):
        write_bag(root / name, frames(3))
    (root / f"b{HOSTILE}.mcap").write_bytes(b"not a recording")
    return root


def start(checkpoint, out, *arguments):
    """Start `jasmine run` in a process of its own."""
    command = [sys.executable, "-m", "jasmine_ros.cli", "run", *map(str, arguments), "-o", str(out)]
    command += ["--checkpoint", str(checkpoint)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def jasmine(fleet, checkpoint, tmp_path, capsys):
    """Run all recordings; return status, standard output and error, and the summary."""

    def run(*options, bags=(fleet,)):
        capsys.readouterr()
        out = tmp_path / "out"
        given = ["run", *map(str, bags), "-o", str(out), "--checkpoint", str(checkpoint), *options]
        status = main(given)
        shown = capsys.readouterr()
        file = out / "summary.json"
        return status, shown, json.loads(file.read_text()) if file.is_file() else None

    return run


class Later:
    """Recorder of a drive an hour later."""

    def __init__(self, bag):
        self.bag = bag

    def image(self, at, *args):
        self.bag.image(at + HOUR, *args)

    def info(self, at):
        self.bag.info(at + HOUR)


def images(bag: Path) -> list[int]:
    with Bag(bag) as source:
        return source.stamps("/depth/image_rect")


def test_a_damaged_recording_does_not_stop_the_others(jasmine, fleet, tmp_path):
    status, shown, summary = jasmine()
    assert status == 1
    bad = f"b{HOSTILE}"
    assert list(summary["results"]) == ["a", bad, "c"]
    assert (summary["finished"], summary["failed"], summary["images"]) == (2, 1, 6)
    assert summary["results"]["a"]["processed"] == 3
    assert summary["results"][bad]["reason"] in shown.err
    assert len(images(tmp_path / "out/c/depth")) == 3
    page = (tmp_path / "out/summary.html").read_text()
    assert "<script" not in page.lower()
    assert 'src="a/preview.png"' in page


def test_finished_recordings_are_skipped_and_failed_ones_repeated(jasmine, fleet, tmp_path):
    jasmine()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("[ac]/depth/*")}
    (fleet / f"b{HOSTILE}.mcap").unlink()
    write_bag(fleet / f"b{HOSTILE}", frames(2))
    status, shown, summary = jasmine()
    assert status == 0
    assert shown.out.count("already finished") == 2
    assert (summary["finished"], summary["failed"], summary["images"]) == (3, 0, 8)
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_results_of_other_options_are_neither_replaced_nor_taken_for_finished(jasmine, tmp_path):
    jasmine()
    status, shown, _ = jasmine("--every", "2")
    assert status == 1
    assert "out/a was made with other options; add --overwrite" in shown.err
    assert len(images(tmp_path / "out/a/depth")) == 3
    jasmine("--every", "2", "--overwrite")
    assert len(images(tmp_path / "out/a/depth")) == 2


def test_refused_options_do_not_mark_the_finished_results_as_failed_for_ever(jasmine):
    jasmine()
    assert jasmine("--every", "2")[2]["failed"] == 3
    assert jasmine()[2]["failed"] == 1


def test_result_of_another_recording_of_the_same_name_is_not_taken_for_finished(
    jasmine, fleet, tmp_path
):
    jasmine()
    other = write_bag(tmp_path / "other/a", lambda bag: frames(2)(Later(bag)))
    status, shown, _ = jasmine(bags=(other, fleet / "c"))
    assert status == 1
    assert f"out/a was made from another recording ({fleet}/a) than {other}" in shown.err
    assert len(images(tmp_path / "out/a/depth")) == 3


def test_results_inside_the_folder_of_the_recordings_are_not_recordings(fleet, checkpoint, capsys):
    (fleet / f"b{HOSTILE}.mcap").unlink()
    for output in (fleet, fleet / "depth"):
        for _ in range(2):
            command = ["run", str(fleet), "-o", str(output), "--checkpoint", str(checkpoint)]
            assert main(command) == 0
            summary = json.loads((output / "summary.json").read_text())
            assert list(summary["results"]) == ["a", "c"]


def test_the_only_recording_is_found_deep_in_a_folder(checkpoint, tmp_path):
    write_bag(tmp_path / "in/deep/a", frames(2))
    out = tmp_path / "out"
    command = ["run", str(tmp_path / "in"), "-o", str(out), "--checkpoint", str(checkpoint)]
    assert main(command) == 0
    assert len(images(out / "depth")) == 2


def test_recording_with_the_name_of_the_summary_is_refused(jasmine, fleet):
    write_bag(fleet / "summary.json", frames(1))
    status, shown, summary = jasmine()
    assert (status, summary) == (1, None)
    assert "its results would be summary.json; rename it" in shown.err


def test_a_share_without_recordings_has_a_summary(jasmine):
    status, _, summary = jasmine("--shard", "7/8")
    assert (status, summary["recordings"]) == (0, 0)


def test_a_result_that_another_process_writes_is_left_to_it(jasmine, fleet, tmp_path):
    with exclusive(tmp_path / "out/a"):
        status, shown, summary = jasmine()
    assert status == 1
    assert f"out/a is being written by process {os.getpid()}" in shown.err
    assert "a" not in summary["results"]
    assert jasmine()[2]["results"]["a"]["state"] == "finished"


def test_shards_make_the_same_results_and_summary_as_one_machine(jasmine, fleet, tmp_path):
    _, shown, first = jasmine("--shard", "1/2")
    assert list(first["results"]) == ["a", "c"]
    _, _, both = jasmine("--shard", "2/2")
    assert len(both["results"]) == 3
    status, shown, _ = jasmine("--shard", "3/2")
    assert status == 1
    assert "--shard is 3/2" in shown.err


def test_a_file_of_somebody_in_the_place_of_the_summary_is_kept(jasmine, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/summary.html").write_text("mine")
    status, shown, _ = jasmine()
    assert status == 1
    assert "this program did not write it" in shown.err
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["summary.html"]
    assert (tmp_path / "out/summary.html").read_text() == "mine"


def test_after_a_kill_the_same_command_goes_on(fleet, checkpoint, jasmine, tmp_path):
    with start(checkpoint, tmp_path / "out", fleet) as process:
        first = process.stdout.readline()  # A line comes after each recording.
        process.send_signal(signal.SIGKILL)
    assert "out/a: 3 of 3 images" in first
    _, shown, summary = jasmine()
    assert f"{tmp_path}/out/a: already finished" in shown.out
    assert (summary["finished"], summary["failed"]) == (2, 1)


def test_parallel_processes_make_the_results_of_one(jasmine, fleet, tmp_path):
    status, _, summary = jasmine("--workers", "2")
    assert status == 1
    assert (summary["finished"], summary["failed"], summary["images"]) == (2, 1, 6)
    parallel = [images(tmp_path / f"out/{name}/depth") for name in "ac"]
    shutil.rmtree(tmp_path / "out")
    jasmine()
    assert parallel == [images(tmp_path / f"out/{name}/depth") for name in "ac"]


def test_a_killed_worker_fails_its_recording_alone(fleet, checkpoint, jasmine, tmp_path):
    write_bag(fleet / "d", frames(400))
    out = tmp_path / "out"
    with start(checkpoint, out, fleet / "d", fleet / "a", "--workers", 2) as run:
        assert "out/a: 3 of 3 images" in run.stdout.readline()
        (worker,) = children_of(run.pid)
        os.kill(worker, signal.SIGKILL)
        _, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert f"{fleet}/d: its process ended unexpectedly" in errors
    summary = json.loads((out / "summary.json").read_text())
    assert "ended unexpectedly" in summary["results"]["d"]["reason"]
    _, _, summary = jasmine(bags=(fleet / "d", fleet / "a"))
    assert (summary["finished"], summary["images"]) == (2, 403)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_the_present_recordings_and_starts_no_other(
    fleet, checkpoint, tmp_path, workers
):
    for name in ("d", "e", "f"):
        write_bag(fleet / name, frames(400))
    with start(checkpoint, tmp_path / "out", fleet, "--workers", workers) as run:
        for line in run.stdout:
            if "out/c: 3 of 3 images" in line:
                break
        while not list((tmp_path / "out").glob("d/.run.partial-*")):
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=120)
    assert run.returncode == 130
    assert "the same command continues from here" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out/f").exists()


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
