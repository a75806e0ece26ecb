# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from jasmine_core.loss.known_motion import (
    CANDIDATES,
    best_scale,
    in_units,
    votes,
    with_odometry,
)


@pytest.fixture
def motions(triplet):
    return torch.stack(triplet.T_source_target, dim=1).float()  # [1,2,4,4] m


def test_a_motion_keeps_its_rotation_and_shrinks_its_way(motions):
    units = in_units(motions, 20.0)
    assert torch.equal(units[..., :3, :3], motions[..., :3, :3])
    torch.testing.assert_close(20 * units[..., :3, 3], motions[..., :3, 3])
    assert torch.equal(units[..., 3, :], motions[..., 3, :])


def test_odometry_replaces_the_pose_net_where_it_is_known(motions):
    predicted = torch.eye(4).repeat(2, 1, 1)
    known = torch.stack([motions[0, 0], torch.full((4, 4), torch.nan)])
    result = with_odometry(predicted, known, torch.tensor(20.0))
    torch.testing.assert_close(result[0], in_units(motions[0, 0], 20.0))
    assert torch.equal(result[1], predicted[1])


def test_without_a_scale_odometry_is_not_used(motions):
    predicted = torch.eye(4)[None]
    assert torch.equal(with_odometry(predicted, motions[:, 0], torch.tensor(torch.nan)), predicted)


def test_the_pose_net_has_no_gradient_where_odometry_is_known(motions):
    predicted = torch.eye(4).repeat(2, 1, 1).requires_grad_()
    known = torch.stack([motions[0, 0], torch.full((4, 4), torch.nan)])
    with_odometry(predicted, known, torch.tensor(20.0)).sum().backward()
    assert not predicted.grad[0].any() and (predicted.grad[1] == 1).all()


@pytest.mark.parametrize("unit", [0.5, 6.0, 30.0])
def test_images_tell_the_scale_of_a_depth(triplet, motions, unit):
    counts = votes(triplet.image, triplet.sources, triplet.K, triplet.depth / unit, motions)
    assert counts.shape == (len(CANDIDATES),) and counts.sum() == triplet.depth.numel()
    # Twelve percent lie between two candidates.
    assert best_scale(counts) == pytest.approx(unit, rel=0.13)


def test_a_minority_of_wrong_depths_does_not_change_the_scale(triplet, motions):
    wrong = triplet.depth.clone()
    wrong[..., : wrong.shape[-1] // 3] *= 0.3
    counts = votes(triplet.image, triplet.sources, triplet.K, wrong / 6, motions)
    assert best_scale(counts) == pytest.approx(6, rel=0.13)


def test_images_without_odometry_have_no_vote(triplet, motions):
    def counts(motions):
        return votes(triplet.image, triplet.sources, triplet.K, triplet.depth, motions)

    half = motions.clone()
    half[:, 1] = torch.nan
    assert not counts(half).any() and best_scale(counts(half)) is None


def test_votes_at_the_ends_of_the_range_are_ignored():
    counts = torch.zeros(len(CANDIDATES), dtype=torch.long)
    counts[[0, -1]] = 1000
    assert best_scale(counts) is None
    counts[[7, 9, 20]] = 1
    assert best_scale(counts) == CANDIDATES[9]
