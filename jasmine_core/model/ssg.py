# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scale-Shift GRU: from a scale-and-shift-invariant map to scale-invariant depth.

A convolutional GRU at full resolution, or at a part of it, run a fixed number of times (paper
§3.3). Each iteration rescales the whole map by two numbers that attention reads from the hidden
state, then adds a per-pixel residual:

    D_{k+1} = clamp(s_c D_k + s_h + DepthHead(h_{k+1}), 0, depth_max)        (Eq. 10)

Parameter names are those of the authors' released weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.model.convex_upsampling import ConvexUpsampling


@dataclass(frozen=True)
class SSGConfig:
    """Shape of a Scale-Shift GRU; saved beside its weights."""

    hidden_dim: int = 64  # channels of the hidden state; both encoders have half of them
    iterations: int = 2
    heads: int = 4  # of the scale-shift attention
    latent_channels: int = 4
    latent_scale: int = 8  # image pixels per latent pixel, a power of two
    depth_max: float = 3.0  # model units; about 90 m where one unit is 30 m
    link_mode: Literal["first", "mean"] = "first"  # decoder channel(s) that are the ssi map
    shrink: int = (
        1  # side of the pixels that share a hidden state, up to latent_scale; 1: the paper
    )
    first_scale: float = 0.541  # of the untrained s_c; the authors', 1 where codes are absolute


