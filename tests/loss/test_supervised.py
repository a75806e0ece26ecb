# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.loss.supervised import KL_WEIGHT, NEAREST, autoencoder_loss, log_depth_loss

GENERATOR = torch.Generator().manual_seed(0)
GROUND_TRUTH = 0.1 + torch.rand(2, 1, 6, 8, generator=GENERATOR, dtype=torch.float64)
EVERYWHERE = torch.ones(2, 1, 6, 8, dtype=torch.bool)


@given(st.floats(0.5, 2), st.floats(0.2, 5))
def test_a_relative_error_costs_the_same_at_any_distance(factor, distance):
    near = log_depth_loss([GROUND_TRUTH * factor], GROUND_TRUTH, EVERYWHERE)
    far = log_depth_loss([GROUND_TRUTH * factor * distance], GROUND_TRUTH * distance, EVERYWHERE)
    torch.testing.assert_close(near, far)
    assert math.isclose(float(near), abs(math.log(factor)), abs_tol=1e-12)


def test_every_iteration_counts_and_each_image_alike():
    mask = EVERYWHERE.clone()
    mask[0, :, 1:] = False  # a sixth of the first image
    wrong = GROUND_TRUTH.clone()
    wrong[0] *= math.e
    one = log_depth_loss([wrong], GROUND_TRUTH, mask)
    assert math.isclose(float(one), 0.5)
    assert math.isclose(
        float(log_depth_loss([wrong, GROUND_TRUTH, wrong], GROUND_TRUTH, mask)), 1.0
    )


def test_unknown_depth_has_no_gradient():
    depth = (2 * GROUND_TRUTH).requires_grad_()
    mask = EVERYWHERE.clone()
    mask[1] = False
    log_depth_loss([depth], GROUND_TRUTH, mask).backward()
    assert depth.grad[0].abs().min() > 0
    assert depth.grad[1].abs().max() == 0


def test_at_zero_depth_the_loss_is_finite():
    zero = torch.zeros_like(GROUND_TRUTH)
    loss = log_depth_loss([zero], GROUND_TRUTH, EVERYWHERE)
    expected = (GROUND_TRUTH.log() - math.log(NEAREST)).abs().mean()
    torch.testing.assert_close(loss, expected)


def test_a_perfect_autoencoder_pays_for_its_code_alone():
    image = torch.rand(1, 3, 8, 8, generator=GENERATOR)
    loss = autoencoder_loss(image, image, torch.tensor(2.0))
    assert float(loss) == pytest.approx(2 * KL_WEIGHT, abs=1e-6)
    brighter = autoencoder_loss(image, image + 0.1, torch.tensor(2.0))
    grey = image.mean((2, 3), keepdim=True).expand_as(image)
    blurred = autoencoder_loss(image, grey, torch.tensor(2.0))
    assert brighter > loss
    assert blurred > brighter


@pytest.mark.parametrize("factor", [1.1, 2.0, 4.0])
def test_far_of_one_makes_a_depth_that_is_too_far_cost_its_relative_error(factor: float) -> None:
    loss = log_depth_loss([GROUND_TRUTH * factor], GROUND_TRUTH, EVERYWHERE, far=1.0)
    torch.testing.assert_close(float(loss), factor - 1, atol=1e-4, rtol=1e-4)


def test_far_changes_nothing_for_a_depth_that_is_too_near() -> None:
    near = GROUND_TRUTH / 3
    losses = [log_depth_loss([near], GROUND_TRUTH, EVERYWHERE, far=far) for far in (0.0, 2.0)]
    torch.testing.assert_close(losses[0], losses[1])


def test_far_is_bounded_for_depth_that_is_far_beyond_the_ground_truth() -> None:
    depth = (GROUND_TRUTH * 100).requires_grad_()
    log_depth_loss([depth], GROUND_TRUTH, EVERYWHERE, far=1.0).backward()
    plain = (GROUND_TRUTH * 100).requires_grad_()
    log_depth_loss([plain], GROUND_TRUTH, EVERYWHERE).backward()
    torch.testing.assert_close(depth.grad, plain.grad)
