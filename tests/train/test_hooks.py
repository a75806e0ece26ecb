# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measurement of the scale before a training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from jasmine_core.loss.known_motion import best_scale
from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_core.train.hooks import ScaleMeasurement, _votes


@pytest.fixture(scope="module")
def drive():
    return render_drive(1, WorldConfig(width=192, height=64, frames=3, texture_banks=1))


@pytest.mark.parametrize("ratio", [None, 0.6, 1.7])
def test_depth_of_a_canonical_camera_gives_the_scale_of_the_real_one(drive, ratio):
    real = drive.depths[1:2].clamp(max=1000) / 6  # units of 6 m
    learner = SimpleNamespace(
        depth=lambda image: real / (ratio or 1.0),
        ratio=lambda batch: None if ratio is None else torch.tensor(ratio),
    )
    T = drive.T_world_camera
    motion = torch.stack([torch.linalg.inv(T[i]) @ T[1] for i in (0, 2)])[None].float()
    batch = SimpleNamespace(
        image=drive.images[1:2], sources=drive.images[[0, 2]][None], K=drive.K, motion=motion
    )
    assert best_scale(_votes(learner, [batch])[0]) == pytest.approx(6, rel=0.13)


@pytest.mark.parametrize(
    ("scale", "spread", "step", "measured"),
    [
        (float("nan"), None, 0, True),
        (30.0, None, 0, False),  # Odometry measured it in an earlier training.
        (30.0, 0.3, 0, True),  # It was learned from other cameras.
        (30.0, 0.3, 5, False),  # A resumed training has the scale of its first step.
        (float("nan"), 0.3, 5, True),
    ],
)
def test_an_estimated_scale_is_measured_before_the_first_step(
    scale, spread, step, measured, monkeypatch
):
    hook = object.__new__(ScaleMeasurement)
    hook.samples, hook.warps, hook.active, hook.done = [], True, True, False
    hook.steps, hook.ramp_start = 10, 0.5
    asked = []
    hook.measure = lambda trainer, feed: asked.append(feed)
    monkeypatch.setattr("jasmine_core.train.hooks.Images", lambda *args: None)
    monkeypatch.setattr("jasmine_core.train.hooks.Feed", lambda *args: "feed")
    learner = SimpleNamespace(metres_per_unit=torch.tensor(scale), scale_spread=spread)
    recipe = SimpleNamespace(seed=0, batch_size=2)
    trainer = SimpleNamespace(learner=learner, data=None, size=None, recipe=recipe, place=())
    hook.before_step(trainer, step)
    assert asked == (["feed"] if measured else [])
