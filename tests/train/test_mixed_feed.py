# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batches of two image shapes in turn, also after a resumed run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from helpers.training_runs import log, same
from safetensors.torch import load_file

from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.loss.objective import LossConfig
from jasmine_core.synthetic.sequences import render_sequences, training_world
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.mixed_feed import MixedFeed
from jasmine_core.train.recipe import DataConfig, OtherShape, Phase, Recipe
from jasmine_core.train.split import split_samples
from jasmine_core.train.trainer import train

torch.set_num_threads(1)
WIDE, TALL = (128, 64), (64, 96)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = []
    for name, size in (("wide", WIDE), ("tall", TALL)):
        made.append(tmp_path_factory.mktemp(name))
        config = replace(training_world("room", size, 3), texture_banks=1)
        render_sequences(range(3), config, made[-1], lambda: False)
    return made


@pytest.fixture
def data(folders):
    wide, tall = map(str, folders)
    other = OtherShape((tall,), *TALL, every=3)
    return DataConfig((wide,), None, *WIDE, other=other, held_out=0.0, auxiliary="", workers=0)


def feed(data):
    feeds = []
    for folder, size in ((data.sequences, WIDE), (data.other.sequences, TALL)):
        own = replace(data, sequences=folder)
        feeds.append(Feed(Images(split_samples(own).training, own, size, seed=1), 2))
    return MixedFeed(*feeds, every=data.other.every)


def test_every_third_batch_has_the_other_shape(data):
    shapes = [tuple(b.image.shape[-2:]) for b in feed(data).batches(0, 7)]
    assert [s == TALL[::-1] for s in shapes] == [i % 3 == 2 for i in range(7)]


def test_a_batch_is_a_function_of_its_step(data):
    from_start = list(feed(data).batches(0, 6))
    for first in (1, 2, 3, 5):
        for a, b in zip(feed(data).batches(first, 6), from_start[first:], strict=True):
            assert torch.equal(a.image, b.image) and torch.equal(a.teacher, b.teacher)


@pytest.fixture
def recipe(data):
    return Recipe(
        learner="disparity",
        start="lite",
        phases=(Phase(4, ("disparity",)),),
        batch_size=2,
        log_every=1,
        save_every=1,
        keep=9,
        data=replace(data, metres_per_unit=30.0, zoom=1.5),
        loss=LossConfig(photometric=0.0, regularization=0.0, teacher=0.0, log_depth=1.0),
    )


def test_both_shapes_teach_and_a_resumed_run_ends_alike(recipe, tmp_path):
    train(recipe, tmp_path / "whole")
    assert len([line for line in log(tmp_path / "whole") if "log_depth" in line]) == 4
    train(recipe, tmp_path / "parts")
    for state in sorted((tmp_path / "parts" / "states").glob("*"))[2:]:
        for file in state.iterdir():
            file.unlink()
        state.rmdir()
    train(recipe, tmp_path / "parts", resume=True)
    one, other = (
        load_file(tmp_path / name / "states" / "0000004" / "weights.safetensors")
        for name in ("whole", "parts")
    )
    one.pop("metres_per_unit"), other.pop("metres_per_unit")
    assert same(one, other)


def test_impossible_shapes_are_refused(recipe, tmp_path):
    other = recipe.data.other
    with pytest.raises(ConfigError, match="every above 1"):
        replace(recipe, data=replace(recipe.data, other=replace(other, every=1)))
    uneven = replace(recipe, data=replace(recipe.data, other=replace(other, width=70)))
    with pytest.raises(JasmineError, match="70x96 px: both sides must be multiples of 32"):
        train(uneven, tmp_path / "a")
    nowhere = replace(other, sequences=(str(tmp_path / "nowhere"),))
    with pytest.raises(DatasetError, match="nowhere is no"):
        train(replace(recipe, data=replace(recipe.data, other=nowhere)), tmp_path / "b")
