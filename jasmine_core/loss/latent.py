# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Latent loss of phase 0: the U-Net's latents against those of the encoded ground truth.

    L_lat = < |x_0 - Enc(c(D))| >_known + < |x_0 - Enc(I_m)| >

It needs no decoder, which costs most of a step, and takes the network most of the way.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def latent_loss(predicted: Tensor, wanted: Tensor, known: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference of latents [B,C,h,w].

    `known` [B,1,H,W] bool, of a multiple of their size: a latent pixel counts where all of its
    pixels are known. Without any, the loss is 0.
    """
    difference = (predicted - wanted).abs().mean(1, keepdim=True)  # [B,1,h,w]
    if known is None:
        return difference.mean()
    size = known.shape[-1] // predicted.shape[-1]
    whole = 1 - F.max_pool2d(1 - known.to(difference.dtype), size)  # [B,1,h,w]
    return (difference * whole).sum() / whole.sum().clamp(min=1)


def gradient_loss(code: Tensor, wanted: Tensor, known: Tensor, scales: int = 3) -> Tensor:
    """Return the mean absolute difference of gradients of codes [B,1,H,W], over several scales.

    The term of MiDaS and MegaDepth: steps of depth where ground truth has them, and nowhere else.
    """
    error, weight = torch.where(known, code - wanted, 0.0), known.to(code.dtype)
    total = code.new_zeros(())
    for _ in range(scales):
        for axis in (-1, -2):
            size = error.shape[axis] - 1
            both = weight.narrow(axis, 0, size) * weight.narrow(axis, 1, size)
            step = (error.narrow(axis, 1, size) - error.narrow(axis, 0, size)).abs()
            total = total + (step * both).sum() / both.sum().clamp(min=1)
        error, weight = error[..., ::2, ::2], weight[..., ::2, ::2]
    return total / scales
