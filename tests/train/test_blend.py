# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is saved lies between start and end; what goes on learning is left as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from helpers.training_runs import same, weights
from safetensors.torch import load_file

from jasmine_core.errors import ConfigError
from jasmine_core.train.blend import SCALE, blended, snapshot
from jasmine_core.train.learner import make_learner
from jasmine_core.train.loop import train


@pytest.fixture
def learner(disparity_recipe):
    learner = make_learner(disparity_recipe)
    learner.metres_per_unit.fill_(24.0)
    return learner


def shaken(learner) -> dict[str, torch.Tensor]:
    """Change every number of a learner; return copies."""
    torch.manual_seed(1)
    for value in learner.state_dict().values():
        value.add_(torch.randn(value.shape) if value.is_floating_point() else 1)
    return {name: value.clone() for name, value in learner.state_dict().items()}


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_weights_lie_on_the_line_and_return_to_the_bit(learner, share):
    start = snapshot(learner)
    learned = shaken(learner)
    with blended(learner, start, share):
        for name, value in learner.state_dict().items():
            between = start.get(name, learned[name]) * share + learned[name] * (1 - share)
            torch.testing.assert_close(value, between.to(value.dtype))
    assert same(dict(learner.state_dict()), learned)


def test_the_scale_and_what_is_counted_are_not_mixed(learner):
    start = snapshot(learner)
    assert SCALE not in start and SCALE in learner.state_dict()
    assert all(value.is_floating_point() for value in start.values())


def test_weights_return_after_an_error_too(learner):
    start = snapshot(learner)
    learned = shaken(learner)
    with pytest.raises(OSError, match="full"), blended(learner, start, 0.5):
        raise OSError("disk full")
    assert same(dict(learner.state_dict()), learned)


@pytest.mark.parametrize("name", ["jasmine_recipe", "disparity_recipe"])
def test_half_of_the_start_is_saved_and_all_of_what_was_learned_goes_on(name, request, tmp_path):
    recipe = request.getfixturevalue(name)
    start = snapshot(make_learner(recipe))
    train(recipe, tmp_path / "all")
    final = train(replace(recipe, start_share=0.5), tmp_path / "half")
    state = f"states/{recipe.steps:07d}"
    learned = weights(tmp_path / "all" / state)
    assert same(learned, weights(tmp_path / "half" / state)), "the training itself is the same"
    learned = load_file(tmp_path / "all" / state / "weights.safetensors")
    again = replace(recipe, start=str(final), posenet=str(final / "posenet"))
    saved = make_learner(again).state_dict()
    for key, value in start.items():
        torch.testing.assert_close(saved[key], (value + learned[key]) / 2)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_nothing_learned_is_no_training(disparity_recipe, share):
    with pytest.raises(ConfigError, match="start_share"):
        replace(disparity_recipe, start_share=share)
