# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator
from helpers.training_runs import log, weights
from torch import nn

from jasmine_core.config import read_config, write_config
from jasmine_core.errors import CheckpointError, ConfigError, JasmineError
from jasmine_core.train.recipe import Phase, Recipe
from jasmine_core.train.state import RunFolder


@pytest.fixture
def trained():
    """Return a small module, and its optimiser with some moments to remember."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))
    optimiser = torch.optim.AdamW(module.parameters())
    step(module, optimiser)
    return module, optimiser


def step(module, optimiser):
    module(torch.ones(2, 4)).sum().backward()
    optimiser.step()
    optimiser.zero_grad()


def folder(tmp_path, recipe, resume=False):
    run = RunFolder(tmp_path / "run", recipe, Accelerator())
    run.begin(resume)
    return run


@contextmanager
def largest_file(size):
    """Let the disk be full for every file beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_saved_state_is_restored(disparity_recipe, trained, tmp_path):
    module, optimiser = trained
    run = folder(tmp_path, disparity_recipe)
    assert run.load(module, optimiser) == (0, math.inf)
    run.save(7, module, optimiser, best=0.25)
    step(module, optimiser)
    onwards = [p.detach().clone() for p in module.parameters()]

    again = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))
    other = torch.optim.AdamW(again.parameters())
    assert folder(tmp_path, disparity_recipe, resume=True).load(again, other) == (7, 0.25)
    step(again, other)
    assert all(torch.equal(a, b) for a, b in zip(onwards, again.parameters(), strict=True))


@pytest.fixture
def one_thread():
    """Set torch to one thread, and back after the test."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def change_progress(run, **values):
    file = run.states / "0000007" / "progress.json"
    progress = json.loads(file.read_text())
    file.write_text(json.dumps(progress | values))
    return progress


def test_the_number_of_threads_of_a_state_is_used(
    disparity_recipe, trained, tmp_path, caplog, monkeypatch, one_thread
):
    caplog.set_level("INFO")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2})
    run = folder(tmp_path, disparity_recipe)
    run.save(7, *trained, best=0.25)
    run.load(*trained)
    assert "threads" not in caplog.text
    assert change_progress(run, threads=3)["threads"] == 1
    assert run.load(*trained) == (7, 0.25)
    assert torch.get_num_threads() == 3
    assert "goes on with 3 threads as before, not 1" in caplog.text
    assert "last digits" not in caplog.text


@pytest.mark.parametrize("saved", [4, 0, "many"])
def test_a_number_of_threads_that_cannot_be_used_is_named(
    disparity_recipe, trained, tmp_path, caplog, monkeypatch, one_thread, saved
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2})
    run = folder(tmp_path, disparity_recipe)
    run.save(7, *trained, best=0.25)
    change_progress(run, threads=saved)
    assert run.load(*trained) == (7, 0.25)
    assert torch.get_num_threads() == 1
    assert f"saved with {saved} threads, this run has 1" in caplog.text


def test_the_newest_states_are_kept(disparity_recipe, trained, tmp_path):
    run = folder(tmp_path, replace(disparity_recipe, keep=2))
    for done in (5, 10, 15, 100):
        run.save(done, *trained, best=1.0)
    assert sorted(f.name for f in run.states.iterdir()) == ["0000015", "0000100"]


@pytest.mark.parametrize("size", [50, 400, 1500], ids=["weights", "more", "optimiser"])
def test_a_full_disk_is_one_line_and_costs_no_older_state(
    disparity_recipe, trained, tmp_path, size
):
    run = folder(tmp_path, disparity_recipe)
    run.save(5, *trained, best=1.0)
    whole = weights(run.states / "0000005")
    with largest_file(size), pytest.raises(JasmineError) as caught:
        run.save(10, *trained, best=1.0)
    assert "0000010 could not be written" in str(caught.value)
    assert "free some disk space, then continue with --resume" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [f.name for f in run.states.iterdir()] == ["0000005"], "nothing half-written stays"
    assert weights(run.states / "0000005").keys() == whole.keys()
    assert folder(tmp_path, disparity_recipe, resume=True).load(*trained) == (5, 1.0)


def test_a_full_disk_ends_a_training_in_one_line(disparity_recipe, tmp_path):
    """Through the command, where a state no longer fits; --resume goes on once there is room."""
    recipe = replace(disparity_recipe, phases=(Phase(4, ("disparity", "posenet")),), save_every=2)
    write_config(recipe, tmp_path / "recipe.yaml")
    script = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from jasmine_ros.cli import main
sys.exit(main(["train", {str(tmp_path / "recipe.yaml")!r}, "-o", {str(tmp_path / "run")!r},
               *sys.argv[2:]]))
"""

    def run(size, *options):
        return subprocess.run(
            [sys.executable, "-c", script, str(size), *options],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    full = run(20_000)
    assert full.returncode == 1
    errors = [line for line in full.stderr.splitlines() if "error" in line.lower()]
    assert len(errors) == 1, full.stderr
    assert "0000002 could not be written" in errors[0]
    assert "Traceback" not in full.stderr
    assert list((tmp_path / "run" / "states").iterdir()) == []
    assert run(10**9, "--resume").returncode == 0
    assert [line["step"] for line in log(tmp_path / "run") if "total" in line] == [1, 2, 3, 4]


def test_a_folder_belongs_to_one_recipe(disparity_recipe, tmp_path):
    folder(tmp_path, disparity_recipe)
    assert read_config(Recipe, tmp_path / "run" / "recipe.yaml") == disparity_recipe
    with pytest.raises(ConfigError, match="add --resume"):
        folder(tmp_path, disparity_recipe)
    wider = replace(disparity_recipe, data=replace(disparity_recipe.data, width=192))
    with pytest.raises(ConfigError, match=r"another recipe: data\.width was 128, is 192"):
        folder(tmp_path, wider, resume=True)
    freely = replace(disparity_recipe, save_every=9, keep=8, log_every=7)
    freely = replace(freely, data=replace(freely.data, workers=1))
    folder(tmp_path, freely, resume=True)
    assert read_config(Recipe, tmp_path / "run" / "recipe.yaml") == freely


def test_a_damaged_state_names_itself_and_the_way_out(disparity_recipe, trained, tmp_path):
    run = folder(tmp_path, disparity_recipe)
    for done in (5, 10):
        run.save(done, *trained, best=1.0)
    (run.states / "0000010" / "optimiser.pt").write_bytes(b"no zip file")
    with pytest.raises(CheckpointError, match=r"0000010 cannot be resumed.*remove it"):
        run.load(*trained)
    for file in (run.states / "0000010").iterdir():
        file.unlink()
    (run.states / "0000010").rmdir()
    assert run.load(*trained) == (5, 1.0)
