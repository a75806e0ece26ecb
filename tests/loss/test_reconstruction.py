# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from torch.autograd import gradcheck

from jasmine_core.loss.photometric import photometric_error
from jasmine_core.loss.reconstruction import reconstruction_loss


def test_a_perfect_copy_costs_nothing(rand):
    image = rand(2, 3, 6, 8)
    assert reconstruction_loss(image, image) < 1e-12


def test_it_is_the_mean_photometric_error(rand):
    image, rebuilt = rand(2, 3, 6, 8), rand(2, 3, 6, 8, seed=1)
    assert reconstruction_loss(image, rebuilt) == photometric_error(image, rebuilt).mean()


def test_values_beyond_the_image_s_range_keep_a_gradient(rand):
    image, rebuilt = rand(1, 3, 4, 5), (3 * rand(1, 3, 4, 5, seed=1) - 1).requires_grad_()
    assert gradcheck(lambda r: reconstruction_loss(image, r), rebuilt)
    reconstruction_loss(image, rebuilt).backward()
    assert (rebuilt.grad[rebuilt > 1.2] != 0).all()
