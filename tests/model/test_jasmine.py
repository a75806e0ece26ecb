# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jasmine model: its stages, its two tasks, its gradients, its presets."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from jasmine_core import JasmineModel
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model import presets
from jasmine_core.model.jasmine import DepthOutput
from jasmine_core.model.ssg import SSGConfig

LATENT_FACTOR = 0.18215  # Stable Diffusion's
X0 = -0.9976672  # x_0 of v where x_t is zero, at t = 999 of Stable Diffusion 2's noise schedule


@pytest.fixture(scope="module")
def model(make_model) -> JasmineModel:
    return make_model()


def images(batch: int = 2, height: int = 64, width: int = 64, seed: int = 0) -> torch.Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


# ---------------------------------------------------------------------------- its stages


@torch.no_grad()
def test_depth_is_encode_denoise_once_decode_refine(model):
    image = images()
    moments = model.vae.quant_conv(model.vae.encoder(2 * image - 1))  # mean and log variance
    latent = LATENT_FACTOR * moments[:, :4]
    labels = torch.tensor([[math.sin(1), 0, math.cos(1), 1]]).expand(2, -1)  # depth is [1,0]
    v = model.unet(
        torch.cat([latent, torch.zeros(2, 4, 8, 8)], dim=1),
        torch.tensor(999),
        model.text_embedding.repeat(2, 1, 1),
        class_labels=labels,
    ).sample
    decoded = model.vae.decoder(model.vae.post_quant_conv(X0 * v / LATENT_FACTOR))

    output = model.predict_depth(image)
    assert isinstance(output, DepthOutput)
    torch.testing.assert_close(output.image_latent, latent)
    torch.testing.assert_close(output.v, v)
    torch.testing.assert_close(output.decoded, decoded, rtol=0, atol=1e-4)
    ssi, *depths = model.ssg(latent, decoded)
    torch.testing.assert_close(output.ssi, ssi, rtol=0, atol=1e-4)
    assert len(output.depths) == len(depths) == 2
    for ours, theirs in zip(output.depths, depths, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    assert output.depth is output.depths[-1]
    assert output.depth.shape == output.ssi.shape == (2, 1, 64, 64)


def test_factor_from_v_to_x0(model):
    assert model.v_to_x0 == pytest.approx(X0, abs=1e-7)
    assert model.v_to_x0 / LATENT_FACTOR == pytest.approx(-5.4771739, abs=1e-6)
    # It is what the scheduler itself predicts from a zero latent.
    v = torch.randn(1, 4, 2, 2)
    step = DDIMScheduler.from_config(model.scheduler.config)
    step.set_timesteps(1)
    assert step.timesteps.tolist() == [999]
    x0 = step.step(v, 999, torch.zeros_like(v)).pred_original_sample
    torch.testing.assert_close(x0, model.v_to_x0 * v)


@torch.no_grad()
def test_noise_latent_is_zero(make_model):
    model, image = make_model(), images()
    before = model.predict_depth(image)
    model.unet.conv_in.weight[:, 4:] = 7
    torch.testing.assert_close(model.predict_depth(image).v, before.v, rtol=0, atol=0)
    model.unet.conv_in.weight[:, :4] *= 2
    assert (model.predict_depth(image).v - before.v).abs().max() > 1e-3


@torch.no_grad()
def test_depth_depends_only_on_the_image(model):
    image = images(batch=3)
    first, again = model.predict_depth(image), model(image)
    torch.testing.assert_close(first.depth, again.depth, rtol=0, atol=0)
    alone = model.predict_depth(image[1:2])
    torch.testing.assert_close(alone.decoded[0], first.decoded[1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(alone.depth[0], first.depth[1], rtol=1e-4, atol=1e-4)
    assert (first.v[0] - first.v[1]).abs().max() > 1e-3


@torch.no_grad()
def test_tasks_differ_only_by_their_vectors(make_model):
    model, image = make_model(), images()
    depth_image = (model.predict_depth(image).decoded + 1) / 2
    rebuilt = model.reconstruct(image)
    assert rebuilt.shape == image.shape
    assert (rebuilt - depth_image).abs().max() > 1e-4
    swapped = make_model(task_depth=(0, 1), task_reconstruct=(1, 0))
    torch.testing.assert_close(swapped.reconstruct(image), depth_image)
    torch.testing.assert_close((swapped.predict_depth(image).decoded + 1) / 2, rebuilt)


@pytest.mark.parametrize(("width", "height"), [(65, 64), (64, 60), (8, 1)])
def test_sides_that_the_vae_cannot_halve_are_named(model, width, height):
    with pytest.raises(ValueError, match=rf"{width}x{height} px.*multiples of 8"):
        model.predict_depth(torch.zeros(1, 3, height, width))


@torch.no_grad()
@pytest.mark.parametrize(("width", "height"), [(8, 8), (72, 40), (128, 64)])
def test_every_multiple_of_the_latent_scale_is_accepted(model, width, height):
    output = model.predict_depth(images(1, height, width))
    assert output.depth.shape == (1, 1, height, width)
    assert output.image_latent.shape == output.v.shape == (1, 4, height // 8, width // 8)


@torch.no_grad()
def test_bfloat16_is_kept_in_all_stages(make_model):
    model, image = make_model(), images(1)
    expected = model.predict_depth(image)
    short = model.to(torch.bfloat16).predict_depth(image.to(torch.bfloat16))
    assert short.depth.dtype == short.v.dtype == torch.bfloat16
    torch.testing.assert_close(short.v.float(), expected.v, rtol=0.1, atol=0.1)


# ---------------------------------------------------------------------------- its gradients


@pytest.mark.parametrize("task", ["depth", "reconstruct"])
def test_gradient_passes_through_the_frozen_decoder(make_model, task):
    model = make_model().train()
    image = images(2, 128, 128)  # attention in the middle needs more than one token
    if task == "depth":
        output = model.predict_depth(image)
        loss = output.depth.square().mean() + output.ssi.square().mean()
    else:
        loss = (model.reconstruct(image) - image).square().mean()
    loss.backward()

    assert all(p.grad is None and not p.requires_grad for p in model.vae.parameters())
    silent = [
        name for name, p in model.unet.named_parameters() if p.grad is None or not p.grad.any()
    ]
    assert silent == []
    first, second = model.unet.conv_in.weight.grad.chunk(2, dim=1)
    assert first.any() and not second.any()  # weights of zero inputs have no gradient
    assert all((p.grad is not None) == (task == "depth") for p in model.ssg.parameters())


def test_state_dict_has_no_buffers_and_the_unet_has_gradients(model):
    state = model.state_dict()
    assert {name.split(".")[0] for name in state} == {"unet", "vae", "ssg"}
    assert model.unet.conv_in.weight.requires_grad


# ---------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    "change",
    [{"prediction_type": "epsilon"}, {"clip_sample": True}, {"thresholding": True}],
    ids=lambda change: next(iter(change)),
)
def test_other_schedulers_are_refused(model, change):
    scheduler = DDIMScheduler(**(presets.SCHEDULER | change))
    with pytest.raises(CheckpointError, match="v_prediction"):
        JasmineModel(
            model.config, model.unet, model.vae, model.ssg, scheduler, model.text_embedding
        )


@pytest.mark.parametrize("shape", [(1, 2, 17), (2, 16), (2, 2, 16)])
def test_text_embedding_of_another_width_is_refused(model, shape):
    with pytest.raises(CheckpointError, match=r"\[1, T, 16\]"):
        JasmineModel(
            model.config, model.unet, model.vae, model.ssg, model.scheduler, torch.zeros(shape)
        )


# ---------------------------------------------------------------------------- its presets


def test_tiny_depends_only_on_the_seed_and_keeps_the_generator_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (JasmineModel.from_preset("tiny", seed=s).state_dict() for s in (1, 1, 2))
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    assert all(torch.equal(one[name], same[name]) for name in one)
    changed = [name for name in one if not torch.equal(one[name], other[name])]
    assert "unet.conv_in.weight" in changed and "ssg.ss_head.scale_query" in changed
    text = [JasmineModel.from_preset("tiny", seed=s).text_embedding for s in (1, 1, 2)]
    assert torch.equal(text[0], text[1]) and not torch.equal(text[0], text[2])


def test_tiny_has_the_layer_types_of_sd2():
    with torch.device("meta"):
        kinds = [
            {type(m) for m in UNet2DConditionModel(**(presets._UNET | sizes["unet"])).modules()}
            for sizes in presets.PRESETS.values()
        ]
    assert kinds[0] == kinds[1]


def test_size_of_stable_diffusion_2():
    sizes = presets.PRESETS["sd2"]
    with torch.device("meta"):  # shapes only: the real thing takes 3.8 GB
        unet = UNet2DConditionModel(**(presets._UNET | sizes["unet"]))
        vae = AutoencoderKL(**presets.VAE, **sizes["vae"])
    switch = sum(p.numel() for p in unet.class_embedding.parameters())
    assert switch == (4 + 1) * 1280 + (1280 + 1) * 1280
    wider = 4 * 9 * 320  # conv_in's second half
    assert sum(p.numel() for p in unet.parameters()) - switch - wider == 865_910_724
    assert sum(p.numel() for p in vae.parameters()) == 83_653_863
    assert sizes["jasmine"] == {"height": 320, "width": 1024}
    assert SSGConfig(**sizes["ssg"]) == SSGConfig()


def test_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"'huge' is not one of sd2, tiny"):
        JasmineModel.from_preset("huge")
