# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Saved checkpoints hold interpolated weights; the training itself is unaffected."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from helpers.training_runs import same, weights
from safetensors.torch import load_file

from jasmine_core.errors import ConfigError
from jasmine_core.train.start import make_learner
from jasmine_core.train.trainer import train
from jasmine_core.train.wise_ft import SCALE, interpolated, snapshot


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


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 1.0])
def test_weights_are_interpolated_and_restored_bit_for_bit(learner, alpha):
    start = snapshot(learner)
    learned = shaken(learner)
    with interpolated(learner, start, alpha):
        for name, value in learner.state_dict().items():
            between = start.get(name, learned[name]) * (1 - alpha) + learned[name] * alpha
            torch.testing.assert_close(value, between.to(value.dtype))
            if alpha in (0.0, 1.0):
                assert torch.equal(value, between.to(value.dtype))
    assert same(dict(learner.state_dict()), learned)


def test_the_scale_and_counters_are_not_interpolated(learner):
    start = snapshot(learner)
    assert SCALE not in start and SCALE in learner.state_dict()
    assert all(value.is_floating_point() for value in start.values())


def test_weights_are_restored_after_an_error(learner):
    start = snapshot(learner)
    learned = shaken(learner)
    with pytest.raises(OSError, match="full"), interpolated(learner, start, 0.5):
        raise OSError("disk full")
    assert same(dict(learner.state_dict()), learned)


@pytest.mark.parametrize("name", ["jasmine", "disparity"])
def test_the_checkpoint_is_interpolated_and_the_training_is_not(name, request, tmp_path):
    recipe, plain = (request.getfixturevalue(f"{name}_{what}") for what in ("recipe", "run"))
    start = snapshot(make_learner(recipe))
    final = train(replace(recipe, wise_ft_weight=0.75), tmp_path / "interpolated")
    state = f"states/{recipe.steps:07d}"
    learned = weights(plain / state)
    assert same(learned, weights(tmp_path / "interpolated" / state)), "the training is the same"
    learned = load_file(plain / state / "weights.safetensors")
    again = replace(recipe, start=str(final), posenet=str(final / "posenet"))
    saved = make_learner(again).state_dict()
    for key, value in start.items():
        torch.testing.assert_close(saved[key], value + 0.75 * (learned[key] - value))


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(disparity_recipe, alpha):
    with pytest.raises(ConfigError, match="wise_ft_weight"):
        replace(disparity_recipe, wise_ft_weight=alpha)
