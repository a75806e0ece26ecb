# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from jasmine_core.geometry.disparity import depth_from_disparity
from jasmine_core.loss.teacher import (
    berhu,
    filter_threshold,
    percentile_normalised,
    refine_loss,
    relative_loss,
    teacher_depth,
    teacher_filter,
    teacher_loss,
)


def column(*values):
    return torch.tensor(values, dtype=torch.float64).view(1, -1)


def test_disparity_becomes_depth_up_to_three_units():
    disparity = torch.tensor([0.0, 0.01, 0.1, 0.5, 1.0], dtype=torch.float64)
    expected = torch.tensor([3, 3, 1 / 1.009, 1 / 5.005, 0.1], dtype=torch.float64)
    torch.testing.assert_close(teacher_depth(depth_from_disparity(disparity)), expected)


# ---------------------------------------------------------------------- BerHu


def test_berhu_is_l1_below_c_and_quadratic_above():
    # max 10, so c = 2
    expected = column(0, 1, 2, (9 + 4) / 4, (100 + 4) / 4)
    torch.testing.assert_close(berhu(column(0, -1, 2, 3, -10)), expected)


def test_berhu_and_its_slope_are_continuous_at_c():
    d = column(2 - 1e-9, 2 + 1e-9, 10).requires_grad_()
    below, above, _ = berhu(d)[0]
    torch.testing.assert_close(below, above, atol=1e-8, rtol=0)
    (below + above).backward()
    torch.testing.assert_close(d.grad[0, :2], torch.ones(2, dtype=torch.float64))


def test_berhu_of_a_perfect_student_is_zero_with_a_gradient():
    d = torch.zeros(2, 1, 4, 4, requires_grad=True)
    berhu(d).sum().backward()
    assert d.grad.isfinite().all()


def test_berhu_sees_each_image_by_itself(rand):
    a, b = rand(1, 1, 5, 5), 10 * rand(1, 1, 5, 5, seed=1)
    torch.testing.assert_close(berhu(torch.cat([a, b])), torch.cat([berhu(a), berhu(b)]))


def test_berhu_has_gradients(rand):
    d = 3 * rand(2, 1, 4, 5) - 1.5
    peak = d.abs().flatten(1).amax(1)[:, None, None, None]
    c = 0.2 * peak  # constant in the loss, so hold the largest value where it is
    d = torch.where(d.abs() == peak, d, 0.9 * d)
    free = (d.abs() < peak) & ((d.abs() - c).abs() > 1e-3)
    x = d.clone().requires_grad_()
    assert gradcheck(lambda x: berhu(torch.where(free, x, d)), x)


# ---------------------------------------------------------------------- normalisation


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_the_normalised_map_ignores_scale_and_shift(scale, shift):
    depth = torch.rand(2, 1, 9, 11, generator=torch.Generator().manual_seed(0)).double()
    expected = percentile_normalised(depth)
    torch.testing.assert_close(
        percentile_normalised(scale * depth + shift), expected, atol=1e-9, rtol=0
    )


def test_it_runs_from_the_second_to_the_98th_percentile():
    depth = torch.arange(101.0, dtype=torch.float64).view(1, 1, 1, 101)
    normalised = percentile_normalised(depth)[0, 0, 0]
    assert normalised[:3].tolist() == [0, 0, 0]
    assert normalised[98:].tolist() == [1, 1, 1]
    torch.testing.assert_close(normalised[50], torch.tensor(0.5, dtype=torch.float64))


def test_each_map_has_its_own_percentiles(rand):
    a, b = rand(1, 1, 5, 5), 7 + 3 * rand(1, 1, 5, 5, seed=1)
    both = percentile_normalised(torch.cat([a, b]))
    torch.testing.assert_close(both[1:], percentile_normalised(b))


def test_a_flat_map_normalises_to_something_finite():
    assert (percentile_normalised(torch.full((1, 1, 4, 4), 3.0)) == 0).all()


# ---------------------------------------------------------------------- filter


@pytest.mark.parametrize(
    ("progress", "threshold"),
    [(0, 1.5), (1 / 30, 1.5), (0.1, 0.5), (0.25, 0.2), (0.5, 0.1), (1, 0.05)],
)
def test_the_threshold_follows_its_schedule(progress, threshold):
    assert filter_threshold(progress) == pytest.approx(threshold)
    assert filter_threshold(progress, floor=0.3) == pytest.approx(max(threshold, 0.3))


