# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal loss on a plane in front of a moving camera, whose depth in both images is exact."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from jasmine_core.loss.objective import LossConfig, Observation, Prediction, objective
from jasmine_core.loss.temporal import OCCLUDED, temporal_loss

H, W = 24, 40
K = torch.tensor([[36.0, 0, 19.5], [0, 36.0, 11.5], [0, 0, 1]], dtype=torch.float64)


def moved(x=0.0, z=0.0, count=1):
    """Return T_source_target [B,4,4] of a source at (x, 0, -z) of the target's camera."""
    T = torch.eye(4, dtype=torch.float64).repeat(count, 1, 1)
    T[:, 0, 3], T[:, 2, 3] = -x, z
    return T


def plane(T=None, count=1):
    """Return the depth [B,1,H,W] of the plane 0.3 y + z = 2 of the target's camera."""
    u = torch.arange(W, dtype=torch.float64)
    v = torch.arange(H, dtype=torch.float64)[:, None]
    rays = torch.stack([(u - 19.5).expand(H, W) / 36, (v - 11.5).expand(H, W) / 36], dim=0)
    normal = 0.3 * rays[1] + 1  # the plane along a ray of depth 1
    shift = 0.0 if T is None else float(T[0, 2, 3])  # of the source, along -z
    return ((2.0 + shift) / normal).expand(count, 1, H, W).clone()


def everywhere(count=1):
    return torch.ones(count, 1, H, W, dtype=torch.bool)


@pytest.mark.parametrize(("x", "z"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.15), (0.08, -0.1)])
def test_exact_depth_has_no_loss(x, z):
    T = moved(x, z)
    assert temporal_loss(plane(), plane(T), K, T, everywhere()) < 2e-3
    wrong = temporal_loss(plane(), plane(T), K, moved(x, z + 0.2), everywhere())
    assert wrong > 0.03


@pytest.mark.parametrize("gain", [0.9, 1.1, 1.2])
def test_the_loss_of_another_scale_is_its_logarithm(gain):
    still = moved()
    loss = temporal_loss(plane(), gain * plane(), K, still, everywhere())
    assert float(loss) == pytest.approx(abs(math.log(gain)), rel=1e-6)


def test_pixels_that_move_are_hidden_or_leave_the_image_do_not_count():
    still, static = moved(), everywhere()
    before, static[..., :10] = plane(), False
    before[..., :10] *= 1.1  # moves, by the mask
    before[..., 30:] *= math.exp(OCCLUDED + 0.05)  # moves, or is hidden, by its depth
    assert temporal_loss(plane(), before, K, still, static) < 1e-6
    assert temporal_loss(plane(), before, K, still, everywhere()) > 0.01
    away = moved(x=50.0)
    assert temporal_loss(plane(), 1.1 * plane(), K, away, everywhere()) == 0


def test_images_without_a_known_motion_add_zero():
    T = moved(count=2)
    T[1, 0, 3] = torch.nan
    depth, before = plane(count=2).requires_grad_(), 1.1 * plane(count=2)
    loss = temporal_loss(depth, before, K, T, everywhere(2))
    assert loss.item() == pytest.approx(math.log(1.1) / 2)
    loss.backward()
    assert depth.grad[0].any() and not depth.grad[1].any()


def test_the_source_is_not_taught():
    before = plane().mul(1.05).requires_grad_()
    depth = plane().requires_grad_()
    temporal_loss(depth, before, K, moved(0.1, 0.1), everywhere()).backward()
    assert before.grad is None and depth.grad.isfinite().all() and depth.grad.any()


def test_it_has_the_right_gradient(rand):
    small = (slice(None), slice(None), slice(0, 5), slice(0, 6))
    depth = (plane() * (1 + 0.02 * rand(1, 1, H, W)))[small].clone().requires_grad_()
    before, T = 1.1 * plane()[small], moved(0.013, 0.02)
    static = everywhere()[small]
    assert gradcheck(lambda d: temporal_loss(d, before, K, T, static), (depth,), atol=1e-5)


def test_the_objective_adds_it_with_its_weight():
    image = torch.zeros(1, 3, H, W, dtype=torch.float64)
    sky, dynamic, seen = (torch.zeros(1, 1, H, W, dtype=torch.bool) for _ in range(3))
    sky[..., :4, :], dynamic[..., :6], seen[..., : W - 5] = True, True, True
    given = Observation(
        image, [image, image], K, dynamic=dynamic, sky=sky, seen=seen, motion=moved()
    )
    before = 1.1 * plane()
    for mask in (sky, dynamic, ~seen):
        before = torch.where(mask, 1.2 * plane(), before)
    predicted = Prediction([plane()], [moved()] * 2, before=before)
    only = {"photometric": 0.0, "regularization": 0.0}
    loss = objective(given, predicted, LossConfig(temporal=0.3, **only))
    assert float(loss.terms["temporal"]) == pytest.approx(math.log(1.1))
    assert float(loss.total) == pytest.approx(0.3 * math.log(1.1))
    assert "temporal" not in objective(given, predicted, LossConfig(photometric=0.0)).terms
