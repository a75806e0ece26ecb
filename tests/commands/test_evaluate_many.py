# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine evaluate` over several recordings, with shares, workers and damaged recordings."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers.camera_bags import stamp, write_bag
from helpers.evaluated_bags import DEPTH, TOPIC, arguments, with_ground_truth

from jasmine_core.locks import exclusive
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_ros.cli import main


@pytest.fixture(scope="module")
def model(make_model, tmp_path_factory):
    """Return a checkpoint with the mean depth map of its training set."""
    import torch

    path = tmp_path_factory.mktemp("model") / "checkpoint"
    network = make_model()
    with torch.no_grad():
        network.ssg.ss_head.shift_head[2].bias += 1  # so that the random depth is positive
    save_checkpoint(network, path, mean_depth=torch.from_numpy(DEPTH))
    return path


@pytest.fixture
def fleet(tmp_path):
    """Return a folder with four recordings of the same times, of which one is damaged."""
    root = tmp_path / "fleet"
    root.mkdir()
    for number, name in enumerate("acd"):
        write_bag(root / name, with_ground_truth(2 + number, 4 * number))
    (root / "b.mcap").write_bytes(b"not a recording")
    return root


@pytest.fixture
def evaluate(model, fleet, tmp_path, capsys):
    """Evaluate recordings; return status, standard output and error, and the report."""

    def run(*options, bags=(fleet,), file=tmp_path / "scores.json"):
        capsys.readouterr()
        status = main(arguments(model, bags, file, *options))
        return status, capsys.readouterr(), json.loads(file.read_text()) if file.exists() else None

    return run


def report_of(folder):
    """Return the bytes of the files of a report, but for the command that the page names."""
    files = {f.suffix: f.read_bytes() for f in folder.glob("scores.*")}
    return files | {".html": re.sub(b"<pre.*?</pre>", b"", files[".html"], flags=re.DOTALL)}


def test_one_report_has_all_recordings_and_the_reason_of_a_failure(evaluate, fleet, tmp_path):
    status, shown, report = evaluate()
    assert status == 1
    assert report["frames"] == report["model"]["frames"] == 2 + 3 + 4
    assert report["data"] == f"3 of 4 recordings with {TOPIC}"
    rows = report["recordings"]
    assert [row["images"] for row in rows.values()] == [2, 0, 3, 4] and list(rows) == list("abcd")
    assert rows["b"]["reason"] in shown.err and "b.mcap" in shown.err
    means = [2 * rows["a"]["abs_rel"], 3 * rows["c"]["abs_rel"], 4 * rows["d"]["abs_rel"]]
    assert report["model"]["abs_rel"] == pytest.approx(sum(means) / 9, rel=1e-12)
    assert "confidence (not calibrated): ECE" in shown.out
    assert set(report_of(tmp_path)) == {".html", ".json", ".md", ".tex", ".png"}


def test_scores_of_a_recording_are_those_of_it_alone(evaluate, fleet, tmp_path):
    _, _, many = evaluate("--show", "1", bags=[fleet / "a", fleet / "c"])
    _, _, alone = evaluate("--show", "1", bags=[fleet / "c"], file=tmp_path / "alone.json")
    assert many["recordings"]["c"]["abs_rel"] == alone["model"]["abs_rel"]
    assert not (tmp_path / "alone").exists()


def test_shares_make_the_report_of_one_machine_byte_for_byte(evaluate, tmp_path):
    evaluate()
    whole = report_of(tmp_path)
    shutil.rmtree(tmp_path / "scores")
    for file in tmp_path.glob("scores.*"):
        file.unlink()
    status, _, first = evaluate("--shard", "1/2")
    assert status == 0 and first["frames"] == 2 + 3
    assert first["recordings"]["d"]["reason"] == "it is not evaluated yet"
    status, _, _ = evaluate("--shard", "2/2")
    assert status == 1
    assert report_of(tmp_path) == whole


@pytest.mark.slow
def test_workers_make_the_report_of_one_process_byte_for_byte(evaluate, tmp_path):
    evaluate()
    whole = report_of(tmp_path)
    shutil.rmtree(tmp_path / "scores")
    evaluate("--workers", "2")
    assert report_of(tmp_path) == whole


def test_the_same_command_evaluates_only_what_is_missing(evaluate, fleet, tmp_path):
    evaluate()
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "scores").glob("[acd]/scores.json")}
    (fleet / "b.mcap").unlink()
    write_bag(fleet / "b", with_ground_truth(2, 20))
    status, shown, report = evaluate("--show", "2")
    assert status == 0 and report["frames"] == 11
    assert shown.out.count("already finished") == 3
    assert before == {f: f.stat().st_mtime_ns for f in before}
    assert not (tmp_path / "scores/b/failure.json").exists()


