# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Changes to Stable Diffusion's U-Net: eight input channels and a task switch."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import UNet2DConditionModel

from jasmine_core.model.unet import task_vector, widen_input, with_task_switch


@pytest.fixture
def unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=(1, 2),
        norm_num_groups=4,
    ).eval()


def test_task_vectors_are_sines_then_cosines():
    one = [math.sin(1), 0, math.cos(1), 1]
    torch.testing.assert_close(task_vector((1, 0)), torch.tensor(one))
    torch.testing.assert_close(task_vector((0, 1)), torch.tensor([one[i] for i in (1, 0, 3, 2)]))
    torch.testing.assert_close(
        task_vector((1, 0)), torch.tensor([0.8414710, 0, 0.5403023, 1]), rtol=0, atol=1e-6
    )


@torch.no_grad()
def test_widened_input_halves_the_pretrained_output(unet):
    weight, bias = unet.conv_in.weight.clone(), unet.conv_in.bias.clone()
    latent = torch.randn(2, 4, 8, 8)
    before = unet.conv_in(latent)

    widen_input(unet)
    assert unet.config.in_channels == 8 and unet.conv_in.in_channels == 8
    for half in unet.conv_in.weight.chunk(2, dim=1):
        torch.testing.assert_close(half, weight / 2)
    torch.testing.assert_close(unet.conv_in.bias, bias / 2)

    alone = unet.conv_in(torch.cat([latent, torch.zeros_like(latent)], dim=1))
    torch.testing.assert_close(alone, before / 2)
    twice = unet.conv_in(torch.cat([latent, latent], dim=1))
    torch.testing.assert_close(twice, before - bias[None, :, None, None] / 2)


def test_widened_input_has_gradients(unet):
    widen_input(unet)
    assert unet.conv_in.weight.requires_grad and unet.conv_in.bias.requires_grad
    assert with_task_switch(unet).conv_in.in_channels == 8


def test_only_four_channels_are_widened(unet):
    widen_input(unet)
    with pytest.raises(ValueError, match="8 channels"):
        widen_input(unet)


@torch.no_grad()
def test_task_switch_is_added_to_the_time_embedding(unet):
    switched = with_task_switch(unet).eval()
    fresh = {k for k in switched.state_dict() if k not in unet.state_dict()}
    width = 4 * 8  # of the time embedding
    assert {k: tuple(switched.state_dict()[k].shape) for k in fresh} == {
        "class_embedding.linear_1.weight": (width, 4),
        "class_embedding.linear_1.bias": (width,),
        "class_embedding.linear_2.weight": (width, width),
        "class_embedding.linear_2.bias": (width,),
    }
    for name, tensor in unet.state_dict().items():
        torch.testing.assert_close(switched.state_dict()[name], tensor, rtol=0, atol=0)

    latent, text = torch.randn(1, 4, 8, 8), torch.randn(1, 2, 8)
    plain = unet(latent, 999, text).sample
    depth, rebuild = (
        switched(latent, 999, text, class_labels=task_vector(o)[None]).sample
        for o in ((1, 0), (0, 1))
    )
    assert (depth - rebuild).abs().max() > 1e-4
    # It is added, so that an embedding of zero does not change the pretrained output.
    switched.class_embedding.linear_2.weight.zero_()
    switched.class_embedding.linear_2.bias.zero_()
    silent = switched(latent, 999, text, class_labels=task_vector((1, 0))[None]).sample
    torch.testing.assert_close(silent, plain)
