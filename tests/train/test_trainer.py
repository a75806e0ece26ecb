# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from dataclasses import replace
from shutil import copytree

import cv2
import numpy as np
import pytest
import torch
from helpers.training_runs import SMALLEST, log, same, weights, write_sequence
from safetensors.torch import load_file

from jasmine_core import JasmineModel
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.errors import CheckpointError, ConfigError, JasmineError
from jasmine_core.loss.objective import LossConfig
from jasmine_core.model.disparity_net import DisparityConfig, DisparityNet
from jasmine_core.model.posenet import PoseNet
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.hooks import ScaleMeasurement
from jasmine_core.train.recipe import Phase
from jasmine_core.train.split import split_samples
from jasmine_core.train.start import make_learner
from jasmine_core.train.trainer import train


def test_a_disparity_net_is_trained(disparity_run, nets):
    net = DisparityNet.from_pretrained(disparity_run / "final")
    before = DisparityNet.from_pretrained(nets / "disparity").state_dict()
    assert any(not torch.equal(v, before[k]) for k, v in net.state_dict().items())
    steps = [line for line in log(disparity_run) if "total" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    named = "photometric smoothness median_depth learning_rate data_wait"
    assert set(named.split()) < set(steps[0])
    scales = [line.get("metres_per_unit") for line in steps]
    taught = pytest.approx(net.config.metres_per_unit, rel=1e-4)
    assert scales == [None] * 3 + [taught] * 3, "odometry is heard from the velocity's start"
    assert ["velocity" in line for line in steps] == [False] * 3 + [True] * 3
    assert [line["step"] for line in log(disparity_run) if "validation" in line] == [3, 6]
    assert sorted(f.name for f in (disparity_run / "states").iterdir()) == [
        "0000002",
        "0000004",
        "0000006",
    ]
    assert cv2.imread(str(disparity_run / "images" / "0000005.png")) is not None
    assert (disparity_run / "best" / "config.json").is_file()


def test_jasmine_is_trained_in_phases(jasmine_run, checkpoint):
    final = jasmine_run / "final"
    model = JasmineModel.from_pretrained(final)
    assert model.config.metres_per_unit == 24.0, "the teacher knows its scale, and hands it on"
    assert (model.config.width, model.config.height) == (128, 64)
    assert "6 steps on 6 images" in model.config.description
    assert (final / "posenet" / "model.safetensors").is_file()

    def part(step, name):
        state = load_file(jasmine_run / "states" / f"{step:07d}" / "weights.safetensors")
        return {k: v for k, v in state.items() if k.startswith(name)}

    for name in ("model.unet", "model.ssg", "posenet"):
        assert not same(part(1, name), part(2, name)), f"phase 1 trains {name}"
        assert not same(part(4, name), part(6, name)), f"phase 3 trains {name}"
    assert not same(part(2, "model.unet"), part(4, "model.unet"))
    assert same(part(2, "model.ssg"), part(4, "model.ssg")), "phase 2 freezes the SSG"
    assert same(part(2, "posenet"), part(4, "posenet")), "phase 2 freezes the pose net"
    untouched = JasmineModel.from_pretrained(checkpoint)
    assert same(dict(model.vae.state_dict()), dict(untouched.vae.state_dict())), "VAE is frozen"
    terms = set(log(jasmine_run)[0])
    named = "photometric reconstruction teacher_depth teacher_ssi edge median_depth clamped"
    assert set(named.split()) < terms


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
    samples = split_samples(jasmine_recipe.data).training
    feed = Feed(Images(samples, jasmine_recipe.data, (128, 64), seed=1), batch_size=2)
    for batch in feed.batches(0, 12):
        images = torch.cat([batch.image, batch.auxiliary])
        with torch.no_grad():
            expected = learner.model.encode(images)
        torch.testing.assert_close(
            learner._encode(batch, batch.image), expected, rtol=1e-4, atol=1e-5
        )
    assert 8 <= len(learner.cache) <= 2 * len(samples), "each image once, mirrored ones apart"


# ---------------------------------------------------------------------- resuming


def test_a_resumed_run_must_have_the_same_recipe(disparity_recipe, disparity_run, tmp_path):
    copytree(disparity_run, tmp_path / "run")
    with pytest.raises(ConfigError, match="--resume"):
        train(disparity_recipe, tmp_path / "run")
    other = replace(disparity_recipe, batch_size=1)
    with pytest.raises(ConfigError, match=r"another recipe: batch_size was 2, is 1;"):
        train(other, tmp_path / "run", resume=True)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="holds no training to resume"):
        train(disparity_recipe, tmp_path / "foreign", resume=True)


def test_a_damaged_state_is_named(disparity_recipe, disparity_run, tmp_path):
    copytree(disparity_run, tmp_path / "run")
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
    """On the same few images the losses fall, which only working gradients explain."""
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


def test_a_collapsed_depth_is_warned_of_once(disparity_recipe, nets, tmp_path, caplog, monkeypatch):
    sunken = DisparityNet.from_pretrained(nets / "disparity")
    with torch.no_grad():
        sunken.head[1].bias.fill_(8.0)  # disparity 1, depth 0.1
    sunken.save_pretrained(tmp_path / "sunken")
    monkeypatch.setattr("jasmine_core.train.hooks.COLLAPSED_AFTER", 3)
    train(replace(disparity_recipe, start=str(tmp_path / "sunken")), tmp_path / "run")
    warnings = [line for line in caplog.messages if "has collapsed" in line]
    assert len(warnings) == 1
    assert "at step 3" in warnings[0]


