# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from jasmine_core import JasmineModel
from jasmine_core.config import write_config
from jasmine_core.errors import CheckpointError, ConfigError, JasmineError
from jasmine_core.model.disparity_net import DisparityNet
from jasmine_core.train.feed import Feed, Pictures, training_samples
from jasmine_core.train.learner import make_learner
from jasmine_core.train.loop import train
from jasmine_core.train.recipe import Phase, Recipe


def weights(folder):
    """Return all tensors below a checkpoint or state."""
    files = sorted(folder.rglob("*.safetensors"))
    return {f"{f.relative_to(folder)}:{k}": v for f in files for k, v in load_file(f).items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_disparity_net_is_trained(disparity_recipe, tmp_path, nets):
    final = train(disparity_recipe, tmp_path / "run")
    net = DisparityNet.from_pretrained(final)
    before = DisparityNet.from_pretrained(nets / "disparity").state_dict()
    assert any(not torch.equal(v, before[k]) for k, v in net.state_dict().items())
    steps = [line for line in log(tmp_path / "run") if "total" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    assert {"photometric", "smoothness", "velocity", "learning_rate", "images_per_second"} < set(
        steps[0]
    )
    assert [line["step"] for line in log(tmp_path / "run") if "validation" in line] == [3, 6]
    assert sorted(f.name for f in (tmp_path / "run" / "states").iterdir()) == [
        "0000002",
        "0000004",
        "0000006",
    ]
    assert cv2.imread(str(tmp_path / "run" / "pictures" / "0000005.png")) is not None
    assert (tmp_path / "run" / "best" / "config.json").is_file()


def test_jasmine_is_trained_in_phases(jasmine_recipe, tmp_path, checkpoint):
    final = train(replace(jasmine_recipe, save_every=1, keep=10), tmp_path / "run")
    model = JasmineModel.from_pretrained(final)
    assert model.config.metres_per_unit == 30.0, "odometry taught the scale"
    assert (final / "posenet" / "model.safetensors").is_file()

    def part(step, name):
        state = load_file(tmp_path / "run" / "states" / f"{step:07d}" / "weights.safetensors")
        return {k: v for k, v in state.items() if k.startswith(name)}

    for name in ("model.unet", "model.ssg", "posenet"):
        assert not same(part(1, name), part(2, name)), f"phase 1 trains {name}"
        assert not same(part(4, name), part(6, name)), f"phase 3 trains {name}"
    assert not same(part(2, "model.unet"), part(4, "model.unet"))
    assert same(part(2, "model.ssg"), part(4, "model.ssg")), "phase 2 freezes the SSG"
    assert same(part(2, "posenet"), part(4, "posenet")), "phase 2 freezes the pose net"
    untouched = JasmineModel.from_pretrained(checkpoint)
    assert same(dict(model.vae.state_dict()), dict(untouched.vae.state_dict())), "VAE is frozen"
    terms = set(log(tmp_path / "run")[0])
    assert {"photometric", "reconstruction", "teacher_depth", "teacher_ssi", "edge"} < terms


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"teacher": ""}, {"teacher_depth", "teacher_ssi"}),
        ({"data": {"auxiliary": ""}}, {"reconstruction"}),
    ],
)
def test_ablations_leave_their_terms_out(jasmine_recipe, tmp_path, changes, missing):
    changes = dict(changes)
    if "data" in changes:
        changes["data"] = replace(jasmine_recipe.data, **changes["data"])
    short = replace(jasmine_recipe, phases=(Phase(1, ("unet", "ssg", "posenet")),), **changes)
    train(short, tmp_path / "run")
    assert not missing & set(log(tmp_path / "run")[0])


def test_the_latent_cache_changes_nothing(jasmine_recipe, sequence):
    learner = make_learner(jasmine_recipe)
    samples, _ = training_samples(jasmine_recipe.data)
    feed = Feed(Pictures(samples, jasmine_recipe.data, (128, 64), seed=1), batch_size=2)
    for batch in feed.batches(0, 12):
        pictures = torch.cat([batch.image, batch.auxiliary])
        with torch.no_grad():
            expected = learner.model.encode(pictures)
        torch.testing.assert_close(learner._encode(batch), expected, rtol=1e-4, atol=1e-5)
    assert 8 <= len(learner.cache) <= 2 * len(samples), "each picture once, mirrored ones apart"


# ---------------------------------------------------------------------- resuming


