# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Phase 0 of jasmine-tiny: latents first, a canonical focal length, one unit for all scenes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from helpers.training_runs import HEIGHT, WIDTH, log, same
from safetensors.torch import load_file

from jasmine_core import JasmineModel
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.dataset.sequences import open_sequences
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.loss.objective import LossConfig
from jasmine_core.loss.teacher import DEPTH_MAX
from jasmine_core.model.disparity_net import LITE_DISPARITY_NET, DisparityConfig, DisparityNet
from jasmine_core.synthetic.sequences import render_sequences, training_world
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.learner import parameter_groups
from jasmine_core.train.recipe import TEACHER_MAPS, DataConfig, Phase, Recipe
from jasmine_core.train.split import split_samples
from jasmine_core.train.start import make_learner
from jasmine_core.train.trainer import train

torch.set_num_threads(1)

PRIOR = LossConfig(
    photometric=0.0,
    regularization=0.0,
    latent=1.0,
    decoder_start=0.5,
    log_depth=1.0,
    gradient=1.0,
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    for kind in ("street", "room"):
        config = replace(training_world(kind, (WIDTH, HEIGHT), 3), texture_banks=1)
        render_sequences(range(2), config, folder, lambda: False)
    return folder


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "tiny"
    JasmineModel.from_preset("tiny").save_pretrained(path)
    return path


@pytest.fixture
def recipe(scenes, start):
    return Recipe(
        learner="jasmine",
        start=str(start),
        phases=(Phase(2, ("unet", "adapter")), Phase(2, ("unet", "adapter", "ssg"))),
        teacher=TEACHER_MAPS,
        cache_latents=False,
        batch_size=2,
        log_every=1,
        save_every=1,
        keep=9,
        data=DataConfig(
            (str(scenes),),
            None,
            WIDTH,
            HEIGHT,
            zoom=1.6,
            degrade=0.5,
            metres_per_unit=30.0,
            held_out=0.0,
            workers=0,
        ),
        loss=PRIOR,
    )


def images_of(config):
    return Images(split_samples(config).training, config, (WIDTH, HEIGHT), seed=1)


def test_latents_come_first_and_the_decoder_joins(recipe, tmp_path, start):
    final = train(recipe, tmp_path / "run")
    lines = {line["step"]: line for line in log(tmp_path / "run") if "total" in line}
    assert "latent_depth" in lines[1] and "log_depth" not in lines[2]
    assert {"latent", "log_depth", "teacher_ssi", "gradient"} <= set(lines[3])

    def part(step, name):
        state = load_file(tmp_path / "run" / "states" / f"{step:07d}" / "weights.safetensors")
        return {k: v for k, v in state.items() if k.startswith(f"model.{name}")}

    for name in ("unet", "adapter"):
        assert not same(part(1, name), part(2, name))
    assert same(part(1, "ssg"), part(2, "ssg")) and not same(part(2, "ssg"), part(4, "ssg"))
    assert same(part(1, "vae"), part(4, "vae")), "the autoencoder is frozen"
    statistics = [k for k in part(1, "adapter") if "running" in k]
    before = JasmineModel.from_pretrained(start).adapter.state_dict()
    assert statistics
    for name in statistics:
        assert torch.equal(part(4, "adapter")[name], before[name.removeprefix("model.adapter.")])
    config = JasmineModel.from_pretrained(final).config
    assert config.metres_per_unit == 30.0 and not config.untrained


def test_a_resumed_run_ends_in_the_same_weights(recipe, tmp_path):
    train(recipe, tmp_path / "whole")
    train(recipe, tmp_path / "parts")
    for state in sorted((tmp_path / "parts" / "states").glob("*"))[3:]:
        for file in state.iterdir():
            file.unlink()
        state.rmdir()
    train(recipe, tmp_path / "parts", resume=True)
    one, other = (
        load_file(tmp_path / name / "states" / "0000004" / "weights.safetensors")
        for name in ("whole", "parts")
    )
    assert same(one, other)


def test_imagenets_weights_learn_at_a_share_of_the_rate(recipe):
    learner = make_learner(recipe)
    fast, slow = parameter_groups(learner, ("unet", "adapter"), 0.25)
    assert (fast["share"], slow["share"]) == (1.0, 0.25)
    encoder = {id(p) for p in learner.model.adapter.encoder.parameters()}
    assert {id(p) for p in slow["params"]} == encoder
    assert not encoder & {id(p) for p in fast["params"]}


def test_all_scenes_are_in_one_unit(scenes):
    config = DataConfig((str(scenes),), None, WIDTH, HEIGHT, flip=0.0, metres_per_unit=30.0)
    images = images_of(replace(config, held_out=0.0))
    for number, sample in enumerate(images.samples):
        exact = cv2.imread(str(sample.depth), cv2.IMREAD_UNCHANGED) / 256  # [m], 0 = sky
        depth = images._depth(sample.read((WIDTH, HEIGHT)), number)
        wanted = np.where(exact == 0, DEPTH_MAX, np.minimum(exact / 30, DEPTH_MAX))
        assert np.allclose(depth, wanted, atol=1e-5)
        # The coarser maps of the teacher, for scenes that have no others.
        coarse = images._depth(replace(sample.read((WIDTH, HEIGHT)), depth=None), number)
        assert np.abs(coarse - wanted)[wanted < 0.5].max() < 0.01


def test_the_depth_of_an_enlarged_image_follows_its_focal_length(recipe, scenes):
    """Canonical depth in the middle of an enlarged part is that of the image, over the zoom."""
    data = replace(recipe.data, flip=0.0, degrade=0.0, zoom=1.6)
    near, plain = images_of(data), images_of(replace(data, zoom=1.0))
    learner = make_learner(recipe)
    seen = 0
    for step in range(8):
        a, b = (next(Feed(i, 2).batches(step, step + 1)) for i in (near, plain))
        zoom = a.K[:, 0, 0] / b.K[:, 0, 0]
        assert (zoom >= 0.999).all() and (zoom <= 1.65).all()
        depths = [learner._teach(batch).flatten(1) for batch in (a, b)]
        for enlarged, whole, factor in zip(*depths, zoom, strict=True):
            nearest = enlarged.min() * factor
            assert nearest >= 0.97 * whole.min()  # it shows a part of the same things
            seen += factor > 1.05
    assert seen > 3


def test_scenes_of_an_unknown_unit_are_refused(recipe, scenes, tmp_path):
    sequence = open_sequences(scenes)[0]
    index = json.loads((sequence.folder / "sequence.json").read_text())
    own = tmp_path / "own"
    shutil.copytree(sequence.folder, own, ignore=shutil.ignore_patterns("depth"))
    (own / "sequence.json").write_text(json.dumps(index | {"metres_per_unit": None}))
    with pytest.raises(DatasetError, match="unknown units, but"):
        split_samples(replace(recipe.data, sequences=(str(own),)))


def test_images_without_a_focal_length_are_refused(recipe, scenes, tmp_path):
    own = tmp_path / "own"
    sequence = open_sequences(scenes)[0]
    shutil.copytree(sequence.folder, own)
    index = json.loads((sequence.folder / "sequence.json").read_text())
    index["K"][0][0] = 0.0
    (own / "sequence.json").write_text(json.dumps(index))
    data = replace(recipe.data, sequences=(str(own),))
    with pytest.raises(DatasetError, match="fx") as caught:
        train(replace(recipe, data=data), tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_teacher_of_one_focal_length_is_refused_for_many_cameras(recipe, scenes, tmp_path):
    small = DisparityNet(DisparityConfig(height=64, width=64))
    small.save_pretrained(tmp_path / "teacher")
    other = replace(recipe, teacher=str(tmp_path / "teacher"), loss=LossConfig())
    with pytest.raises(DatasetError, match="was trained for one focal length only") as caught:
        train(other, tmp_path / "run")
    assert "\n" not in str(caught.value)
    one = str(open_sequences(scenes)[0].folder)
    one_camera = replace(
        other, data=replace(other.data, sequences=(one,)), phases=(Phase(1, ("unet",)),)
    )
    assert train(one_camera, tmp_path / "one")


def test_the_autoencoder_of_another_checkpoint_is_taken(recipe, tmp_path):
    other = JasmineModel.from_preset("tiny", seed=5)
    other.vae.register_to_config(scaling_factor=0.5)
    other.save_pretrained(tmp_path / "other")
    model = make_learner(replace(recipe, autoencoder=str(tmp_path / "other"))).model
    assert same(model.vae.state_dict(), other.vae.state_dict())
    assert model.vae.config.scaling_factor == 0.5
    assert not any(p.requires_grad for p in model.vae.parameters())


def test_an_autoencoder_that_loses_depth_is_refused(recipe):
    with pytest.raises(CheckpointError, match=r"autoencoder_limit is 0\.05; train it further"):
        make_learner(replace(recipe, autoencoder_limit=0.05))


def test_an_autoencoder_of_another_code_is_refused(recipe, checkpoint):
    with pytest.raises(CheckpointError, match=r"codes depth as depth, .* as log_depth"):
        make_learner(replace(recipe, autoencoder=str(checkpoint)))


def test_the_spread_of_latents_is_measured_where_the_autoencoder_learns(recipe, tmp_path):
    loss = replace(PRIOR, autoencoder=1.0)
    alone = replace(recipe, phases=(Phase(2, ("vae",)),), loss=loss)
    final = train(alone, tmp_path / "run")
    model = JasmineModel.from_pretrained(final)
    factor = model.vae.config.scaling_factor
    assert factor != 1.0
    assert model.config.untrained, "an autoencoder alone knows nothing of depth"
    batch = next(Feed(images_of(recipe.data), 2).batches(0, 1))
    with torch.no_grad():
        assert 0.3 < model.encode(batch.image).std() < 3


def test_the_teacher_learns_log_depth_in_the_same_unit(recipe, tmp_path):
    loss = LossConfig(photometric=0.0, regularization=0.0, teacher=0.0, log_depth=1.0)
    lite = replace(
        recipe, learner="disparity", start="lite", teacher="", loss=loss,
        phases=(Phase(2, ("disparity",)),),
    )  # fmt: skip
    final = train(lite, tmp_path / "run")
    net = DisparityNet.from_pretrained(final)
    assert net.config.canonical_focal == LITE_DISPARITY_NET.canonical_focal
    assert net.config.metres_per_unit == 30.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"zoom": 0.5}, "an enlargement is from 1 to 4"),
        ({"degrade": 1.5}, "data.degrade is 1.5"),
        ({"metres_per_unit": -1.0}, "cannot be negative"),
    ],
)
def test_impossible_settings_are_refused(recipe, change, reason):
    with pytest.raises(ConfigError, match=reason):
        replace(recipe, data=replace(recipe.data, **change))
