# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal loss in a training: its term, what it costs without, and recipes that cannot have it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.inputs import expect_motion
from jasmine_core.train.split import split_samples
from jasmine_core.train.start import make_learner


def with_loss(recipe, unit=24.0, **loss):
    data = replace(recipe.data, metres_per_unit=unit)
    return replace(recipe, data=data, loss=replace(recipe.loss, temporal=0.3, **loss))


def step(recipe):
    """Return the learner and the loss of its first batch."""
    learner = make_learner(recipe)
    samples = split_samples(recipe.data).training
    size = recipe.data.width, recipe.data.height
    (batch,) = Feed(Images(samples, recipe.data, size, 0), 2).batches(0, 1)
    loss = learner(batch, 0.5, torch.Generator().manual_seed(0))
    loss.total.backward()
    return learner, loss


@pytest.mark.parametrize("photometric", [0.0, 1.0])
def test_a_disparity_net_learns_to_agree_with_the_image_before(disparity_recipe, photometric):
    learner, loss = step(with_loss(disparity_recipe, photometric=photometric))
    assert 0 < loss.terms["temporal"] < 0.25
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.net.parameters())
    assert any(p.grad is not None and p.grad.any() for p in learner.net.parameters())


def test_jasmine_learns_to_agree_with_the_image_before(jasmine_recipe):
    learner, loss = step(with_loss(jasmine_recipe))
    assert 0 < loss.terms["temporal"] < 0.25
    assert any(p.grad is not None and p.grad.any() for p in learner.model.unet.parameters())


def test_without_the_term_the_image_before_is_not_seen(disparity_recipe, monkeypatch):
    learner = make_learner(disparity_recipe)
    monkeypatch.setattr(type(learner), "depth", lambda *_: pytest.fail("a second forward pass"))
    samples = split_samples(disparity_recipe.data).training
    size = disparity_recipe.data.width, disparity_recipe.data.height
    (batch,) = Feed(Images(samples, disparity_recipe.data, size, 0), 2).batches(0, 1)
    loss = learner(batch, 0.5, torch.Generator().manual_seed(0))
    assert "temporal" not in loss.terms


def test_it_needs_odometry_and_a_scale(disparity_recipe):
    samples = split_samples(disparity_recipe.data).training
    blind = [
        replace(s, sources=tuple(replace(n, T_target_source=None) for n in s.sources))
        for s in samples
    ]

    def check(recipe, samples):
        expect_motion(recipe, make_learner(recipe), samples)

    wanted = with_loss(disparity_recipe)
    check(wanted, samples)
    check(disparity_recipe, blind)
    with pytest.raises(DatasetError, match="no image has odometry"):
        check(wanted, blind)
    unscaled = with_loss(disparity_recipe, unit=0.0, photometric=0.0)
    with pytest.raises(DatasetError, match=r"set data\.metres_per_unit"):
        check(unscaled, samples)
    check(with_loss(disparity_recipe, unit=0.0), samples)  # the pose net is compared with odometry
