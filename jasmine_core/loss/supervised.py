# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Supervised losses of phase 0, which gives small networks a prior from rendered scenes.

    L_log = sum_k < |l_k| + f (exp l_k^+ - 1 - l_k^+) >        l_k = log D_k - log D_ground_truth
    L_vae = pe(x, x') + |x - x'| + w KL

None of them belongs to the paper, whose prior is Stable Diffusion's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from jasmine_core.loss.reconstruction import reconstruction_loss

NEAREST = 1e-2  # units; below it a logarithm would be all there is to learn
FARTHEST_RATIO = 4.0  # of depth to ground truth; beyond it the far term grows no more
KL_WEIGHT = 2e-4  # of the divergence of one latent number from N(0, 1)


def log_depth_loss(
    depths: Sequence[Tensor], ground_truth: Tensor, mask: Tensor, far: float = 0.0
) -> Tensor:
    """Return L_log of maps [B,1,H,W] in units, over the mask of each image, then over images.

    A relative error counts the same near and far, as in AbsRel. AbsRel also counts twice the depth
    for more than half of it: at far = 1 a depth that is too far costs its AbsRel, so that an
    uncertain network answers with the nearer surface, as a robot needs.
    """
    weight = mask.to(ground_truth.dtype)
    count = weight.flatten(1).sum(1).clamp(min=1)
    known = ground_truth.clamp(min=NEAREST).log()
    losses = []
    for depth in depths:
        error = depth.clamp(min=NEAREST).log() - known  # [B,1,H,W]
        beyond = error.clamp(0, math.log(FARTHEST_RATIO))
        loss = (error.abs() + far * (beyond.expm1() - beyond)) * weight
        losses.append((loss.flatten(1).sum(1) / count).mean())
    return torch.stack(losses).sum()


def code_loss(codes: Tensor, rebuilt: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return < |d| + 5 d^2 > of codes of depth [B,C,H,W] in [0,1], d in the decoder's range [-1,1].

    The square keeps depth edges sharp: half-way between two surfaces it costs the most.
    """
    difference = 2 * (codes - rebuilt).abs()
    penalty = difference + 5 * difference.square()
    if mask is None:
        return penalty.mean()
    weight = mask.to(penalty.dtype).expand_as(penalty)
    return (penalty * weight).sum() / weight.sum().clamp(min=1)


def autoencoder_loss(images: Tensor, rebuilt: Tensor, divergence: Tensor) -> Tensor:
    """Return L_vae of images [B,3,H,W] in [0,1]; `divergence` is the mean KL of a number."""
    difference = (images - rebuilt).abs().mean()
    return reconstruction_loss(images, rebuilt) + difference + KL_WEIGHT * divergence
