# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from jasmine_core.loss.edge import edge_loss, sobel


def test_sobel_is_the_convolution(rand):
    depth = rand(2, 1, 7, 9)
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    kernels = torch.stack([kernel, kernel.T])[:, None]
    torch.testing.assert_close(sobel(depth), F.conv2d(depth, kernels, padding=1).abs())


def test_a_ramp_has_eight_times_its_slope():
    depth = 0.5 * torch.arange(9.0).expand(1, 1, 6, 9)
    inner = sobel(depth)[..., 1:-1, 1:-1]
    np.testing.assert_allclose(inner[0, 0], 4)
    np.testing.assert_allclose(inner[0, 1], 0)


def test_equal_maps_of_any_scale_cost_nothing(rand):
    ssi = rand(2, 1, 6, 8)
    assert edge_loss(ssi, [3 * ssi, 0.2 * ssi]) < 1e-5


def test_it_adds_up_the_refinements(rand):
    ssi, first, second = (rand(1, 1, 6, 8, seed=i) for i in range(3))
    expected = edge_loss(ssi, [first]) + edge_loss(ssi, [second])
    torch.testing.assert_close(edge_loss(ssi, [first, second]), expected)


def test_the_ssi_map_is_not_taught(rand):
    ssi, depth = rand(1, 1, 6, 8).requires_grad_(), rand(1, 1, 6, 8, seed=1).requires_grad_()
    edge_loss(ssi, [depth]).backward()
    assert ssi.grad is None
    assert (depth.grad != 0).any()


def test_it_has_gradients(rand):
    ssi = rand(1, 1, 4, 5)
    depths = tuple((0.5 + rand(1, 1, 4, 5, seed=i)).requires_grad_() for i in (1, 2))
    assert gradcheck(lambda *d: edge_loss(ssi, d), depths)
