# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jasmine model: encode, denoise once, decode, refine (paper Fig. 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.limits import expect_image_size, expect_scale
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model.adapter import Features, ImageAdapter
from jasmine_core.model.depth_code import FARTHEST, NEAREST, DepthCode
from jasmine_core.model.ssg import ScaleShiftGRU
from jasmine_core.model.unet import task_vector

Task = Literal["depth", "reconstruct"]
TASKS: tuple[Task, ...] = ("depth", "reconstruct")


@dataclass(frozen=True)
class JasmineConfig:
    """Settings of a model beside its weights; saved as `jasmine.json` in a checkpoint folder."""

    height: int = 320  # [px] size of the images it was trained on
    width: int = 1024
    timestep: int = 999
    task_depth: tuple[int, int] = (1, 0)  # one-hot; the authors' weights have (0, 1)
    task_reconstruct: tuple[int, int] = (0, 1)
    metres_per_unit: float | None = None  # scale of the depths; None: up-to-scale
    scale_spread: float | None = None  # relative, of a learned scale; None: a measured scale
    ssi_space: str = "depth"  # what the decoder's map in [0,1] means; see `depth_code`
    nearest: float = NEAREST  # model units; the range of log_depth and disparity
    farthest: float = FARTHEST
    canonical_focal: float | None = None  # [px] depths are those of a camera of this f_x; None: any
    description: str = ""  # where the weights come from, shown to the user
    untrained: bool = False  # the weights have not learned depth yet

    def __post_init__(self) -> None:
        DepthCode(self.ssi_space, self.nearest, self.farthest)  # refuses what cannot be
        expect_image_size(self.width, self.height)
        for name in ("metres_per_unit", "scale_spread", "nearest", "farthest"):
            expect_scale(name, getattr(self, name))
        if self.canonical_focal is not None and not 0 < self.canonical_focal < math.inf:
            raise ConfigError(f"canonical_focal is {self.canonical_focal}; it is a length in px")


@dataclass
class DepthOutput:
    """All outputs of one depth pass."""

    image_latent: Tensor  # [B,4,h,w] scaled mean latent of the image
    v: Tensor  # [B,4,h,w] v-prediction of the U-Net
    decoded: Tensor  # [B,3,H,W] not clamped
    ssi: Tensor  # [B,1,H,W] in [0,1], larger is farther
    depths: list[Tensor]  # [B,1,H,W] after each SSG iteration, model units in [0, depth_max]

    @property
    def depth(self) -> Tensor:
        """Return the scale-invariant depth, [B,1,H,W] in model units."""
        return self.depths[-1]