def test_a_sequence_that_is_too_short_is_left_out_and_named(
    disparity_recipe, drive, tmp_path, caplog
):
    short = write_sequence(drive, tmp_path / "data" / "short", frames=2)
    alone = replace(disparity_recipe.data, sequences=(str(short),))
    with pytest.raises(DatasetError, match=r"short: no sequence is long enough.*longer drive"):
        train(replace(disparity_recipe, data=alone), tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()

    both = replace(alone, sequences=(*alone.sequences, *disparity_recipe.data.sequences))
    recipe = replace(disparity_recipe, data=both, phases=(Phase(1, ("disparity",)),))
    assert train(recipe, tmp_path / "run")
    assert f"{short} is too short" in caplog.text


def test_progress_images_and_validation_do_not_change_the_weights(disparity_recipe, tmp_path):
    """Progress images pass nets whose running statistics must not change."""
    config = DisparityConfig(64, 128, replace(SMALLEST, norm="batch"), decoder=(16, 16, 8, 8))
    torch.manual_seed(0)
    DisparityNet(config).save_pretrained(tmp_path / "batch_norm")
    recipe = replace(disparity_recipe, start=str(tmp_path / "batch_norm"))
    finals = []
    for every in (1, 100):
        often = replace(recipe, image_every=every, validate_every=every)
        finals.append(weights(train(often, tmp_path / f"every_{every}")))
    assert same(*finals)


# ---------------------------------------------------------------------- scale


def test_an_unknown_scale_is_measured_when_the_velocity_term_begins(jasmine_recipe, nets, tmp_path):
    loss = LossConfig(velocity_start=0.5)
    recipe = replace(jasmine_recipe, teacher=str(nets / "disparity"), loss=loss)
    recipe = replace(recipe, phases=(Phase(4, ("unet", "ssg")),), save_every=1, keep=9)
    final = train(recipe, tmp_path / "run")
    lines = [line for line in log(tmp_path / "run") if "total" in line]
    for name in ("velocity", "metres_per_unit"):
        assert [name in line for line in lines] == [False, False, False, True]
    # The pose net stands still here, so what was measured is still true: the pull starts near 0.
    assert lines[-1]["velocity"] < 0.3
    scale = JasmineModel.from_pretrained(final).config.metres_per_unit
    assert scale == pytest.approx(lines[-1]["metres_per_unit"], rel=1e-4)
    state = load_file(tmp_path / "run" / "states" / "0000004" / "weights.safetensors")
    assert float(state["metres_per_unit"]) == pytest.approx(scale, rel=1e-4)


def test_a_scale_is_measured_once(jasmine_recipe, nets, tmp_path, monkeypatch):
    """A failed measurement is not repeated either: later steps have the same images."""
    asked = []
    monkeypatch.setattr(ScaleMeasurement, "measure", lambda hook, trainer, feed: asked.append(feed))
    loss = LossConfig(motion="odometry")
    recipe = replace(jasmine_recipe, teacher=str(nets / "disparity"), loss=loss)
    final = train(recipe, tmp_path / "run")
    assert len(asked) == 1
    assert JasmineModel.from_pretrained(final).config.metres_per_unit is None, "no metres claimed"


def test_odometry_can_replace_the_pose_net(jasmine_recipe, nets, tmp_path):
    loss = LossConfig(motion="odometry")
    recipe = replace(jasmine_recipe, teacher=str(nets / "disparity"), loss=loss, save_every=1)
    final = train(recipe, tmp_path / "run")
    lines = [line for line in log(tmp_path / "run") if "total" in line]
    assert not any("velocity" in line for line in lines)
    assert len({line["metres_per_unit"] for line in lines}) == 1, "measured before the first step"
    scale = JasmineModel.from_pretrained(final).config.metres_per_unit
    assert scale == pytest.approx(lines[0]["metres_per_unit"], rel=1e-4), "metres"
    learned = PoseNet.from_pretrained(final / "posenet").state_dict()
    before = PoseNet.from_pretrained(nets / "posenet").state_dict()
    # Weight decay aside, which hardly shows in six steps.
    assert all(torch.allclose(v, before[k], atol=1e-3) for k, v in learned.items())


def test_a_checkpoint_before_the_velocity_term_has_no_metres(disparity_recipe, tmp_path):
    recipe = replace(disparity_recipe, loss=LossConfig(velocity_start=1.0))
    assert (
        DisparityNet.from_pretrained(train(recipe, tmp_path / "a")).config.metres_per_unit is None
    )
    recipe = replace(disparity_recipe, loss=LossConfig(velocity=0.0))
    assert (
        DisparityNet.from_pretrained(train(recipe, tmp_path / "b")).config.metres_per_unit is None
    )


def test_a_teacher_beside_the_images_must_be_there(jasmine_recipe, tmp_path):
    with pytest.raises(DatasetError, match=r"no image has a depth map.*--teacher"):
        train(replace(jasmine_recipe, teacher="dataset"), tmp_path / "run")
