# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training in real processes: a killed one, an interrupted one, and several at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.training_runs import log, same, weights

from jasmine_core.config import write_config
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.locks import exclusive
from jasmine_core.train.recipe import OptimiserConfig, Phase, Recipe
from jasmine_core.train.trainer import train

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
ON_CPU = {"ACCELERATE_USE_CPU": "true"}  # even where there is a GPU
RATES = {"disparity": 1e-3, "jasmine": 1e-5}
TOLERANCES = {"disparity": 1e-3, "jasmine": 5e-3}
PATIENCE = 240  # seconds on a machine with much else to do


def arguments(recipe: Recipe, folder: Path, *options: str) -> list[str]:
    """Return what follows `jasmine`, with the recipe written beside the run's folder."""
    file = folder.parent / f"{folder.name}.yaml"
    write_config(recipe, file)
    return ["train", str(file), "-o", str(folder), *options]


def start(recipe: Recipe, folder: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jasmine_ros.cli", *arguments(recipe, folder, *options)]
    return subprocess.Popen(
        command, env=ENVIRONMENT | environment, stderr=subprocess.PIPE, text=True
    )


def wait(condition: Callable[[], bool], *processes: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happens"
        for process in processes:
            assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def newest_state(folder: Path) -> int:
    return max((int(f.name) for f in folder.glob("states/0*")), default=0)


@pytest.mark.parametrize("learner", ["disparity", pytest.param("jasmine", marks=pytest.mark.slow)])
def test_a_killed_and_interrupted_run_ends_in_the_same_weights(learner, request, tmp_path):
    """A run that was killed once and interrupted once has the weights of an undisturbed run."""
    recipe: Recipe = request.getfixturevalue(f"{learner}_recipe")
    phase = Phase(40, recipe.phases[0].train)
    recipe = replace(recipe, phases=(phase,), save_every=3, validate_every=7)
    hurt = tmp_path / "hurt"

    process = start(recipe, hurt)
    wait(lambda: newest_state(hurt) >= 3, process)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    partial = hurt / "states" / ".0000099.partial-1"  # as if it had died while it saved
    partial.mkdir()

    reached = newest_state(hurt)
    process = start(recipe, hurt, "--resume")
    wait(lambda: newest_state(hurt) >= reached + 3, process)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130, told
    assert told.splitlines()[-1].endswith("interrupted; --resume continues from here")
    assert not partial.exists()
    assert not (hurt / "final").exists()
    assert newest_state(hurt) == log(hurt)[-1]["step"], "the state is that of the last step"

    final = train(recipe, hurt, resume=True)
    unhurt = train(recipe, tmp_path / "unhurt")
    assert same(weights(unhurt), weights(final))
    totals = [[x["total"] for x in log(f) if "total" in x] for f in (hurt, tmp_path / "unhurt")]
    assert len(totals[0]) == 40, "no step is logged twice or missing"
    assert totals[0] == totals[1]


def test_sigterm_to_the_process_group_saves_the_state(disparity_recipe, tmp_path):
    """The signal reaches the workers of the feed too; they must not die before the last step."""
    phase = Phase(400, disparity_recipe.phases[0].train)
    data = replace(disparity_recipe.data, workers=2)
    recipe = replace(disparity_recipe, phases=(phase,), data=data, save_every=2)
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "jasmine_ros.cli", *arguments(recipe, folder)]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait(lambda: newest_state(folder) >= 2, process)
    os.killpg(process.pid, signal.SIGTERM)
    told = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 143, told
    assert told.splitlines()[-1].endswith("interrupted; --resume continues from here")
    assert "Traceback" not in told
    assert newest_state(folder) == log(folder)[-1]["step"], "the state is that of the last step"


def test_folder_of_another_training_is_refused(disparity_recipe, tmp_path):
    with (
        exclusive(tmp_path / "run"),
        pytest.raises(JasmineError, match=f"is being written by process {os.getpid()}"),
    ):
        train(disparity_recipe, tmp_path / "run")


@pytest.mark.parametrize("name", ["final", "states"])
def test_folder_of_the_user_is_not_replaced_by_a_result(disparity_recipe, tmp_path, name):
    (tmp_path / "run" / name).mkdir(parents=True)
    with pytest.raises(ConfigError, match=rf"{name} exists, but .* has no recipe\.yaml"):
        train(disparity_recipe, tmp_path / "run")


@pytest.mark.parametrize("learner", ["disparity", pytest.param("jasmine", marks=pytest.mark.slow)])
def test_two_processes_train_like_one(learner, request, tmp_path):
    """DDP over gloo: at the same global batch the curves of all terms, and the weights, agree.

    What differs is the order of sums and the 1e-5 of noise that breaks the auto-mask's ties.
    """
    recipe: Recipe = request.getfixturevalue(f"{learner}_recipe")
    phase = Phase(8, recipe.phases[0].train)
    recipe = replace(recipe, phases=(phase,), batch_size=4, save_every=1, keep=8)
    # Adam makes a whole step of the last digits of a tiny gradient: at any greater rate the curves
    # of an untrained U-Net part, and its weights do even so.
    rate = OptimiserConfig(learning_rate=RATES[learner], warm_up=2)
    recipe = replace(recipe, optimiser=rate, validate_every=4)
    train(recipe, tmp_path / "one")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    launch += ["--master_port", str(free_port()), "-m", "jasmine_ros.cli"]
    launch += arguments(recipe, tmp_path / "two")
    done = subprocess.run(
        launch,
        env=ENVIRONMENT | ON_CPU,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    progress = tmp_path / "two" / "states" / "0000008" / "progress.json"
    assert json.loads(progress.read_text())["processes"] == 2, "or it compares one with one"

    one, two = log(tmp_path / "one"), log(tmp_path / "two")
    assert [line["step"] for line in one] == [line["step"] for line in two]
    tolerance = TOLERANCES[learner]
    timing = {"images_per_second", "data_wait"}
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - timing:
            assert b[name] == pytest.approx(a[name], rel=tolerance, abs=1e-5), (name, a["step"])

    def gradient(name):  # of the first step: what Adam remembers of it
        file = tmp_path / name / "states" / "0000001" / "optimiser.pt"
        moments = torch.load(file, weights_only=True)["state"].values()
        return torch.cat([m["exp_avg"].flatten() for m in moments])

    assert (gradient("one") - gradient("two")).norm() < 1e-3 * gradient("one").norm()
    if learner == "disparity":
        first, one, two = (
            weights(tmp_path / run / "states" / f"{step:07d}")
            for run, step in (("one", 1), ("one", 8), ("two", 8))
        )
        # Metres per unit are no weight: unknown at first, then measured.
        learned = [name for name in one if not name.endswith(":metres_per_unit")]
        apart = sum(float((one[name] - two[name]).square().sum()) for name in learned)
        way = sum(float((one[name] - first[name]).square().sum()) for name in learned)
        assert apart < 0.02**2 * way, "far less apart than they have come"


def test_the_death_of_a_process_ends_the_others(disparity_recipe, tmp_path):
    recipe = replace(disparity_recipe, phases=(Phase(2000, ("disparity",)),), batch_size=2)
    together = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    folder = tmp_path / "run"
    pair = [start(recipe, folder, RANK=r, LOCAL_RANK=r, **together, **ON_CPU) for r in ("0", "1")]
    try:
        wait(lambda: newest_state(folder) >= 2, *pair)
        pair[1].kill()
        told = pair[0].communicate(timeout=60)[1]
    finally:
        for process in pair:
            process.kill()
            process.wait()
    assert pair[0].returncode == 1
    errors = [line for line in told.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "another process of this training ended" in errors[0]
    assert "Traceback" not in told
    assert newest_state(folder) >= 2
    assert not (folder / "final").exists()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