class ScaleShiftGRU(nn.Module):
    """Recurrent network that refines a decoded image to depth."""

    def __init__(self, config: SSGConfig) -> None:
        super().__init__()
        self.config = config
        hidden, half = config.hidden_dim, config.hidden_dim // 2
        self.project = nn.Conv2d(3, hidden, 1)
        self.depth_encoder = DepthEncoder(half)
        upsamplings = int(math.log2(config.latent_scale // config.shrink))
        self.context_encoder = ContextEncoder(config.latent_channels, half, upsamplings)
        self.d_head = DepthHead(hidden)
        for module in self.modules():  # before GRU and attention exist: those start differently
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                _zero_bias(module)
        self.gru = SeparableConvGRU(hidden)
        self.ss_head = ScaleShiftHead(hidden, config.heads, config.first_scale)
        if config.shrink > 1:
            self.upsampling = ConvexUpsampling(hidden, config.shrink)
            nn.init.zeros_(self.d_head.conv2.weight)  # no residual until it has learned one

    def forward(self, image_latent: Tensor, decoded: Tensor) -> list[Tensor]:
        """Return the maps [D_SSI, D_1, ..., D_SI], each [B,1,H,W].

        `image_latent` [B,4,H/8,W/8] is scaled as in the U-Net; `decoded` [B,3,H,W] is not
        clamped, so that the U-Net keeps its gradient. D_SSI lies in [0,1], the depths in [0,
        depth_max].
        """
        depth = self.linked(decoded).clamp(0, 1)  # [B,1,H,W]
        hidden = torch.tanh(self.project(self._shrunk(decoded)))  # [B,64,H,W] or smaller
        context = self.context_encoder(image_latent)  # [B,32,H,W]
        maps = [depth]
        if not self.config.iterations:  # no refinement (paper Table 3, row 3): the ssi map is all
            maps.append(depth * self.config.depth_max)
        for _ in range(self.config.iterations):
            scale, shift = self.ss_head(hidden)  # [B,1,1,1] each, from the state before its update
            depth = depth.detach() * scale + shift  # no gradient to the previous iteration
            inputs = torch.cat([self.depth_encoder(self._shrunk(depth)), context], dim=1)
            hidden = self.gru(hidden, inputs)  # [B,64,H,W]
            residual = self.d_head(hidden)
            if self.config.shrink > 1:
                residual = self.upsampling(residual, hidden)
            depth = (depth + residual).clamp(0, self.config.depth_max)
            maps.append(depth)
        return maps

    def _shrunk(self, values: Tensor) -> Tensor:
        shrink = self.config.shrink
        return F.avg_pool2d(values, shrink) if shrink > 1 else values

    def linked(self, decoded: Tensor) -> Tensor:
        """Return D_SSI [B,1,H,W] before it is clamped, so that it keeps its gradient."""
        first = self.config.link_mode == "first"
        return (decoded[:, :1] if first else decoded.mean(1, True)) / 2 + 0.5


class DepthEncoder(nn.Module):
    """Encoder of a depth map [B,1,H,W] to features [B,C,H,W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convd1 = nn.Conv2d(1, width, 7, padding=3)
        self.convd2 = nn.Conv2d(width, width, 3, padding=1)
        self.convd3 = nn.Conv2d(width, width, 3, padding=1)
        self.convd4 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, depth: Tensor) -> Tensor:
        """Return features [B,C,H,W]."""
        x = depth
        for conv in (self.convd1, self.convd2, self.convd3, self.convd4):
            x = F.relu(conv(x))
        return x


class ContextEncoder(nn.Module):
    """Upsampling of the image's latent [B,4,H/8,W/8] to full resolution, [B,C,H,W]."""

    def __init__(self, latent_channels: int, width: int, upsamplings: int) -> None:
        super().__init__()
        self.upsamplings = upsamplings
        self.convc1 = nn.Conv2d(latent_channels, width, 7, padding=3)
        for step in range(upsamplings):
            self.add_module(f"convc{step + 2}", nn.Conv2d(width, width, 3, padding=1))

    def forward(self, image_latent: Tensor) -> Tensor:
        """Return features [B,C,H,W]."""
        x = F.relu(self.convc1(image_latent))
        for step in range(self.upsamplings):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = F.relu(self.get_submodule(f"convc{step + 2}")(x))
        return x


class SeparableConvGRU(nn.Module):
    """GRU that updates a hidden state along rows, then columns (1x5 and 5x1 gates, see RAFT).

    z = sigmoid(conv_z[h,x])      r = sigmoid(conv_r[h,x])
    q = tanh(conv_q[r h, x])      h <- (1 - z) h + z q
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        for direction, kernel, padding in ((1, (1, 5), (0, 2)), (2, (5, 1), (2, 0))):
            for gate in "zrq":
                conv = nn.Conv2d(2 * hidden, hidden, kernel, padding=padding)
                nn.init.xavier_uniform_(conv.weight)
                _zero_bias(conv)
                self.add_module(f"conv{gate}{direction}", conv)

    def forward(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """Return the new hidden state [B,C,H,W] for a state and inputs of C channels each."""
        for direction in (1, 2):
            conv_z, conv_r, conv_q = (self.get_submodule(f"conv{g}{direction}") for g in "zrq")
            both = torch.cat([hidden, inputs], dim=1)  # [B,2C,H,W]
            update, reset = torch.sigmoid(conv_z(both)), torch.sigmoid(conv_r(both))
            candidate = torch.tanh(conv_q(torch.cat([reset * hidden, inputs], dim=1)))
            hidden = (1 - update) * hidden + update * candidate
        return hidden


class DepthHead(nn.Module):
    """Head that predicts a depth residual in (-1,1) from the hidden state."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, 1, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the residual [B,1,H,W]."""
        residual: Tensor = torch.tanh(self.conv2(F.relu(self.conv1(hidden))))
        return residual


class ScaleShiftHead(nn.Module):
    """Head that predicts one scale and one shift per image by cross-attention.

    Two learned queries look at all H W pixels; no positional encoding, no residual, and nothing
    forces the scale to be positive. Scores and softmax are float32 in any precision: their sum runs
    over hundreds of thousands of pixels, beyond what float16 can hold.
    """

    def __init__(self, hidden: int, heads: int, first_scale: float = 0.541) -> None:
        super().__init__()
        self.scale_query = nn.Parameter(torch.randn(1, hidden))
        self.shift_query = nn.Parameter(torch.randn(1, hidden))
        self.attn = nn.MultiheadAttention(hidden, heads)  # holds the parameters under torch's names
        self.scale_head = _scalar_head(hidden, bias=first_scale)  # no softplus follows
        self.shift_head = _scalar_head(hidden, bias=0.0)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return (scale, shift), each [B,1,1,1]."""
        batch, width = hidden.shape[:2]
        heads = self.attn.num_heads
        w_q, w_k, w_v = self.attn.in_proj_weight.chunk(3)
        b_q, b_k, b_v = self.attn.in_proj_bias.chunk(3)
        tokens = hidden.flatten(2).transpose(1, 2)  # [B,HW,C]
        queries = F.linear(torch.cat([self.scale_query, self.shift_query]), w_q, b_q)  # [2,C]
        keys = F.linear(tokens, w_k, b_k)  # [B,HW,C]
        values = F.linear(tokens, w_v, b_v)

        queries, keys, values = (
            x.reshape(*x.shape[:-1], heads, width // heads).transpose(-3, -2).float()
            for x in (queries.expand(batch, -1, -1), keys, values)
        )  # [B,heads,tokens,C/heads]
        with torch.autocast(hidden.device.type, enabled=False):
            scores = queries @ keys.transpose(-2, -1) / math.sqrt(width // heads)  # [B,heads,2,HW]
            pooled = torch.softmax(scores, dim=-1) @ values  # [B,heads,2,C/heads]
        pooled = pooled.transpose(1, 2).flatten(2).to(hidden.dtype)  # [B,2,C]
        pooled = self.attn.out_proj(pooled)
        scale, shift = self.scale_head(pooled[:, 0]), self.shift_head(pooled[:, 1])  # [B,1]
        return scale[..., None, None], shift[..., None, None]


def _scalar_head(width: int, bias: float) -> nn.Sequential:
    first, last = nn.Linear(width, width), nn.Linear(width, 1)
    nn.init.kaiming_normal_(first.weight, nonlinearity="relu")
    _zero_bias(first)
    nn.init.xavier_normal_(last.weight, gain=0.01)
    nn.init.constant_(last.bias, bias)
    return nn.Sequential(first, nn.ReLU(), last)


def _zero_bias(layer: nn.Conv2d | nn.Linear) -> None:
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