def command(recipe, folder, *options):
    file = folder.parent / f"{folder.name}.yaml"
    write_config(recipe, file)
    return [
        sys.executable, "-m", "jasmine_ros.cli", "train", str(file), "-o", str(folder), *options
    ]  # fmt: skip


ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@pytest.mark.parametrize("learner", ["disparity", "jasmine"])
def test_kill_and_resume_end_in_the_same_weights(learner, request, tmp_path):
    recipe: Recipe = request.getfixturevalue(f"{learner}_recipe")
    parts = recipe.phases[0].train
    recipe = replace(recipe, phases=(Phase(30, parts),), save_every=3, validate_every=7)
    whole = subprocess.run(
        command(recipe, tmp_path / "whole"), env=ENVIRONMENT, capture_output=True, check=False
    )
    assert whole.returncode == 0, whole.stderr.decode()

    killed = tmp_path / "killed"
    for save in (1, 4):  # twice, at different places
        options = ["--resume"] if killed.exists() else []
        process = subprocess.Popen(
            command(recipe, killed, *options), env=ENVIRONMENT, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while len(list(killed.glob("states/0*"))) == 0 or not any(
            int(f.name) >= 3 * save for f in killed.glob("states/0*")
        ):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (killed / "final").exists()
    done = subprocess.run(
        command(recipe, killed, "--resume"), env=ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert same(weights(tmp_path / "whole" / "final"), weights(killed / "final"))
    steps = [line["step"] for line in log(killed) if "total" in line]
    assert steps == list(range(1, 31)), "no step is logged twice or missing"
    totals = [
        [line["total"] for line in log(f) if "total" in line] for f in (tmp_path / "whole", killed)
    ]
    assert totals[0] == totals[1]


def test_two_processes_do_as_one(disparity_recipe, tmp_path):
    """DDP over gloo: the same loss curve at the same global batch."""
    recipe = replace(disparity_recipe, phases=(Phase(5, ("disparity", "posenet")),), batch_size=4)
    train(recipe, tmp_path / "one")
    file = tmp_path / "two.yaml"
    write_config(recipe, file)
    launch = [
        sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2",
        "--main_process_port", "0", "-m", "jasmine_ros.cli",
        "train", str(file), "-o", str(tmp_path / "two"),
    ]  # fmt: skip
    done = subprocess.run(launch, env=ENVIRONMENT, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    one, two = weights(tmp_path / "one" / "final"), weights(tmp_path / "two" / "final")
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=2e-2, atol=2e-4)


def test_a_resumed_run_must_have_the_same_recipe(disparity_recipe, tmp_path):
    train(disparity_recipe, tmp_path / "run")
    with pytest.raises(ConfigError, match="--resume"):
        train(disparity_recipe, tmp_path / "run")
    other = replace(disparity_recipe, batch_size=1)
    with pytest.raises(ConfigError, match=r"another recipe: batch_size was 2, is 1"):
        train(other, tmp_path / "run", resume=True)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="no training to resume"):
        train(disparity_recipe, tmp_path / "foreign", resume=True)


def test_a_damaged_state_is_named(disparity_recipe, tmp_path):
    train(disparity_recipe, tmp_path / "run")
    newest = max((tmp_path / "run" / "states").iterdir())
    file = newest / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    longer = replace(disparity_recipe)
    with pytest.raises(CheckpointError, match=f"{newest.name}.*remove it"):
        train(longer, tmp_path / "run", resume=True)


# ---------------------------------------------------------------------- trouble


def test_a_loss_that_is_not_finite_stops_and_keeps_its_batch(disparity_recipe, nets, tmp_path):
    broken = DisparityNet.from_pretrained(nets / "disparity")
    with torch.no_grad():
        next(broken.parameters()).fill_(math.nan)
    broken.save_pretrained(tmp_path / "broken")
    recipe = replace(disparity_recipe, start=str(tmp_path / "broken"))
    with pytest.raises(JasmineError, match=r"not finite at step 0.*bad_batch_0_0"):
        train(recipe, tmp_path / "run")
    batch = load_file(tmp_path / "run" / "bad_batch_0_0.safetensors")
    assert batch["image"].shape == (2, 3, 64, 128)
    assert not (tmp_path / "run" / "final").exists()


def test_an_overfit_run_learns(jasmine_recipe, tmp_path):
    """On the same few pictures the losses fall, which only working gradients explain."""
    data = replace(jasmine_recipe.data, held_out=0.0, flip=0.0, jitter=0.0)
    recipe = replace(
        jasmine_recipe,
        phases=(Phase(60, ("unet", "ssg", "posenet")),),
        batch_size=4,
        data=data,
        optimiser=replace(jasmine_recipe.optimiser, learning_rate=2e-3),
        save_every=60,
        validate_every=100,
    )
    train(recipe, tmp_path / "run")
    lines = [line for line in log(tmp_path / "run") if "total" in line]

    def mean(name, part):
        return np.mean([line[name] for line in part])

    for name, share in (("teacher_depth", 0.5), ("reconstruction", 0.8), ("total", 0.6)):
        assert mean(name, lines[-5:]) < share * mean(name, lines[:2]), name
