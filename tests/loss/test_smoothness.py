# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch.autograd import gradcheck

from jasmine_core.loss.smoothness import mean_normalised, smoothness_loss


def grey(height=6, width=8):
    return torch.full((1, 3, height, width), 0.5, dtype=torch.float64)


def ramp(dim, height=6, width=8):
    length = (height, width)[dim]
    line = torch.arange(1.0, length + 1, dtype=torch.float64)
    return (line[:, None] if dim == 0 else line).expand(1, 1, height, width)


@pytest.mark.parametrize("scale", [0.01, 3.0, 500.0])
def test_the_scale_of_the_depth_does_not_matter(rand, scale):
    depth, image = 1 + rand(2, 1, 6, 8), rand(2, 3, 6, 8, seed=1)
    torch.testing.assert_close(
        smoothness_loss(scale * depth, image), smoothness_loss(depth, image), rtol=1e-4, atol=0
    )


def test_a_flat_map_costs_nothing(rand):
    assert smoothness_loss(torch.full((1, 1, 6, 8), 2.0), rand(1, 3, 6, 8).float()) == 0


def test_a_ramp_costs_its_relative_slope():
    # mean 4.5, slope 1 px^-1
    assert smoothness_loss(ramp(1), grey()).item() == pytest.approx(1 / 4.5, rel=1e-6)
    assert smoothness_loss(ramp(0), grey()).item() == pytest.approx(1 / 3.5, rel=1e-6)


def test_an_edge_in_the_image_excuses_one_in_the_depth():
    depth, image = torch.ones(1, 1, 6, 8, dtype=torch.float64), grey()
    depth[..., 4:] = 2
    plain = smoothness_loss(depth, image)
    image[..., 4:] = 1.0  # a step of 0.5 in every channel
    torch.testing.assert_close(
        smoothness_loss(depth, image), plain * torch.exp(torch.tensor(-0.5).double())
    )


def test_moving_things_weigh_a_hundredfold_and_only_vertically():
    mask = torch.ones(1, 1, 6, 8, dtype=torch.bool)
    across, down = smoothness_loss(ramp(1), grey()), smoothness_loss(ramp(0), grey())
    torch.testing.assert_close(smoothness_loss(ramp(1), grey(), mask), across)
    torch.testing.assert_close(smoothness_loss(ramp(0), grey(), mask), 100 * down)


def test_only_gradients_on_the_mask_weigh_more(rand):
    depth, image = 1 + rand(1, 1, 6, 8), rand(1, 3, 6, 8, seed=1)
    mask = torch.zeros(1, 1, 6, 8, dtype=torch.bool)
    torch.testing.assert_close(smoothness_loss(depth, image, mask), smoothness_loss(depth, image))
    mask[..., 2, 3] = True  # the gradient from row 2 to row 3 in column 3
    normal = mean_normalised(depth)
    step = (normal[..., 3, 3] - normal[..., 2, 3]).abs().item()
    excuse = (image[..., 3, 3] - image[..., 2, 3]).abs().mean().neg().exp().item()
    more = smoothness_loss(depth, image, mask) - smoothness_loss(depth, image)
    assert more.item() == pytest.approx(99 * step * excuse / (5 * 8))
    mask[:] = False
    mask[..., -1, :] = True  # the last row has no gradient below it
    torch.testing.assert_close(smoothness_loss(depth, image, mask), smoothness_loss(depth, image))


def test_it_has_gradients(rand):
    image, mask = rand(2, 3, 4, 5, seed=1), rand(2, 1, 4, 5, seed=2) > 0.5
    depth = (1 + rand(2, 1, 4, 5)).requires_grad_()
    assert gradcheck(lambda d: smoothness_loss(d, image, mask), depth)
