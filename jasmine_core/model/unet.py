# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jasmine's changes to Stable Diffusion's U-Net: eight input channels and a task switch."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

TASK_INPUTS = 4  # [sin o_1, sin o_2, cos o_1, cos o_2] of a one-hot o


def task_vector(one_hot: tuple[int, int]) -> Tensor:
    """Encode a one-hot task choice o as [sin o, cos o], [4] (paper §3.2)."""
    o = torch.tensor(one_hot, dtype=torch.float32)
    return torch.cat([torch.sin(o), torch.cos(o)])


def widen_input(unet: UNet2DConditionModel) -> None:
    """Widen the input of a U-Net from 4 to 8 channels in place: image latent, noise latent.

    Both halves receive the pretrained kernel divided by two, and so is the bias, so that two equal
    latents give the pretrained output.
    """
    old = unet.conv_in
    if old.in_channels != 4:
        raise ValueError(f"conv_in has {old.in_channels} channels; only a 4-channel one is widened")
    new = nn.Conv2d(8, old.out_channels, old.kernel_size, old.stride, old.padding)
    with torch.no_grad():
        new.weight.copy_(torch.cat([old.weight, old.weight], dim=1) / 2)
        new.bias = nn.Parameter(old.bias / 2)
    unet.conv_in = new.to(old.weight)
    unet.register_to_config(in_channels=8)


def with_task_switch(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Return the same U-Net with a freshly initialised class embedding of four inputs.

    The embedding is added to the time embedding: Linear(4 -> E), SiLU, Linear(E -> E).
    """
    # diffusers forgets every value that it lists as a default, also one that is replaced here.
    own = {key: value for key, value in unet.config.items() if key != "_use_default_values"}
    config = own | {
        "class_embed_type": "projection",
        "projection_class_embeddings_input_dim": TASK_INPUTS,
    }
    switched = UNet2DConditionModel.from_config(config)
    fresh = switched.state_dict()
    fresh.update(unet.state_dict())
    switched.load_state_dict(fresh)
    return switched
