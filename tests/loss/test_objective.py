# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch
from torch.autograd import gradcheck

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.warp import rigid_transform, warp
from jasmine_core.loss.edge import edge_loss
from jasmine_core.loss.objective import LossConfig, Observation, Prediction, objective
from jasmine_core.loss.photometric import minimum_error, photometric_loss
from jasmine_core.loss.reconstruction import reconstruction_loss
from jasmine_core.loss.sky import sky_loss
from jasmine_core.loss.smoothness import smoothness_loss
from jasmine_core.loss.teacher import (
    filter_threshold,
    percentile_normalised,
    teacher_filter,
    teacher_loss,
)
from jasmine_core.loss.velocity import velocity_loss

B, H, W = 2, 8, 12
OFFSETS = (-1, 1)


def noise():
    return torch.Generator().manual_seed(7)


@pytest.fixture
def batch(rand):
    """Return everything an objective can be given, for two random images."""
    motion = torch.cat([rand(B, 3, seed=20) - 0.5, rand(B, 3, seed=21) - 0.5], dim=1) / 20
    K = torch.tensor([[10.0, 0, 5.6], [0, 10, 3.4], [0, 0, 1]], dtype=torch.float64)
    image = rand(B, 3, H, W)
    given = Observation(
        image=image,
        sources=[0.8 * image + 0.2 * rand(B, 3, H, W, seed=s) for s in (1, 2)],
        K=K.expand(B, 3, 3),
        teacher=0.3 + 2 * rand(B, 1, H, W, seed=3),
        dynamic=rand(B, 1, H, W, seed=4) > 0.7,
        sky=rand(B, 1, H, W, seed=5) > 0.8,
        odometry=torch.tensor([[0.6, float("nan")], [0.7, 0.5]], dtype=torch.float64),
        auxiliary=rand(B, 3, H, W, seed=6),
    )
    predicted = Prediction(
        depths=[0.3 + 2 * rand(B, 1, H, W, seed=s) for s in (7, 8)],
        T_source_target=[rigid_transform(motion[:, :3], o * motion[:, 3:]) for o in OFFSETS],
        ssi=rand(B, 1, H, W, seed=9),
        rebuilt=rand(B, 3, H, W, seed=10),
    )
    return given, predicted


def mapped(instance, change):
    """Return a copy of an observation or prediction with every tensor changed."""

    def one(value):
        if isinstance(value, torch.Tensor):
            return change(value)
        return [change(v) for v in value] if isinstance(value, list) else value

    return replace(instance, **{name: one(value) for name, value in vars(instance).items()})


def test_the_loss_is_the_weighted_sum_of_its_terms(batch):
    given, predicted = batch
    progress = 0.4

    def seen(depth):
        poses = predicted.T_source_target
        pairs = zip(given.sources, poses, strict=True)
        return minimum_error(given.image, [warp(s, depth, given.K, T).image for s, T in pairs])

    d1, d2 = predicted.depths
    trusted = teacher_filter(seen(given.teacher), filter_threshold(progress))
    assert 0.1 < trusted.double().mean() < 0.9  # or the filter is not in the test
    translation = torch.stack([T[:, :3, 3] for T in predicted.T_source_target], dim=1)
    expected = (
        photometric_loss(given.image, given.sources, seen(d2), noise()).loss
        + reconstruction_loss(given.auxiliary, predicted.rebuilt)
        + teacher_loss(predicted.ssi, percentile_normalised(given.teacher), trusted)
        + teacher_loss(d1, given.teacher, trusted)
        + teacher_loss(d2, given.teacher, trusted)
        + 0.008 * smoothness_loss(d2, given.image, given.dynamic)
        + 0.008 * sky_loss(predicted.ssi, given.sky)
        + 0.008 * edge_loss(predicted.ssi, [d1, d2])
        + 0.1 * 0.5 * velocity_loss(translation, given.odometry, 30.0)
    )
    config = LossConfig(velocity_start=0.35)  # half-way through its ramp
    result = objective(given, predicted, config, progress, noise())
    torch.testing.assert_close(result.total, expected)
    names = (
        "photometric reconstruction teacher_depth teacher_ssi smoothness sky edge velocity total"
    )
    assert list(result.terms) == names.split()
    assert torch.equal(result.maps["trusted"], trusted)