class JasmineModel(nn.Module):
    """Model that predicts depth or rebuilds the image with one U-Net and a task switch."""

    text_embedding: Tensor
    tasks: Tensor

    def __init__(
        self,
        config: JasmineConfig,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        ssg: ScaleShiftGRU,
        scheduler: DDIMScheduler,
        text_embedding: Tensor,  # [1,T,C] of the empty prompt
        adapter: ImageAdapter | None = None,
    ) -> None:
        super().__init__()
        width = unet.config.cross_attention_dim
        if text_embedding.ndim != 3 or text_embedding.shape[::2] != (1, width):
            raise CheckpointError(
                f"the text embedding has shape {list(text_embedding.shape)}, the U-Net needs "
                f"[1, T, {width}]; it belongs to another model"
            )
        self.config = config
        self.scheduler = scheduler
        self.v_to_x0 = _v_to_x0(scheduler, config.timestep)
        self.unet = unet
        self.vae = vae.requires_grad_(False)  # frozen; gradients still flow through the decoder
        self.ssg = ssg
        self.adapter = adapter
        _check_channels(unet, vae, ssg, adapter)
        self.register_buffer("text_embedding", text_embedding, persistent=False)
        tasks = [task_vector(config.task_depth), task_vector(config.task_reconstruct)]
        self.register_buffer("tasks", torch.stack(tasks), persistent=False)  # [2,4]

    # ------------------------------------------------------------------ the two tasks

    def predict_depth(self, image: Tensor) -> DepthOutput:
        """Predict depth for images [B,3,H,W] in [0,1]; sides in multiples of `latent_scale`."""
        image_latent = self.encode(image)
        v = self.denoise(image_latent, "depth", self.adapt(image))
        decoded = self.decode(v)
        ssi, *depths = self.refine(image_latent, decoded)
        return DepthOutput(image_latent, v, decoded, ssi, depths)

    def reconstruct(self, image: Tensor) -> Tensor:
        """Rebuild images [B,3,H,W] in [0,1]; not clamped, so that a loss keeps its gradient."""
        decoded = self.decode(self.denoise(self.encode(image), "reconstruct", self.adapt(image)))
        return (decoded + 1) / 2

    def forward(self, image: Tensor) -> DepthOutput:
        """Predict depth; see `predict_depth`."""
        return self.predict_depth(image)

    # ------------------------------------------------------------------ its stages

    def encode(self, image: Tensor) -> Tensor:
        """Return the scaled mean latent [B,4,H/8,W/8] of images [B,3,H,W] in [0,1]."""
        height, width = image.shape[-2:]
        if height % self.latent_scale or width % self.latent_scale:
            raise ValueError(
                f"image is {width}x{height} px; both sides must be multiples of "
                f"{self.latent_scale} (resize it with jasmine_core.geometry.camera)"
            )
        latent: Tensor = self.vae.encode(2 * image - 1).latent_dist.mean
        return latent * float(self.vae.config.scaling_factor)

    def adapt(self, image: Tensor) -> Features | None:
        """Return the adapter's features of images [B,3,H,W] in [0,1]; None without an adapter."""
        return None if self.adapter is None else self.adapter(image)

    def denoise(
        self, image_latent: Tensor, task: Task | Sequence[Task], features: Features | None = None
    ) -> Tensor:
        """Return the U-Net's v [B,4,h,w] for an image beside an all-zero noise latent.

        `task` is one for all images, or one for each; `features` are those of `adapt`.
        """
        batch = image_latent.shape[0]
        labels = None
        if self.unet.class_embedding is not None:  # absent in some released weights: one task only
            chosen = [task] * batch if isinstance(task, str) else task
            labels = self.tasks[[TASKS.index(t) for t in chosen]].to(image_latent.dtype)  # [B,4]
        inputs = [image_latent, torch.zeros_like(image_latent)]  # [B,8,h,w]
        residuals = None
        if features is not None:
            inputs.append(features.beside)
            residuals = list(features.residuals)  # diffusers empties the list
        v: Tensor = self.unet(
            torch.cat(inputs, dim=1),
            self.config.timestep,
            self.text_embedding.expand(batch, -1, -1).to(image_latent.dtype),
            class_labels=labels,
            down_intrablock_additional_residuals=residuals,
        ).sample
        return v

    def decode(self, v: Tensor) -> Tensor:
        """Return the decoded image [B,3,H,W], nominally in [-1,1], of a v-prediction."""
        x0 = self.v_to_x0 * v
        decoded: Tensor = self.vae.decode(x0 / self.vae.config.scaling_factor).sample
        return decoded

    def refine(self, image_latent: Tensor, decoded: Tensor) -> list[Tensor]:
        """Return [D_SSI in [0,1], D_1, ..., D_SI in model units], each [B,1,H,W]."""
        ssi, *depths = self.ssg(image_latent, decoded)
        # Where codes are absolute, the GRU's scale, shift and residual are those of the code.
        return (
            [ssi, *(self.code.decode(d) for d in depths)] if self.code.absolute else [ssi, *depths]
        )

    @property
    def code(self) -> DepthCode:
        """Return the depth code of the decoder's map in [0,1]."""
        return DepthCode(self.config.ssi_space, self.config.nearest, self.config.farthest)

    @property
    def depth_range(self) -> tuple[float, float]:
        """Return the least and the largest depth that can be predicted [units]."""
        if self.code.absolute:
            return self.code.near, self.code.far
        return 0.0, self.ssg.config.depth_max

    @property
    def latent_scale(self) -> int:
        """Return the image pixels per latent pixel along one side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def multiple(self) -> int:
        """Return the number [px] that both sides of an image must be multiples of."""
        return int(self.latent_scale * 2 ** (len(self.unet.config.block_out_channels) - 1))

    # ------------------------------------------------------------------ folders

    def save_pretrained(self, path: str | Path) -> None:
        """Write a checkpoint folder; it appears whole or not at all."""
        from jasmine_core.model.checkpoint import save_checkpoint

        save_checkpoint(self, Path(path))

    @classmethod
    def from_pretrained(
        cls, path: str | Path | Checkpoint, dtype: torch.dtype = torch.float32
    ) -> JasmineModel:
        """Read a checkpoint folder; raise CheckpointError for anything missing or misshapen."""
        from jasmine_core.model.checkpoint import load_checkpoint

        return load_checkpoint(Checkpoint.resolve(path)).to(dtype)

    @classmethod
    def from_preset(cls, name: str, seed: int = 0) -> JasmineModel:
        """Build an untrained model of a preset, "tiny" or "sd2", with seeded random weights."""
        from jasmine_core.model.presets import build_preset

        return build_preset(name, seed)


def _check_channels(
    unet: UNet2DConditionModel, vae: AutoencoderKL, ssg: ScaleShiftGRU, adapter: ImageAdapter | None
) -> None:
    """Raise CheckpointError if the parts belong to different models."""
    latents = vae.config.latent_channels
    beside = adapter.config.beside if adapter else 0
    widths = tuple(unet.config.block_out_channels)
    if adapter and adapter.config.residuals != widths:
        raise CheckpointError(
            f"the adapter adds {adapter.config.residuals} channels to down blocks of {widths}; it "
            "belongs to another model"
        )
    wanted = (2 * latents + beside, latents, latents)
    found = unet.config.in_channels, unet.config.out_channels, ssg.config.latent_channels
    if found != wanted:
        raise CheckpointError(
            f"U-Net and Scale-Shift GRU have {found} channels at their ends, the VAE's {latents} "
            f"latent channels and the adapter's {beside} need {wanted}; they are of different "
            f"models{'' if adapter else ', or the folder adapter is missing'}; copy the whole "
            "checkpoint again"
        )


def _v_to_x0(scheduler: DDIMScheduler, timestep: int) -> float:
    """Return the factor between v and x_0 = sqrt(ab) x_t - sqrt(1 - ab) v for an all-zero x_t."""
    config = scheduler.config
    if config.prediction_type != "v_prediction" or config.clip_sample or config.thresholding:
        raise CheckpointError(
            f"the scheduler predicts {config.prediction_type!r} (clip_sample {config.clip_sample}, "
            f"thresholding {config.thresholding}); Jasmine needs a plain v_prediction model, "
            "such as stable-diffusion-2 (768-v)"
        )
    if not 0 <= timestep < len(scheduler.alphas_cumprod):
        raise CheckpointError(
            f"timestep {timestep} is not one of the scheduler's {len(scheduler.alphas_cumprod)}; "
            "jasmine.json and scheduler/ belong to different models"
        )
    return -math.sqrt(1 - float(scheduler.alphas_cumprod[timestep]))
