# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Untrained models of named sizes, with the same kinds of layers and different widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from jasmine_core.errors import ConfigError
from jasmine_core.model.adapter import AdapterConfig, ImageAdapter
from jasmine_core.model.jasmine import JasmineConfig, JasmineModel
from jasmine_core.model.ssg import ScaleShiftGRU, SSGConfig
from jasmine_core.model.unet import TASK_INPUTS

_UNET: dict[str, Any] = {
    "in_channels": 8,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "use_linear_projection": True,
    "class_embed_type": "projection",
    "projection_class_embeddings_input_dim": TASK_INPUTS,
}
VAE: dict[str, Any] = {
    "latent_channels": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
_SMALL_VAE: dict[str, Any] = {  # a quarter of the size, where Stable Diffusion's has an eighth
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "scaling_factor": 1.0,  # the VAE is trained to give latents of about 1
}

SCHEDULER: dict[str, Any] = {  # Stable Diffusion 2's, for one step from the last timestep
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "sd2": {  # Stable Diffusion 2, 768-v
        "jasmine": {"height": 320, "width": 1024},
        "unet": {
            "block_out_channels": (320, 640, 1280, 1280),
            "layers_per_block": 2,
            "cross_attention_dim": 1024,
            "attention_head_dim": (5, 10, 20, 20),
            "sample_size": 96,
        },
        "vae": {
            "block_out_channels": (128, 256, 512, 512),
            "layers_per_block": 2,
            "sample_size": 768,
        },
        "ssg": {"hidden_dim": 64},
    },
    "tiny": {  # runs on a laptop CPU; in half precision it has to fit into 16 MB
        "jasmine": {
            "height": 96,
            "width": 320,
            "ssi_space": "log_depth",
            "canonical_focal": 185.0,  # [px] about that of a driving camera at this width
        },
        "unet": {
            "in_channels": 32,  # image latent, noise latent, and what the adapter lays beside them
            "out_channels": 8,
            "block_out_channels": (32, 64, 96, 112),
            "down_block_types": ("DownBlock2D",) * 2 + ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D") + ("UpBlock2D",) * 2,
            "layers_per_block": 1,
            "cross_attention_dim": 64,
            "attention_head_dim": (2, 4, 6, 7),
            "norm_num_groups": 8,
            "sample_size": 80,
        },
        "vae": {
            **_SMALL_VAE,
            "block_out_channels": (8, 16, 32),
            "latent_channels": 8,
            "layers_per_block": 1,
            "norm_num_groups": 4,
            "mid_block_add_attention": False,
            "sample_size": 320,
        },
        "ssg": {
            "hidden_dim": 16,
            "latent_scale": 4,
            "latent_channels": 8,
            "link_mode": "mean",
            "shrink": 4,
            "depth_max": 1.0,
            "first_scale": 1.0,
        },
        "adapter": {"beside": 16, "residuals": (32, 64, 96, 112), "levels": (1, 2, 2, 3)},
    },
    "medium": {  # sd2's layers at a fifth of their width: seconds per frame on two CPU cores
        "jasmine": {"height": 192, "width": 640},
        "unet": {
            "block_out_channels": (64, 128, 256, 256),
            "layers_per_block": 2,
            "cross_attention_dim": 256,
            "attention_head_dim": (1, 2, 4, 4),
            "sample_size": 80,
        },
        "vae": {
            "block_out_channels": (32, 64, 128, 128),
            "layers_per_block": 2,
            "sample_size": 640,
        },
        "ssg": {"hidden_dim": 32},
    },
}


def build_preset(name: str, seed: int = 0) -> JasmineModel:
    """Build an untrained model of a preset; equal seeds give equal weights."""
    if name not in PRESETS:
        raise ConfigError(f"preset {name!r} is not one of {', '.join(PRESETS)}")
    return build_model(PRESETS[name], f"{name}, random weights, seed {seed}", seed)


def build_model(
    sizes: Mapping[str, Mapping[str, Any]], description: str, seed: int = 0
) -> JasmineModel:
    """Build an untrained model of given sizes in the layout of a preset."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(**{**_UNET, **sizes["unet"]})
        vae = AutoencoderKL(**{**VAE, **sizes["vae"]})
        ssg = ScaleShiftGRU(SSGConfig(**sizes["ssg"]))
        adapter = ImageAdapter(AdapterConfig(**sizes["adapter"])) if "adapter" in sizes else None
        text_embedding = torch.randn(1, 2, sizes["unet"]["cross_attention_dim"])
    config = JasmineConfig(**sizes["jasmine"], description=description, untrained=True)
    scheduler = DDIMScheduler(**SCHEDULER)
    return JasmineModel(config, unet, vae, ssg, scheduler, text_embedding, adapter).eval()