def test_scores_of_another_checkpoint_or_other_options_are_replaced(
    evaluate, model, make_model, tmp_path, fleet
):
    def scores(checkpoint, *options):
        given = ("--checkpoint", str(checkpoint), "--show", "1", *options)
        _, shown, report = evaluate(*given, bags=[fleet / "a", fleet / "c"])
        return shown.out.count("already finished"), report["model"]

    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    _, first = scores(model)
    assert scores(copy) == (2, first), "the same weights under another name"
    finished, other = scores(copy, "--alignment", "least_squares")
    assert finished == 0 and other["abs_rel"] != first["abs_rel"]
    shutil.rmtree(copy)
    save_checkpoint(make_model(seed=1), copy)
    assert scores(copy, "--alignment", "least_squares")[0] == 0


def test_a_folder_of_ground_truth_may_have_a_folder_for_each_recording(
    model, fleet, tmp_path, capsys
):
    import cv2

    for name, count in (("a", 2), ("c", 1)):
        (tmp_path / "depths" / name).mkdir(parents=True)
        for index in range(count):
            depth = (256 * DEPTH).astype(np.uint16)
            cv2.imwrite(str(tmp_path / f"depths/{name}/{stamp(index)}.png"), depth)
    file = tmp_path / "scores.json"
    command = arguments(model, [fleet / "a", fleet / "c"], file)
    command[command.index(TOPIC)] = str(tmp_path / "depths")
    assert main(command) == 0
    rows = json.loads(file.read_text())["recordings"]
    assert [row["images"] for row in rows.values()] == [2, 1]


def test_a_share_without_recordings_is_no_error(evaluate):
    status, shown, report = evaluate("--shard", "9/9")
    assert (status, report) == (0, None)
    assert "no recording is evaluated yet" in shown.out


def test_a_recording_that_another_process_evaluates_is_left_to_it(evaluate, tmp_path):
    with exclusive(tmp_path / "scores/a"):
        status, shown, report = evaluate()
    assert status == 1 and report["frames"] == 7
    assert f"scores/a is being written by process {os.getpid()}" in shown.err


def test_files_of_somebody_in_the_place_of_scores_are_kept(evaluate, tmp_path):
    mine = tmp_path / "scores/a/scores.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    status, shown, _ = evaluate()
    assert status == 1 and "this program did not write it" in shown.err
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bag", "IN", "--ground-truth", "/x", "--shard", "3/2"], "--shard is 3/2"),
        (["--bag", "IN", "--ground-truth", "/x", "--workers", "0"], "--workers is 0"),
        (["--world", "street", "--shard", "1/2"], "--shard has no effect with --world"),
        (["--bag", "IN", "--ground-truth", "/x", "--cores", "2"], "--cores needs --engine ray"),
        (["--bag", "nowhere", "--ground-truth", "/x"], "nowhere"),
    ],
)
def test_wrong_requests_give_one_clear_error(model, fleet, tmp_path, capsys, options, words):
    options = [str(fleet) if option == "IN" else option for option in options]
    command = ["evaluate", "--checkpoint", str(model), "--json", str(tmp_path / "out.json")]
    assert main([*command, *options]) == 1
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_scores_never_go_into_the_folder_of_the_recordings(evaluate, fleet, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    status, shown, _ = evaluate(file=tmp_path / "fleet.json")
    assert status == 1 and f"{fleet}, the folder of the recording {fleet / 'a'};" in shown.err
    assert sorted(tmp_path.rglob("*")) == before


def test_after_ctrl_c_the_same_command_goes_on(model, evaluate, fleet, tmp_path):
    write_bag(fleet / "e", with_ground_truth(400))
    command = arguments(model, [fleet / "a", fleet / "e"], tmp_path / "scores.json")
    started = [sys.executable, "-m", "jasmine_ros.cli", *command]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as run:
        assert "scores/a: 2 images" in run.stdout.readline()
        while not (tmp_path / "scores/e").exists():
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=600)
    assert run.returncode == 130, errors
    assert "the same command continues from here" in errors and "Traceback" not in errors
    assert not (tmp_path / "scores/e/scores.json").exists()
    assert not (tmp_path / "scores.json").exists()
    _, shown, report = evaluate(bags=[fleet / "a", fleet / "c"])
    assert shown.out.count("already finished") == 1 and report["frames"] == 5