def test_the_loss_of_a_batch_is_the_mean_of_its_parts(batch):
    """The mean over processes, or over steps of accumulation, is the loss of the whole batch."""
    given, predicted = batch
    # The noise of the tie-break is the one thing that depends on the place in a batch.
    config = LossConfig(drop_outside=True, velocity_start=0)
    whole = objective(given, predicted, config, 0.4, noise()).terms
    parts = []
    for i in range(B):
        given_i, predicted_i = (mapped(x, lambda v, i=i: v[i : i + 1]) for x in batch)
        parts.append(objective(given_i, predicted_i, config, 0.4, noise()).terms)
    for name, value in whole.items():
        mean = torch.stack([part[name] for part in parts]).mean()
        torch.testing.assert_close(
            mean, value, atol=1e-5, rtol=0, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_terms_without_their_inputs_are_left_out(batch):
    given, predicted = batch
    bare = Observation(given.image, given.sources, given.K)
    plain = Prediction(predicted.depths[-1:], predicted.T_source_target)
    result = objective(bare, plain, LossConfig(), generator=noise())
    assert list(result.terms) == ["photometric", "smoothness", "total"]
    expected = result.terms["photometric"] + 0.008 * result.terms["smoothness"]
    torch.testing.assert_close(result.total, expected)


def test_a_disparity_net_s_own_map_is_smoothed(batch, rand):
    given, predicted = batch
    disparity = rand(B, 1, H, W, seed=30)
    plain = Prediction(predicted.depths[-1:], predicted.T_source_target, disparity=disparity)
    terms = objective(given, plain, LossConfig()).terms
    expected = smoothness_loss(disparity, given.image, given.dynamic)
    torch.testing.assert_close(terms["smoothness"], expected)


def test_a_weight_of_zero_leaves_a_term_out_of_the_sum(batch):
    given, predicted = batch
    full = objective(given, predicted, LossConfig(), 1.0, noise())
    part = objective(given, predicted, LossConfig(reconstruction=0, velocity=0), 1.0, noise())
    left_out = full.terms["reconstruction"] + 0.1 * full.terms["velocity"]
    torch.testing.assert_close(part.total, full.total - left_out)


def test_the_filter_may_spare_the_ssi_map(batch):
    given, predicted = batch
    terms = objective(given, predicted, LossConfig(filter_ssi=False), progress=1.0).terms
    everywhere = torch.ones(B, 1, H, W, dtype=torch.bool)
    expected = teacher_loss(predicted.ssi, percentile_normalised(given.teacher), everywhere)
    torch.testing.assert_close(terms["teacher_ssi"], expected)


def test_pixels_that_no_source_saw_learn_from_the_teacher_alone(batch):
    given, predicted = batch
    away = rigid_transform(*torch.tensor([[[0.0, 0, 0]], [[9.0, 0, 0]]], dtype=torch.float64))
    predicted = replace(predicted, T_source_target=[away.expand(B, 4, 4)] * 2)
    maps = objective(given, predicted, LossConfig(drop_outside=True), progress=1.0).maps
    assert not maps["moving"].any()
    assert maps["trusted"].all()
    assert not objective(given, predicted, LossConfig(), progress=1.0).maps["trusted"].all()


def test_every_network_output_is_taught(batch):
    given, predicted = batch
    predicted = mapped(predicted, lambda v: v.clone().requires_grad_())
    objective(given, predicted, LossConfig(velocity_start=0), 0.1).total.backward()
    leaves = [*predicted.depths, *predicted.T_source_target, predicted.ssi, predicted.rebuilt]
    for leaf in leaves:
        assert leaf.grad.isfinite().all() and (leaf.grad != 0).any()


def test_the_teacher_s_filter_does_not_teach_the_pose(batch):
    given, predicted = batch
    poses = [T.clone().requires_grad_() for T in predicted.T_source_target]
    config = LossConfig(photometric=0, velocity=0)
    loss = objective(given, replace(predicted, T_source_target=poses), config, 0.4)
    assert not loss.total.requires_grad


def test_half_precision_outputs_are_judged_in_single(batch):
    given, predicted = (
        mapped(x, lambda v: v.float() if v.is_floating_point() else v) for x in batch
    )
    rounded = mapped(predicted, lambda v: v.bfloat16())
    rounded.T_source_target = predicted.T_source_target  # the pose net's output is float32
    widened = mapped(rounded, lambda v: v.float())
    expected = objective(given, widened, LossConfig(), 0.1, noise())
    with torch.autocast("cpu", torch.bfloat16):
        result = objective(given, rounded, LossConfig(), 0.1, noise())
    assert result.total.dtype == torch.float32
    for name, value in result.terms.items():
        torch.testing.assert_close(value, expected.terms[name])


def test_it_has_gradients(rand, batch):
    given, predicted = (
        mapped(x, lambda v: v[:1, ..., :5, :6] if v.ndim == 4 else v[:1]) for x in batch
    )
    depth = (0.5 + rand(1, 1, 5, 6, seed=40)).requires_grad_()
    v = torch.tensor([[0.01, -0.02, 0.03]], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([[0.013, 0.007, 0.021]], dtype=torch.float64, requires_grad=True)

    def loss(depth, v, t):
        poses = [rigid_transform(v, t, invert=o < 0) for o in OFFSETS]
        plain = replace(predicted, depths=[depth], T_source_target=poses, ssi=None)
        return objective(given, plain, LossConfig(teacher=0), 0.45, noise()).total

    assert gradcheck(loss, (depth, v, t), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("name", ["photometric", "regularization", "filter_floor"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_an_impossible_weight_is_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        LossConfig(**{name: value})


def test_exact_depth_and_motion_have_the_least_loss(triplet):
    def total(factor, motion=1.0):
        given = Observation(triplet.image, triplet.sources, triplet.K)
        poses = [T.clone() for T in triplet.T_source_target]
        for T in poses:
            T[:, :3, 3] *= motion
        return objective(given, Prediction([factor * triplet.depth], poses), LossConfig()).total

    assert total(1.0) < 0.8 * min(total(0.7), total(1.5), total(1.0, motion=0.0))
    torch.testing.assert_close(total(0.1, motion=0.1), total(1.0), atol=1e-4, rtol=0)


def test_video_teaches_the_depth_of_an_absolute_code(triplet):
    """The final depth has no gradient to it, so that without a teacher it needs its own term."""
    given = Observation(triplet.image, triplet.sources, triplet.K)
    depth = (1.2 * triplet.depth).requires_grad_()
    relative = Prediction([triplet.depth], triplet.T_source_target)
    absolute = replace(relative, ssi_depth=depth)
    assert "photometric_ssi" not in objective(given, relative, LossConfig()).terms
    loss = objective(given, absolute, LossConfig(regularization=0.0), generator=noise())
    assert loss.terms["photometric_ssi"] > loss.terms["photometric"]
    loss.total.backward()
    assert depth.grad is not None
    with torch.no_grad():
        closer = replace(relative, ssi_depth=depth - 0.05 * depth.grad / depth.grad.abs().mean())
    better = objective(given, closer, LossConfig(regularization=0.0), generator=noise())
    assert better.terms["photometric_ssi"] < loss.terms["photometric_ssi"]


def test_unknown_depths_of_a_teacher_teach_nothing(batch):
    """A LiDAR's map has holes (0): only what is known counts, and the percentiles see only that."""
    given, predicted = batch
    known = torch.zeros_like(given.teacher, dtype=torch.bool)
    known[..., : W // 2] = True
    holed = replace(given, teacher=torch.where(known, given.teacher, 0.0))
    predicted.depths[-1].requires_grad_()
    predicted.ssi.requires_grad_()
    alone = LossConfig(
        photometric=0, reconstruction=0, regularization=0, velocity=0, filter_ssi=False
    )
    result = objective(holed, predicted, alone, 0.0, noise())
    result.total.backward()
    assert torch.equal(result.maps["trusted"], known)
    for values in (predicted.depths[-1], predicted.ssi):
        assert (values.grad[known] != 0).all()
        assert (values.grad[~known] == 0).all()

    left = percentile_normalised(given.teacher[..., : W // 2])
    expected = teacher_loss(predicted.ssi[..., : W // 2], left, torch.ones_like(left))
    torch.testing.assert_close(result.terms["teacher_ssi"], expected.detach())
    nothing = replace(given, teacher=torch.zeros_like(given.teacher))
    assert objective(nothing, predicted, alone, 0.0, noise()).total == 0


def test_margins_that_show_no_scene_teach_no_depth(batch, rand):
    """Neither the photometric nor the teacher's term has a gradient there; elsewhere both have."""
    given, predicted = batch
    given = replace(
        given, sources=[rand(B, 3, H, W, seed=s) for s in (30, 31)]
    )  # none stands still
    seen = torch.zeros(B, 1, H, W, dtype=torch.bool)
    seen[:, :, 2:-2, 3:-3] = True
    margin = torch.ones_like(seen)
    margin[:, :, 1:-1, 2:-2] = False  # the windows of SSIM reach a pixel beyond what is seen
    only = LossConfig(reconstruction=0, regularization=0, velocity=0)
    for config in (replace(only, teacher=0), replace(only, photometric=0)):
        depths = [d.detach().requires_grad_() for d in predicted.depths]
        loss = objective(
            replace(given, seen=seen), replace(predicted, depths=depths), config, 0.0, noise()
        )
        loss.total.backward()
        assert (depths[-1].grad[margin] == 0).all()
        assert (depths[-1].grad[seen] != 0).any()


def test_an_absolute_code_is_compared_with_the_code_of_the_teacher(batch):
    given, predicted = batch
    config = LossConfig(log_depth=1.0, gradient=1.0)
    exact = replace(given, code=predicted.ssi.clone())
    loss = objective(exact, predicted, config, 0.0, noise())
    assert loss.terms["teacher_ssi"] == 0 and loss.terms["gradient"] == 0
    shifted = replace(given, code=(predicted.ssi / 2).clone())
    loss = objective(shifted, predicted, config, 0.0, noise())
    assert loss.terms["teacher_ssi"] > 0.01 and loss.terms["gradient"] > 0.01


def test_the_depth_of_an_absolute_code_is_one_more_map_of_log_depth(batch):
    given, predicted = batch
    config = LossConfig(log_depth=1.0)
    plain = objective(given, predicted, config, 0.0, noise()).terms
    told = replace(predicted, ssi_depth=given.teacher.clone())
    right = objective(given, told, config, 0.0, noise()).terms
    assert right["log_depth"] == plain["log_depth"]
    twice = replace(predicted, ssi_depth=2 * given.teacher)
    wrong = objective(given, twice, config, 0.0, noise()).terms
    assert float(wrong["log_depth"] - plain["log_depth"]) == pytest.approx(0.6931, abs=1e-3)


def test_a_relative_teacher_is_compared_in_normalised_disparity_only(batch):
    given, predicted = batch
    depth = predicted.depths[-1].detach()
    same = replace(predicted, depths=[depth, depth])
    teacher = 1 / (3 / depth + 0.5)  # another scale and shift of the same disparity
    none = torch.zeros(len(depth), dtype=torch.bool)
    relative = replace(given, teacher=teacher, relative=~none)
    terms = objective(relative, same, LossConfig(), 0.0, noise()).terms
    assert float(terms["teacher_relative"]) == pytest.approx(0, abs=1e-5)
    assert terms["teacher_depth"] == 0 and terms["teacher_ssi"] == 0
    absolute = objective(replace(relative, relative=none), same, LossConfig(), 0.0, noise()).terms
    assert "teacher_relative" not in absolute and absolute["teacher_depth"] > 0.01
    one = none.clone()
    one[0] = True
    mixed = objective(replace(relative, relative=one), same, LossConfig(), 0.0, noise()).terms
    assert 0 < mixed["teacher_depth"] < absolute["teacher_depth"]
