# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""U-Net whose constant inputs are folded: time step, task, text and the all-zero noise latent."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.func import functional_call

from jasmine_core.export.constant_folding import (
    before_affine,
    convolution,
    linear,
    parameter,
    per_head,
    shared_copy,
    silu64,
    transpose_upsamplings,
)


class FoldedUNet(nn.Module):
    """Map an image latent [B,4,h,w] to the input of the decoder [B,4,h,w], in one step.

    `affine` (matrix [4,4], offset [4]) maps the U-Net's prediction v to the decoder's input.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        embedding: Tensor,  # [1,E] of time and task
        text: Tensor,  # [1,T,C]
        affine: tuple[Tensor, Tensor],
        transposed: bool = False,
    ) -> None:
        super().__init__()
        unet = shared_copy(unet)
        for module in unet.modules():
            if isinstance(module, ResnetBlock2D):
                _fold_embedding(module, embedding)
            elif isinstance(module, BasicTransformerBlock) and module.attn2 is not None:
                module.attn2 = fold_text(module.attn2, text)
        # The second half of the input is the noise latent: all zero.
        latents = unet.config.out_channels
        weight = unet.conv_in.weight
        inputs = torch.cat([weight[:, :latents], weight[:, 2 * latents :]], dim=1)
        self.conv_in = convolution(unet.conv_in, inputs, unet.conv_in.bias)
        self.down_blocks = unet.down_blocks
        self.mid_block = unet.mid_block
        self.up_blocks = unet.up_blocks
        self.norm_out = nn.Sequential(unet.conv_norm_out, unet.conv_act)
        self.conv_out = before_affine(unet.conv_out, *affine)
        if transposed:
            transpose_upsamplings(self)

    def forward(self, image_latent: Tensor, *features: Tensor) -> Tensor:
        """Return the decoder's input [B,4,h,w].

        `features` are those of an adapter: the map that is concatenated with the latent, then one
        residual for each block.
        """
        x = self.conv_in(torch.cat([image_latent, *features[:1]], dim=1))
        skips = [x]
        for i, block in enumerate(self.down_blocks):
            residual = features[1 + i] if features else None
            if residual is not None and hasattr(block, "attentions"):  # added before downsampling
                x, outputs = block(hidden_states=x, temb=None, additional_residuals=residual)
            else:
                x, outputs = block(hidden_states=x, temb=None)
                if residual is not None:
                    x = x + residual
                    outputs = (*outputs[:-1], x)  # diffusers adds in place, so to the skip as well
            skips += outputs
        x = self.mid_block(x)
        for block in self.up_blocks:
            count = len(block.resnets)
            skips, own = skips[:-count], tuple(skips[-count:])
            # A side that does not halve evenly needs the size of the next skip as upsampling size.
            target: Any = None
            if block.upsamplers is not None and skips:
                size = skips[-1].shape[-2:]
                target = None if size == (2 * x.shape[-2], 2 * x.shape[-1]) else size
            x = block(hidden_states=x, temb=None, res_hidden_states_tuple=own, upsample_size=target)
        z: Tensor = self.conv_out(self.norm_out(x))
        return z


def embed(unet: UNet2DConditionModel, timestep: int, task: Tensor) -> Tensor:
    """Return the embedding [1,E] of a time step and a task vector [4], in float64."""
    # float32, as in the U-Net. A half-precision U-Net rounds them once more; folding does not.
    frequencies = unet.time_proj(torch.tensor([timestep]))
    embedding = _in_double(unet.time_embedding, frequencies)
    if unet.class_embedding is not None:  # absent in some released weights
        embedding = embedding + _in_double(unet.class_embedding, task[None])
    return embedding


def _in_double(module: nn.Module, values: Tensor) -> Tensor:
    weights = {name: weight.double() for name, weight in module.named_parameters()}
    result: Tensor = functional_call(module, weights, (values.double(),))
    return result


def _fold_embedding(block: ResnetBlock2D, embedding: Tensor) -> None:
    """Add a residual block's projection of the embedding to the bias of its first convolution."""
    if block.time_emb_proj is None:
        return
    if block.time_embedding_norm != "default":
        raise ValueError(f"time_embedding_norm {block.time_embedding_norm!r} cannot be folded")
    projection, bias = block.time_emb_proj, block.conv1.bias
    assert bias is not None and projection.bias is not None
    projected = projection.weight.double() @ silu64(embedding[0]) + projection.bias.double()
    block.conv1.bias = parameter(bias.double() + projected, bias)
    block.time_emb_proj = None


# ---------------------------------------------------------------------- the constant text


def fold_text(attention: Attention, text: Tensor) -> nn.Module:
    """Return cross-attention to a constant text [1,T,C]; for T = 2 it has a closed form."""
    keys, values = (
        _heads(project.weight.double(), text[0].double(), attention.heads)
        for project in (attention.to_k, attention.to_v)
    )  # [heads,T,d] each
    keys = keys * attention.scale
    if text.shape[1] == 2:
        return _two_tokens(attention, keys, values)
    return ConstantTextAttention(attention, keys, values)


def _heads(weight: Tensor, text: Tensor, heads: int) -> Tensor:
    return per_head(text @ weight.T, 1, heads).transpose(0, 1)


def _two_tokens(attention: Attention, keys: Tensor, values: Tensor) -> TwoTokenAttention:
    query, out = attention.to_q.weight, attention.to_out[0]
    queries = per_head(query.double(), 0, attention.heads)  # [heads,d,C]
    score = torch.einsum("hd,hdc->hc", keys[:, 0] - keys[:, 1], queries)
    mix = per_head(out.weight.double(), 1, attention.heads)  # [C,heads,d]
    step = torch.einsum("chd,hd->ch", mix, values[:, 0] - values[:, 1])
    base = out.bias.double() + torch.einsum("chd,hd->c", mix, values[:, 1])
    return TwoTokenAttention(linear(score, None, query), linear(step, base, query))


class TwoTokenAttention(nn.Module):
    """Attention to two constant tokens, whose softmax is the sigmoid of the score difference.

    y = B sigmoid(A x) + b      with one row of A and one column of B per head
    """

    def __init__(self, score: nn.Linear, mix: nn.Linear) -> None:
        super().__init__()
        self.score = score
        self.mix = mix

    def forward(self, hidden_states: Tensor, **_: Any) -> Tensor:
        """Return the update [B,N,C] of tokens [B,N,C]."""
        update: Tensor = self.mix(torch.sigmoid(self.score(hidden_states)))
        return update


class ConstantTextAttention(nn.Module):
    """Attention to a constant text, with precomputed (scaled) keys and values."""

    keys: Tensor
    values: Tensor

    def __init__(self, attention: Attention, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        like = attention.to_q.weight
        self.heads = attention.heads
        self.to_q = attention.to_q
        self.to_out = attention.to_out[0]
        self.keys = parameter(keys.transpose(1, 2), like)  # [heads,d,T]
        self.values = parameter(values, like)  # [heads,T,d]

    def forward(self, hidden_states: Tensor, **_: Any) -> Tensor:
        """Return the update [B,N,C] of tokens [B,N,C]."""
        queries = per_head(self.to_q(hidden_states), 2, self.heads).transpose(1, 2)
        attended = torch.softmax(queries @ self.keys, dim=-1) @ self.values  # [B,heads,N,d]
        update: Tensor = self.to_out(attended.transpose(1, 2).flatten(2))
        return update
