# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from torch.autograd import gradcheck

from jasmine_core.loss.velocity import measured_scale, velocity_loss, velocity_ramp

NAN = float("nan")


def units(*lengths):
    """Return translations of these lengths, each in another direction."""
    directions = torch.tensor([[0.6, 0, 0.8], [0, -1, 0], [0.48, 0.6, 0.64]], dtype=torch.float64)
    return torch.stack([n * directions[i % 3] for i, n in enumerate(lengths)])


def metres(*lengths):
    return torch.tensor(lengths, dtype=torch.float64)


def test_the_right_length_in_any_direction_costs_nothing():
    loss = velocity_loss(units(0.02, 0.04, 0.1), metres(0.6, 1.2, 3.0), metres_per_unit=30)
    assert loss.item() == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize(
    ("length", "penalty"),
    [(0.0, 0.2 * 0.9), (0.9, 0.01 / 2), (1.1, 0.01 / 2), (1.5, 0.2 * 0.4), (6.0, 0.2 * 4.9)],
)
def test_the_penalty_is_huber_of_the_relative_error(length, penalty):
    for way in (0.3, 1.0, 20.0):  # at every speed
        loss = velocity_loss(units(length * way / 30), metres(way), 30.0)
        assert loss.item() == pytest.approx(penalty, abs=1e-9)


def test_a_short_motion_is_stretched_and_a_long_one_shortened():
    for length, sign in ((0.01, -1), (0.2, 1)):
        t = units(length).requires_grad_()
        velocity_loss(t, metres(1.0)).backward()
        assert math.copysign(1, (t.grad * t).sum().item()) == sign


def test_missing_odometry_and_a_standing_camera_teach_nothing():
    t = units(0.1, 0.1, 0.1, 0.1).requires_grad_()
    loss = velocity_loss(t, metres(NAN, 0.0, 0.01, 1.5))
    loss.backward()
    assert loss.isfinite() and t.grad.isfinite().all()
    assert (t.grad[:3] == 0).all() and (t.grad[3] != 0).any()
    assert loss == velocity_loss(units(0.1, 0.1, 0.1, 0.1)[3:], metres(1.5)) / 4
    assert velocity_loss(units(0.1), metres(NAN)) == 0


def test_a_motion_of_zero_has_a_finite_gradient():
    t = torch.zeros(2, 3, requires_grad=True)
    velocity_loss(t, torch.tensor([1.0, NAN])).backward()
    assert t.grad.isfinite().all()


def test_the_scale_is_measured_without_outliers():
    t = units(0.02, 0.03, 0.04, 0.05, 0.01)
    odometry = metres(0.5, 0.75, 1.0, 7.0, NAN)  # 25 m per unit, one slipping wheel, one gap
    assert measured_scale(t, odometry) == pytest.approx(25)
    assert velocity_loss(t[:3], odometry[:3], measured_scale(t, odometry)) < 1e-20
    assert measured_scale(t, metres(*[NAN] * 5)) is None


@pytest.mark.parametrize(("progress", "share"), [(0, 0), (0.4, 0), (0.45, 0.5), (0.5, 1), (1, 1)])
def test_its_weight_rises_from_its_start(progress, share):
    assert velocity_ramp(progress, start=0.4) == pytest.approx(share)


def test_it_has_gradients():
    t = units(0.02, 0.05, 0.07).requires_grad_()
    odometry = metres(0.65, 0.9, NAN)
    assert gradcheck(lambda t: velocity_loss(t, odometry), t, eps=1e-7)
