# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Phase 0: the prior that a small network gets from rendered scenes with exact depth."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from helpers.training_runs import HEIGHT, WIDTH, log, same
from safetensors.torch import load_file

from jasmine_core import JasmineModel
from jasmine_core.dataset.sequence import PSEUDO_LABELS, DatasetError
from jasmine_core.errors import ConfigError
from jasmine_core.loss.objective import LossConfig
from jasmine_core.model.disparity_net import DisparityNet
from jasmine_core.synthetic.sequences import render_sequences, training_world
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.learner import freeze
from jasmine_core.train.recipe import TEACHER_MAPS, DataConfig, Phase
from jasmine_core.train.split import split_samples
from jasmine_core.train.start import make_learner
from jasmine_core.train.trainer import train

PRIOR = LossConfig(photometric=0.0, log_depth=1.0, autoencoder=1.0)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    config = replace(training_world("street", (WIDTH, HEIGHT), 4), texture_banks=1)
    render_sequences(range(2), config, folder, lambda: False)
    return folder


@pytest.fixture
def recipe(jasmine_recipe, scenes):
    return replace(
        jasmine_recipe,
        teacher=TEACHER_MAPS,
        cache_latents=False,
        phases=(Phase(2, ("vae",)), Phase(2, ("vae", "unet", "ssg"))),
        save_every=1,
        keep=9,
        data=DataConfig((str(scenes),), None, WIDTH, HEIGHT, held_out=0.0, workers=0),
        loss=PRIOR,
    )


def batch_of(recipe):
    data = replace(recipe.data, flip=0.0)
    images = Images(split_samples(data).training, data, (WIDTH, HEIGHT), seed=1)
    return next(Feed(images, recipe.batch_size).batches(0, 1))


def noise():
    return torch.Generator().manual_seed(3)


def test_the_autoencoder_learns_first_and_then_everything(recipe, tmp_path, checkpoint):
    final = train(recipe, tmp_path / "run")

    def part(step, name):
        state = load_file(tmp_path / "run" / "states" / f"{step:07d}" / "weights.safetensors")
        return {k: v for k, v in state.items() if k.startswith(name)}

    assert not same(part(1, "model.vae"), part(2, "model.vae"))
    for name in ("model.unet", "model.ssg"):
        assert same(part(1, name), part(2, name)), f"{name} waits for the autoencoder"
        assert not same(part(2, name), part(4, name))
    assert not same(part(2, "model.vae"), part(4, "model.vae"))
    model = JasmineModel.from_pretrained(final)
    learned = {f"model.vae.{k}": v for k, v in model.vae.state_dict().items()}
    assert same(learned, part(4, "model.vae")), "the checkpoint has the VAE that was learned"
    first, last = (
        next(line for line in log(tmp_path / "run") if line["step"] == step) for step in (1, 4)
    )
    assert {"autoencoder", "total"} <= set(first)
    assert "log_depth" not in first
    assert {"autoencoder", "log_depth", "teacher_ssi", "reconstruction"} <= set(last)
    assert "photometric" not in last, "nothing is warped"


def test_gradients_reach_the_encoder_through_all_that_follows(recipe):
    learner = make_learner(replace(recipe, loss=replace(PRIOR, autoencoder=1e-12)))
    batch = batch_of(recipe)
    freeze(learner, ("vae", "unet", "ssg"))
    learner(batch, 0.5, noise()).total.backward()
    encoder = learner.model.vae.encoder.conv_in.weight.grad
    assert encoder.abs().max() > 1e-6, "far more than the autoencoder's own term could give"
    learner.zero_grad()
    freeze(learner, ("unet", "ssg"))
    learner(batch, 0.5, noise()).total.backward()
    assert learner.model.vae.encoder.conv_in.weight.grad is None


def test_the_ssi_map_learns_where_its_range_cuts_it_off(recipe):
    learner = make_learner(replace(recipe, loss=replace(PRIOR, log_depth=0.0, regularization=0.0)))
    with torch.no_grad():
        learner.model.vae.decoder.conv_out.bias.fill_(5.0)  # D_SSI is 1 everywhere
    batch = batch_of(recipe)
    assert bool((learner.model.predict_depth(batch.image).ssi == 1).all())
    freeze(learner, ("unet",))
    learner(batch, 0.5, noise()).total.backward()
    assert (
        max(p.grad.abs().max() for p in learner.model.unet.parameters() if p.grad is not None) > 0
    )


def test_fewer_images_are_rebuilt_than_seen(recipe):
    recipe = replace(recipe, data=replace(recipe.data, rebuilt_share=0.25), batch_size=3)
    batch = batch_of(recipe)
    assert (len(batch.image), len(batch.auxiliary)) == (3, 1)
    learner = make_learner(recipe)
    loss = learner(batch, 0.5, noise())
    assert loss.total.isfinite()
    assert loss.terms["reconstruction"] > 0


def test_exact_depth_also_teaches_a_disparity_net(disparity_recipe, scenes, tmp_path):
    loss = replace(disparity_recipe.loss, teacher=0.0, log_depth=0.5, velocity=0.0)
    data = replace(disparity_recipe.data, sequences=(str(scenes),), held_out=0.0)
    longer = replace(
        disparity_recipe, loss=loss, data=data, phases=(Phase(30, ("disparity", "posenet")),)
    )
    final = train(longer, tmp_path / "run")
    errors = [line["log_depth"] for line in log(tmp_path / "run") if "log_depth" in line]
    assert min(errors[-5:]) < 0.8 * max(errors[:5])
    assert DisparityNet.from_pretrained(final).config.metres_per_unit is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cache_latents": True}, "cache_latents: false"),
        ({"teacher": ""}, "teacher: dataset"),
        ({"loss": replace(PRIOR, autoencoder=0.0)}, "autoencoder above 0"),
        (
            {"cache_latents": True, "phases": (Phase(1, ("unet",)),)},
            "colours vary; set cache_latents: false",
        ),
    ],
)
def test_invalid_recipes_are_refused(recipe, changes, reason):
    with pytest.raises(ConfigError, match=reason):
        replace(recipe, **changes)


def test_a_recipe_without_its_depth_maps_is_refused(recipe, sequence, tmp_path):
    data = replace(recipe.data, sequences=(str(sequence),))
    with pytest.raises(DatasetError, match="no image has a depth map"):
        train(replace(recipe, data=data), tmp_path / "run")


def test_a_relative_teacher_is_learned_in_disparity_and_is_no_exact_depth(recipe, scenes, tmp_path):
    world = tmp_path / "world"
    shutil.copytree(scenes, world)
    for teacher in world.glob("*/teacher"):
        (teacher / PSEUDO_LABELS).write_text('{"network": "depth_anything", "relative": true}')
    recipe = replace(recipe, data=replace(recipe.data, sequences=(str(world),)))
    with pytest.raises(DatasetError, match=r"teacher/.* is relative: .* set both to 0"):
        train(recipe, tmp_path / "exact")
    relative = replace(recipe, loss=LossConfig(), phases=(Phase(2, ("unet", "ssg", "posenet")),))
    train(relative, tmp_path / "run")
    (first, *_) = log(tmp_path / "run")
    assert first["teacher_relative"] > 0 and first["teacher_depth"] == 0
    (world / "street_000000" / "teacher" / PSEUDO_LABELS).write_text("{")
    with pytest.raises(DatasetError, match=rf"{PSEUDO_LABELS} cannot be read.*make the labels"):
        train(relative, tmp_path / "damaged")
