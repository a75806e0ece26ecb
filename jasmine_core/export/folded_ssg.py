# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scale-Shift GRU in which terms that are constant over its iterations are folded."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jasmine_core.export.constant_folding import convolution, linear, parameter, per_head
from jasmine_core.export.folded_upsampling import FoldedUpsampling
from jasmine_core.model.ssg import ScaleShiftGRU, ScaleShiftHead


class FoldedSSG(nn.Module):
    """Folded `ScaleShiftGRU`; unchanged layers are shared with it."""

    def __init__(self, ssg: ScaleShiftGRU) -> None:
        super().__init__()
        self.config = ssg.config
        self.project = ssg.project
        self.depth_encoder = ssg.depth_encoder
        self.context_encoder = ssg.context_encoder
        self.d_head = ssg.d_head
        self.attention = PooledScaleShift(ssg.ss_head)
        self.gru = nn.ModuleList(HalfStep(ssg, direction) for direction in (1, 2))
        self.upsampling = FoldedUpsampling(ssg.upsampling) if ssg.config.shrink > 1 else None

    def forward(self, image_latent: Tensor, decoded: Tensor) -> tuple[Tensor, Tensor]:
        """Return D_SSI [B,1,H,W] and the depths [B,n,H,W] after each iteration."""
        config = self.config
        linked = decoded[:, :1] if config.link_mode == "first" else decoded.mean(1, True)
        ssi = depth = linked.clamp(-1.0, 1.0) / 2 + 0.5  # [B,1,H,W]
        if not config.iterations:
            return ssi, depth * config.depth_max
        hidden = torch.tanh(self.project(self._shrunk(decoded)))  # [B,C,H,W]
        features = self.context_encoder(image_latent)  # [B,C/2,H,W]
        context = [step.context(features) for step in self.gru]  # type: ignore[operator]
        depths = []
        for _ in range(config.iterations):
            scale, shift = self.attention(hidden)  # [B,1,1,1] each
            depth = depth * scale + shift
            encoded = self.depth_encoder(self._shrunk(depth))  # [B,C/2,H,W]
            for step, fixed in zip(self.gru, context, strict=True):
                hidden = step(hidden, encoded, fixed)
            residual = self.d_head(hidden)
            if self.upsampling is not None:
                residual = self.upsampling(residual, hidden)
            depth = (depth + residual).clamp(0.0, config.depth_max)
            depths.append(depth)
        return ssi, torch.cat(depths, dim=1)

    def _shrunk(self, values: Tensor) -> Tensor:
        shrink = self.config.shrink
        return F.avg_pool2d(values, shrink) if shrink > 1 else values


class HalfStep(nn.Module):
    """Update of the hidden state along one direction.

    The gates z and r are computed by one convolution. The contribution of the context to z, r and q
    is the same in every iteration, so it is computed once, by one convolution with all biases.
    """

    def __init__(self, ssg: ScaleShiftGRU, direction: int) -> None:
        super().__init__()
        z, r, q = (ssg.gru.get_submodule(f"conv{gate}{direction}") for gate in "zrq")
        assert isinstance(z, nn.Conv2d) and isinstance(r, nn.Conv2d) and isinstance(q, nn.Conv2d)
        assert z.bias is not None and r.bias is not None and q.bias is not None
        self.hidden_dim = z.out_channels
        known = z.in_channels - ssg.context_encoder.convc1.out_channels  # state and depth features
        weight = torch.cat([z.weight, r.weight, q.weight])
        bias = torch.cat([z.bias, r.bias, q.bias])
        self.context = convolution(z, weight[:, known:], bias)
        self.conv_zr = convolution(z, weight[: 2 * self.hidden_dim, :known], None)
        self.conv_q = convolution(z, weight[2 * self.hidden_dim :, :known], None)

    def forward(self, hidden: Tensor, encoded: Tensor, context: Tensor) -> Tensor:
        """Return the new state [B,C,H,W]; `context` [B,3C,H,W] is the output of `self.context`."""
        count = self.hidden_dim
        gates = torch.sigmoid(
            self.conv_zr(torch.cat([hidden, encoded], dim=1)) + context[:, : 2 * count]
        )
        update, reset = gates[:, :count], gates[:, count:]
        candidate = torch.tanh(
            self.conv_q(torch.cat([reset * hidden, encoded], dim=1)) + context[:, 2 * count :]
        )
        return hidden + update * (candidate - hidden)


class PooledScaleShift(nn.Module):
    """Scale and shift from the hidden state, by attention with two constant queries.

    The score of a pixel x is then a constant vector times x (the bias of the keys adds the same
    value to all pixels and cancels in the softmax). As the attention weights sum to one, the value
    and output projections are applied to the pooled vectors instead of to every pixel:

        w = softmax_p(a_qh . x_p)      y_q = sum_h M_h sum_p w_p x_p + b

    The first layers of the two heads are folded into M as well.
    """

    def __init__(self, head: ScaleShiftHead) -> None:
        super().__init__()
        attention, like = head.attn, head.scale_query
        self.heads = heads = attention.num_heads
        w_q, w_k, w_v = attention.in_proj_weight.double().chunk(3)
        b_q, _, b_v = attention.in_proj_bias.double().chunk(3)
        query = torch.cat([head.scale_query, head.shift_query]).double() @ w_q.T + b_q  # [2,C]
        query = per_head(query, 1, heads) / (query.shape[1] // heads) ** 0.5  # [2,heads,d]
        score = torch.einsum("qhd,hdc->qhc", query, per_head(w_k, 0, heads))
        self.score = parameter(score.flatten(0, 1), like)  # [2 heads,C]

        out = attention.out_proj.weight.double()
        mix = torch.einsum(
            "ohd,hdc->ohc", per_head(out, 1, heads), per_head(w_v, 0, heads)
        )  # [C,heads,C]
        offset = out @ b_v + attention.out_proj.bias.double()
        self.scale_head, self.shift_head = (
            _after_pooling(layers, mix.flatten(1), offset)
            for layers in (head.scale_head, head.shift_head)
        )

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return (scale, shift), each [B,1,1,1]."""
        pixels = hidden.flatten(2)  # [B,C,HW]
        weights = torch.softmax(self.score @ pixels, dim=-1)  # [B,2 heads,HW]
        pooled = (pixels @ weights.transpose(1, 2)).transpose(1, 2)  # [B,2 heads,C]
        scale = self.scale_head(pooled[:, : self.heads].flatten(1))  # [B,1]
        shift = self.shift_head(pooled[:, self.heads :].flatten(1))
        return scale[..., None, None], shift[..., None, None]


def _after_pooling(layers: nn.Sequential, mix: Tensor, offset: Tensor) -> nn.Sequential:
    """Fold the affine map of pooled vectors [heads C] -> [C] into the first layer of a head."""
    first, activation, last = layers
    assert isinstance(first, nn.Linear) and first.bias is not None
    weight = first.weight.double()
    folded = linear(weight @ mix, weight @ offset + first.bias.double(), first.weight)
    return nn.Sequential(folded, activation, last)