def test_the_filter_keeps_small_errors_and_pixels_that_no_source_saw():
    error = torch.tensor([0.05, 0.2, 0.9, torch.inf])
    assert teacher_filter(error, 0.2).tolist() == [True, False, False, True]


# ---------------------------------------------------------------------- the loss


def test_masked_pixels_do_not_count(rand):
    student, teacher = rand(2, 1, 4, 6), rand(2, 1, 4, 6, seed=1)
    mask = torch.ones(2, 1, 4, 6, dtype=torch.bool)
    mask[0, :, :, 3:] = False
    penalty = berhu(student - teacher)
    expected = (penalty[0, :, :, :3].mean() + penalty[1].mean()) / 2
    torch.testing.assert_close(teacher_loss(student, teacher, mask), expected)


def test_an_empty_mask_costs_nothing(rand):
    mask = torch.zeros(1, 1, 4, 6, dtype=torch.bool)
    assert teacher_loss(rand(1, 1, 4, 6), rand(1, 1, 4, 6, seed=1), mask) == 0


def test_every_refinement_is_taught(rand):
    teacher, mask = rand(1, 1, 4, 6), torch.ones(1, 1, 4, 6, dtype=torch.bool)
    first, second = rand(1, 1, 4, 6, seed=1), rand(1, 1, 4, 6, seed=2)
    parts = [teacher_loss(depth, teacher, mask) for depth in (first, second)]
    torch.testing.assert_close(refine_loss([first, second], teacher, mask), sum(parts))


def test_it_has_gradients(rand):
    teacher, mask = 2 * rand(1, 1, 3, 4), rand(1, 1, 3, 4, seed=3) > 0.3
    student = (teacher + 0.1 + rand(1, 1, 3, 4, seed=2)).detach()
    peak = torch.zeros(1, 1, 3, 4, dtype=torch.float64)
    peak[..., 0, 0] = 5.0  # one pixel holds c = 1 still
    free = (peak == 0).double()

    def loss(x):
        return teacher_loss(teacher + peak + free * (x - teacher), teacher, mask)

    assert gradcheck(loss, student.requires_grad_())


# ---------------------------------------------------------------------- a relative teacher


@given(scale=st.floats(0.1, 10), shift=st.floats(0, 5), seed=st.integers(0, 99))
def test_scale_and_shift_of_a_relative_teacher_s_disparity_do_not_count(scale, shift, seed):
    generator = torch.Generator().manual_seed(seed)
    student, teacher = 0.2 + torch.rand(2, 2, 1, 6, 8, generator=generator, dtype=torch.float64)
    mask = torch.rand(2, 1, 6, 8, generator=generator) > 0.3
    changed = 1 / (scale / teacher + shift)
    loss = relative_loss([student, 2 * student], teacher, mask)
    torch.testing.assert_close(relative_loss([student, 2 * student], changed, mask), loss)
    torch.testing.assert_close(relative_loss([changed], teacher, mask), loss * 0, atol=1e-9, rtol=0)


def test_relative_loss_counts_known_pixels_only_and_images_without_them_as_zero(rand):
    student, teacher = 0.2 + rand(3, 1, 5, 6), 0.2 + rand(3, 1, 5, 6, seed=1)
    mask = rand(3, 1, 5, 6, seed=2) > 0.4
    mask[1] = False
    student.requires_grad_()
    loss = relative_loss([student], teacher, mask)
    loss.backward()
    assert student.grad.isfinite().all()
    assert not student.grad[~mask].any()
    assert student.grad[mask].any()
    other = torch.where(mask, teacher, 7.0)
    torch.testing.assert_close(relative_loss([student], other, mask), loss)
    alone = torch.stack([relative_loss([student[[i]]], teacher[[i]], mask[[i]]) for i in (0, 2)])
    torch.testing.assert_close(alone.sum() / 3, loss)
    assert relative_loss([student], teacher, mask & False) == 0


def test_relative_loss_has_gradients(rand):
    student, teacher = 0.2 + rand(1, 1, 4, 5), 0.2 + rand(1, 1, 4, 5, seed=1)
    mask = torch.ones(1, 1, 4, 5, dtype=torch.bool)
    assert gradcheck(lambda d: relative_loss([d], teacher, mask), student.requires_grad_())
