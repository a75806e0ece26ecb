# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from helpers.training_runs import HEIGHT, SMALLEST, WIDTH, same
from safetensors.torch import save_file

from jasmine_core import JasmineModel
from jasmine_core.errors import CheckpointError
from jasmine_core.loss.objective import LossConfig
from jasmine_core.loss.reconstruction import reconstruction_loss
from jasmine_core.model.disparity_net import DisparityConfig, DisparityNet
from jasmine_core.model.jasmine import TASKS
from jasmine_core.model.posenet import PoseNet
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.learner import freeze
from jasmine_core.train.split import split_samples
from jasmine_core.train.start import make_learner


def noise():
    return torch.Generator().manual_seed(3)


@pytest.fixture
def batch(jasmine_recipe):
    samples = split_samples(jasmine_recipe.data).training
    data = replace(jasmine_recipe.data, flip=0.0)
    return next(iter(Feed(Images(samples, data, (WIDTH, HEIGHT), seed=1), 2).batches(0, 1)))


def gradients(learner):
    return {n: p.grad.clone() for n, p in learner.named_parameters() if p.grad is not None}


def backward(learner, batch):
    learner.zero_grad()
    learner(batch, 0.9, noise()).total.backward()
    return gradients(learner)


def test_both_tasks_in_one_batch_are_two_passes(jasmine_recipe, batch):
    """The depth task of one image does not affect the reconstruction of another."""
    learner = make_learner(replace(jasmine_recipe, teacher="")).double()
    batch = double(batch)
    model = learner.model
    together = learner.model.denoise(
        torch.cat([model.encode(batch.image), model.encode(batch.auxiliary)]),
        [TASKS[0]] * 2 + [TASKS[1]] * 2,
    )
    apart = [
        model.denoise(model.encode(images), task)
        for images, task in zip((batch.image, batch.auxiliary), TASKS, strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(apart))
    assert not torch.allclose(apart[1], model.denoise(model.encode(batch.auxiliary), TASKS[0]))

    # And so their gradients add up.
    whole = backward(learner, batch)
    learner.rebuild = False
    depth = backward(learner, batch)
    learner.zero_grad()
    rebuilt = model.reconstruct(batch.auxiliary)
    reconstruction_loss(batch.auxiliary, rebuilt).backward()
    surrogate = gradients(learner)
    for name, gradient in whole.items():
        parts = [g[name] for g in (depth, surrogate) if name in g]
        torch.testing.assert_close(gradient, sum(parts), rtol=1e-6, atol=1e-9)


def test_gradient_checkpointing_keeps_the_gradients(jasmine_recipe, batch):
    recipe = replace(jasmine_recipe, teacher="")
    plain = make_learner(recipe).double()
    frugal = make_learner(replace(recipe, gradient_checkpointing=True)).double()
    everything = jasmine_recipe.phases[0].train
    freeze(plain, everything)
    freeze(frugal, everything)
    wide = double(batch)
    a, b = backward(plain, wide), backward(frugal, wide)
    assert a.keys() == b.keys()
    assert any(name.startswith("model.unet") for name in a)
    for name, gradient in a.items():
        torch.testing.assert_close(gradient, b[name], rtol=1e-9, atol=1e-12)


def test_only_what_a_phase_names_learns(jasmine_recipe, batch):
    learner = make_learner(jasmine_recipe)
    whole = freeze(learner, ("unet", "ssg", "posenet"))
    assert {id(p) for p in whole} == {
        id(p) for name, part in learner.parts().items() for p in part.parameters() if name != "vae"
    }
    assert not any(p.requires_grad for p in learner.model.vae.parameters())
    freeze(learner, ("unet",))
    moved = backward(learner, batch)
    assert moved
    assert all(name.startswith("model.unet.") for name in moved), "through the frozen decoder"
    assert [part.training for part in learner.parts().values()] == [False, True, False, False]


def test_without_the_gru_the_first_map_is_the_depth(jasmine_recipe, batch):
    learner = make_learner(replace(jasmine_recipe, refine=False))
    output = learner.model.predict_depth(batch.image)
    assert torch.equal(output.depth, 3 * output.ssi)
    moved = backward(learner, batch)
    assert not any(name.startswith("model.ssg.") for name in moved)
    assert any(name.startswith("model.unet.") for name in moved)


def test_a_learner_without_the_gru_stays_without_it(jasmine_recipe, batch, tmp_path):
    learner = make_learner(replace(jasmine_recipe, refine=False))
    learner.save(tmp_path / "saved", metric=False, size=(WIDTH, HEIGHT), description="")
    model = JasmineModel.from_pretrained(tmp_path / "saved")
    assert torch.equal(model.predict_depth(batch.image).depth, learner.depth(batch.image))


# ---------------------------------------------------------------------- teacher and scale


def test_the_teacher_s_depth_is_in_units_of_the_student(jasmine_recipe, nets, checkpoint, tmp_path):
    teacher = DisparityNet.from_pretrained(nets / "teacher")  # one unit is 24 m
    image = torch.rand(1, 3, HEIGHT, WIDTH, generator=noise())
    unit = teacher.depth(image)
    known = JasmineModel.from_pretrained(checkpoint)
    known.config = replace(known.config, metres_per_unit=12.0)
    known.save_pretrained(tmp_path / "known")

    def taught(start):
        learner = make_learner(replace(jasmine_recipe, start=str(start)))
        batch = type("B", (), {"image": image})
        return learner, learner._teach(batch)

    learner, depth = taught(checkpoint)
    assert float(learner.metres_per_unit) == 24.0
    torch.testing.assert_close(depth, unit.clamp(max=3))
    learner, depth = taught(tmp_path / "known")
    assert float(learner.metres_per_unit) == 12.0
    torch.testing.assert_close(depth, (2 * unit).clamp(max=3))


def test_where_a_scale_comes_from(jasmine_recipe, disparity_recipe, nets):
    def scale(recipe):
        learner = make_learner(recipe)
        known = learner.scale_is_known
        assert known is bool(learner.metres_per_unit.isfinite()), "else it is to be measured"
        return float(learner.metres_per_unit) if known else None

    assert scale(disparity_recipe) is None
    assert scale(replace(disparity_recipe, start=str(nets / "teacher"))) == 24.0
    assert scale(jasmine_recipe) == 24.0
    assert scale(replace(jasmine_recipe, teacher="")) is None
    assert scale(replace(jasmine_recipe, teacher=str(nets / "disparity"))) is None


@pytest.mark.parametrize("metric", [False, True])
def test_a_scale_that_rendered_scenes_teach_is_saved_as_an_estimate(
    jasmine_recipe, metric, tmp_path
):
    data = replace(jasmine_recipe.data, metres_per_unit=30.0)
    learner = make_learner(replace(jasmine_recipe, teacher="dataset", data=data))
    learner.save(tmp_path / "a", metric=metric, size=(WIDTH, HEIGHT), description="")
    config = JasmineModel.from_pretrained(tmp_path / "a").config
    # Odometry confirms the scale; without it nothing is known of how far it is off.
    assert (config.metres_per_unit, config.scale_spread) == (30.0, None if metric else 1.0)


def test_without_a_measured_scale_there_is_no_velocity_term(jasmine_recipe, nets, batch):
    loss = LossConfig(velocity_start=0.0)
    recipe = replace(jasmine_recipe, teacher=str(nets / "disparity"), loss=loss)
    learner = make_learner(recipe)
    assert "velocity" not in learner(batch, 0.9, noise()).terms
    learner.metres_per_unit.fill_(25.0)
    result = learner(batch, 0.9, noise())
    assert "velocity" in result.terms
    assert result.total.isfinite()


def test_prepared_maps_teach_where_they_know(jasmine_recipe, batch):
    recipe = replace(jasmine_recipe, teacher="dataset")
    learner = make_learner(recipe)
    batch.teacher[:, :, : HEIGHT // 2] = 50.0  # far beyond the range of the student
    result = learner(batch, 0.0, noise())
    assert result.maps["trusted"][:, :, : HEIGHT // 2].all()
    assert not result.maps["trusted"][:, :, HEIGHT // 2 :].any()
    assert float(learner._teach(batch).max()) == 3.0
    assert (
        "teacher_depth" not in make_learner(replace(recipe, teacher=""))(batch, 0.0, noise()).terms
    ), "maps that nobody asked for"


# ---------------------------------------------------------------------- starting


def test_fresh_encoders_start_from_imagenet(disparity_recipe, tmp_path):
    encoder = DisparityNet(DisparityConfig()).encoder
    file = tmp_path / "resnet18.safetensors"
    save_file({k: v.contiguous() for k, v in encoder.state_dict().items()}, file)
    recipe = replace(disparity_recipe, start="resnet18", posenet="resnet18", imagenet=str(file))
    learner = make_learner(recipe)
    assert torch.equal(learner.net.encoder.conv1.weight, encoder.conv1.weight)
    pair = learner.posenet.encoder.conv1.weight
    torch.testing.assert_close(pair, torch.cat([encoder.conv1.weight] * 2, dim=1) / 2)
    with pytest.raises(CheckpointError, match="nowhere"):
        make_learner(replace(recipe, imagenet=str(tmp_path / "nowhere.safetensors")))


def test_equal_recipes_make_equal_learners(disparity_recipe):
    fresh = replace(disparity_recipe, start="small", posenet="small")
    a, b = make_learner(fresh).state_dict(), make_learner(fresh).state_dict()
    assert all(torch.equal(a[k], b[k]) for k in a if k != "metres_per_unit")
    other = make_learner(replace(fresh, seed=1)).state_dict()
    assert any(not torch.equal(a[k], other[k]) for k in a)


def test_the_teacher_is_neither_saved_nor_trained(jasmine_recipe, tmp_path):
    learner = make_learner(jasmine_recipe)
    names = [n for n, _ in learner.named_parameters()]
    assert not any("teacher" in name for name in names)
    learner.save(tmp_path / "a", metric=True, size=(WIDTH, HEIGHT), description="told")
    assert PoseNet.from_pretrained(tmp_path / "a" / "posenet").config.encoder == SMALLEST
    config = JasmineModel.from_pretrained(tmp_path / "a").config
    assert (config.metres_per_unit, config.description) == (24.0, "told")


def double(batch):
    return type(batch)(
        **{k: v.double() if v.is_floating_point() else v for k, v in vars(batch).items()}
    )


def test_a_checkpoints_own_pose_net_comes_with_it(jasmine_recipe, nets, tmp_path):
    """Its depth and motion share a unit whose metres are unknown."""
    first = make_learner(replace(jasmine_recipe, teacher=""))
    first.save(tmp_path / "saved", metric=False, size=(WIDTH, HEIGHT), description="")
    own = replace(jasmine_recipe, teacher="", start=str(tmp_path / "saved"), posenet="own")
    learner = make_learner(own)
    assert learner.metres_per_unit.isnan()
    assert same(dict(learner.posenet.state_dict()), dict(first.posenet.state_dict()))
