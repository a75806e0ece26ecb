# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Latent and gradient losses of phase 0, and the pixels that they leave out."""

from __future__ import annotations

import torch

from jasmine_core.loss.latent import gradient_loss, latent_loss


def test_latents_count_where_all_their_pixels_are_known():
    predicted, wanted = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    predicted[..., 0, 0], predicted[..., 1, 1] = 4.0, 100.0
    known = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    known[..., 7, 7] = False  # of the last latent pixel
    assert latent_loss(predicted, wanted, known) == 4.0 / 3
    assert latent_loss(predicted, wanted) == 26.0


def test_nothing_known_teaches_nothing():
    predicted = torch.ones(1, 2, 2, 2, requires_grad=True)
    loss = latent_loss(predicted, torch.zeros(1, 2, 2, 2), torch.zeros(1, 1, 8, 8) > 0)
    loss.backward()
    assert loss == 0 and predicted.grad.abs().sum() == 0


def test_gradients_do_not_see_a_shift_and_see_a_blurred_step():
    wanted = torch.zeros(1, 1, 16, 16)
    wanted[..., 8:] = 0.5
    known = torch.ones_like(wanted) > 0
    blurred = torch.nn.functional.avg_pool2d(wanted, 3, 1, 1, count_include_pad=False)
    assert gradient_loss(wanted + 0.3, wanted, known) < 1e-6
    assert gradient_loss(blurred, wanted, known) > 1e-3


def test_unknown_pixels_make_no_gradient():
    wanted = torch.zeros(1, 1, 16, 16)
    code, known = wanted.clone(), torch.ones_like(wanted) > 0
    code[..., 5, 5], known[..., 5, 5] = 9.0, False
    assert gradient_loss(code, wanted, known) == 0
