# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jasmine as a function of the image alone, with all constants folded exactly.

encode   mean half of quant_conv and scale of the latent, folded into the encoder's last convolution
denoise  time, task, text and the zero latent (see `folded_unet`); v to x_0 and post_quant_conv
decode   the decoder without changes
refine   constant queries, context computed once (see `folded_ssg`)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jasmine_core.export.constant_folding import (
    before_affine,
    pixelwise,
    shared_copy,
    transpose_upsamplings,
)
from jasmine_core.export.folded_adapter import FoldedAdapter
from jasmine_core.export.folded_ssg import FoldedSSG
from jasmine_core.export.folded_unet import FoldedUNet, embed
from jasmine_core.model.depth_code import DepthCode
from jasmine_core.model.jasmine import TASKS, JasmineModel


class Encoder(nn.Module):
    """Encoder from images [B,3,H,W] in [0,1] to scaled mean latents [B,4,h,w]."""

    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, image: Tensor) -> Tensor:
        """Return the latents."""
        # The scaling from [0,1] to [-1,1] is not folded, because the encoder pads with zeros after
        # it, which are grey pixels.
        latent: Tensor = self.vae(2 * image - 1)
        return latent


class Inputs(nn.Module):
    """All inputs of the U-Net for an image: the latent, then the features of an adapter."""

    def __init__(self, encoder: Encoder, adapter: FoldedAdapter | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.adapter = adapter

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the latent and the features of images [B,3,H,W] in [0,1]."""
        return self.encoder(image), *(self.adapter(image) if self.adapter is not None else ())


class Decoder(nn.Module):
    """Decoder of the U-Net's output, with the refinement to depth."""

    def __init__(self, vae: nn.Module, ssg: FoldedSSG, code: DepthCode) -> None:
        super().__init__()
        self.vae = vae
        self.ssg = ssg
        self.code = code

    def forward(self, latent: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return D_SSI [B,1,H,W] and the depths [B,n,H,W] after each SSG iteration."""
        ssi, depths = self.ssg(latent, self.vae(v))
        return ssi, self.code.decode(depths) if self.code.absolute else depths


class SpecialisedJasmine(nn.Module):
    """Jasmine for the depth task, a function of images [B,3,H,W] in [0,1]."""

    def __init__(
        self,
        encoder: Encoder,
        unet: FoldedUNet,
        decoder: Decoder,
        adapter: FoldedAdapter | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.adapter = adapter
        self.unet = unet
        self.decoder = decoder

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return D_SSI [B,1,H,W] and the depths [B,n,H,W] after each SSG iteration."""
        latent, *features = self.inputs()(image)
        ssi, depths = self.decoder(latent, self.unet(latent, *features))
        return ssi, depths

    def inputs(self) -> Inputs:
        """Return the encoder and the adapter as one module."""
        return Inputs(self.encoder, self.adapter)


@torch.no_grad()
def specialise(model: JasmineModel, transposed: bool = False) -> SpecialisedJasmine:
    """Return a folded copy of a model for the depth task; it shares all unchanged weights.

    `transposed` also replaces every upsampling and the convolution after it by one transposed
    convolution. This needs fewer operations, but is not faster on every machine.
    """
    vae, latents = model.vae, model.vae.config.latent_channels
    scale = float(vae.config.scaling_factor)

    # 1. Encode: the mean half of quant_conv, times the latent's scale.
    encoder = shared_copy(vae.encoder)
    matrix, offset = pixelwise(vae.quant_conv, 2 * latents)
    mean = scale * matrix[:latents], scale * offset[:latents]
    encoder.conv_out = before_affine(encoder.conv_out, *mean)

    # 2. Denoise: from v to x_0, to the decoder's scale, through post_quant_conv.
    matrix, offset = pixelwise(vae.post_quant_conv, latents)
    affine = model.v_to_x0 / scale * matrix, offset
    embedding = embed(model.unet, model.config.timestep, model.tasks[TASKS.index("depth")])
    unet = FoldedUNet(model.unet, embedding, model.text_embedding, affine, transposed)

    # 3. Decode and refine.
    decoder = shared_copy(vae.decoder)
    if transposed:
        transpose_upsamplings(decoder)
    refined = Decoder(decoder, FoldedSSG(model.ssg), model.code)
    adapter = FoldedAdapter(model.adapter) if model.adapter else None
    return SpecialisedJasmine(Encoder(encoder), unet, refined, adapter).eval()
