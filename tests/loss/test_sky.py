# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import torch
from torch.autograd import gradcheck

from jasmine_core.loss.sky import sky_loss


def test_far_sky_costs_nothing_and_near_sky_a_tenth_of_its_share(rand):
    sky = torch.zeros(1, 1, 4, 8, dtype=torch.bool)
    sky[..., :1, :] = True
    ssi = rand(1, 1, 4, 8)
    ssi[sky] = 1.0
    assert sky_loss(ssi, sky) == 0
    ssi[sky] = 0.25
    torch.testing.assert_close(sky_loss(ssi, sky), torch.tensor(0.1 * 0.75 / 4).double())


def test_the_ground_is_not_touched(rand):
    sky = torch.zeros(1, 1, 4, 8, dtype=torch.bool)
    sky[..., :2, :] = True
    ssi = rand(1, 1, 4, 8).requires_grad_()
    sky_loss(ssi, sky).backward()
    assert (ssi.grad[sky] < 0).all()
    assert (ssi.grad[~sky] == 0).all()


def test_it_has_gradients(rand):
    sky = rand(2, 1, 4, 5, seed=1) > 0.5
    assert gradcheck(lambda s: sky_loss(s, sky), (0.9 * rand(2, 1, 4, 5)).requires_grad_())
