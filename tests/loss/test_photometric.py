# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from jasmine_core.geometry.warp import warp
from jasmine_core.loss.photometric import (
    minimum_error,
    photometric_error,
    photometric_loss,
    ssim_distance,
)


def slow_ssim(a, b):
    """SSIM of two grey images, a window at a time."""
    a, b = np.pad(a, 1, mode="reflect"), np.pad(b, 1, mode="reflect")
    result = np.empty((a.shape[0] - 2, a.shape[1] - 2))
    for y, x in np.ndindex(*result.shape):
        p, q = a[y : y + 3, x : x + 3], b[y : y + 3, x : x + 3]
        covariance = ((p - p.mean()) * (q - q.mean())).mean()
        result[y, x] = (2 * p.mean() * q.mean() + 0.0001) * (2 * covariance + 0.0009)
        result[y, x] /= (p.mean() ** 2 + q.mean() ** 2 + 0.0001) * (p.var() + q.var() + 0.0009)
    return result


def test_equal_images_have_no_error(rand):
    image = rand(2, 3, 8, 9)
    assert photometric_error(image, image).abs().max() < 1e-12


def test_ssim_is_that_of_the_slow_form(rand):
    a, b = rand(1, 2, 7, 9), rand(1, 2, 7, 9, seed=1)
    b[:, 0] = (a[:, 0] + 0.1 * b[:, 0]).clamp(0, 1)  # one channel alike, one not
    for channel in range(2):
        expected = np.clip((1 - slow_ssim(a[0, channel], b[0, channel])) / 2, 0, 1)
        np.testing.assert_allclose(ssim_distance(a, b)[0, channel], expected, atol=1e-9)


def test_the_error_is_85_parts_structure_and_15_parts_colour(rand):
    a, b = rand(1, 3, 6, 6), rand(1, 3, 6, 6, seed=1)
    expected = (0.85 * ssim_distance(a, b) + 0.15 * (a - b).abs()).mean(1, keepdim=True)
    torch.testing.assert_close(photometric_error(a, b), expected)
    assert photometric_error(a, b).shape == (1, 1, 6, 6)


def test_the_error_is_symmetric_and_at_most_one(rand):
    a, b = rand(1, 3, 6, 6), rand(1, 3, 6, 6, seed=1)
    torch.testing.assert_close(photometric_error(a, b), photometric_error(b, a))
    black_and_white = photometric_error(torch.zeros(1, 3, 6, 6), torch.ones(1, 3, 6, 6))
    assert 0.5 < black_and_white.max() <= 1


def test_the_minimum_ignores_the_source_in_which_a_pixel_is_hidden(rand):
    image = rand(1, 3, 8, 8)
    hidden = image.clone()
    hidden[..., 2:6, 2:6] = 0
    assert minimum_error(image, [hidden, image]).max() < 1e-12
    assert minimum_error(image, [hidden]).max() > 0.1


def test_a_source_counts_only_where_it_saw_the_pixel(rand):
    image, other = rand(1, 3, 6, 6), rand(1, 3, 6, 6, seed=1)
    left = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    left[..., :3] = True
    top = left.transpose(2, 3)
    error = minimum_error(image, [image, other], [left, top])
    assert error[left].max() < 1e-12
    torch.testing.assert_close(error[~left & top], photometric_error(image, other)[~left & top])
    assert error[~left & ~top].isinf().all()


def test_the_auto_mask_drops_pixels_that_do_not_move(rand):
    image = rand(1, 3, 12, 12)
    source = rand(1, 3, 12, 12, seed=1)
    source[..., :6] = image[..., :6]  # the left half does not change between the images
    warped = image.clone()
    warped[..., :6] = source[..., 6:]  # the warp explains the right half, and breaks the left
    warped.requires_grad_()
    result = photometric_loss(image, [source], minimum_error(image, [warped]))
    assert not result.moving[..., :5].any()  # SSIM's windows mix the two at the seam
    assert result.moving[..., 7:].all()
    (result.loss + 0.1 * photometric_error(image, warped + 0.1)[..., 7:].sum()).backward()
    assert (warped.grad[..., :4] == 0).all()
    assert (warped.grad[..., 9:] != 0).any()


def test_a_pixel_that_no_source_saw_teaches_nothing(rand):
    image, source = rand(1, 3, 8, 8), rand(1, 3, 8, 8, seed=1)
    warped = (0.9 * image + 0.1 * source).requires_grad_()  # far better than standing still
    unseen = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    unseen[..., 5:] = False
    error = minimum_error(image, [warped, warped], [unseen, unseen])
    result = photometric_loss(image, [source], error)
    assert torch.equal(result.moving, unseen)
    result.loss.backward()
    assert warped.grad.isfinite().all()
    assert (warped.grad[..., 6:] == 0).all()
    assert (warped.grad[..., :4] != 0).all()


def test_a_tie_is_broken_by_noise_from_the_generator(rand):
    image = rand(1, 3, 32, 32)

    def moving(seed):
        generator = torch.Generator().manual_seed(seed)
        error = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
        return photometric_loss(image, [image], error, generator).moving

    assert 0.4 < moving(0).double().mean() < 0.6
    assert torch.equal(moving(0), moving(0))
    assert not torch.equal(moving(0), moving(1))


def test_it_has_gradients(rand):
    image, warped = rand(1, 3, 5, 6), rand(1, 3, 5, 6, seed=1).requires_grad_()
    source = rand(1, 3, 5, 6, seed=2)
    assert gradcheck(lambda w: photometric_error(image, w), warped)

    def loss(w):
        error = minimum_error(image, [w, w.flip(3)])
        return photometric_loss(image, [source], error, torch.Generator().manual_seed(0)).loss

    assert gradcheck(loss, warped)


@pytest.mark.parametrize("wrong", [0.7, 1.5])
def test_true_depth_and_motion_explain_a_drive_best(triplet, wrong):
    def loss(depth):
        views = [
            warp(source, depth, triplet.K, T)
            for source, T in zip(triplet.sources, triplet.T_source_target, strict=True)
        ]
        error = minimum_error(triplet.image, [view.image for view in views])
        return photometric_loss(triplet.image, triplet.sources, error).loss, error.mean()

    true, error = loss(triplet.depth)
    other, other_error = loss(wrong * triplet.depth)
    unmoved = minimum_error(triplet.image, triplet.sources).mean()
    assert error < 0.6 * other_error < 0.6 * unmoved
    assert true < 0.6 * other
