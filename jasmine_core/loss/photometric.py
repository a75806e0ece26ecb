# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Photometric loss: an image must equal its neighbours, warped by depth and motion.

    pe(a, b) = 0.85 (1 - SSIM(a, b)) / 2 + 0.15 |a - b|_1
    L_ph     = mean_p min( min_s pe(I_t, I_{s->t}), min_s pe(I_t, I_s) + noise )            (Eq. 2)

The minimum over the sources s leaves out the one in which a pixel is hidden. The second minimum is
the auto-mask: where an unmoved source explains the pixel better than the warped one, the pixel
stands still relative to the camera and has nothing to teach. Its error then is a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

STRUCTURE, COLOUR = 0.85, 0.15
C1, C2 = 0.01**2, 0.03**2  # SSIM's constants for images in [0,1]
TIE_BREAK = 1e-5  # of the noise that lets neither side win where both errors are equal


class PhotometricLoss(NamedTuple):
    """L_ph and the auto-mask."""

    loss: Tensor  # []
    moving: Tensor  # [B,1,H,W] bool: pixels that teach


def photometric_error(a: Tensor, b: Tensor) -> Tensor:
    """Return pe [B,1,H,W] in 0..1 of two images [B,3,H,W] in [0,1]."""
    per_channel = STRUCTURE * ssim_distance(a, b) + COLOUR * (a - b).abs()
    return per_channel.mean(1, keepdim=True)


def ssim_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return (1 - SSIM)/2 in 0..1 over windows of 3x3 pixels, [B,C,H,W]; reflected at the edge."""
    a, b = F.pad(a, (1, 1, 1, 1), mode="reflect"), F.pad(b, (1, 1, 1, 1), mode="reflect")
    mean_a, mean_b, mean_aa, mean_bb, mean_ab = (
        _window_mean(x) for x in (a, b, a * a, b * b, a * b)
    )
    product, squares = mean_a * mean_b, mean_a.square() + mean_b.square()
    likeness = (2 * product + C1) * (2 * (mean_ab - product) + C2)
    energy = (squares + C1) * (mean_aa + mean_bb - squares + C2)
    return ((1 - likeness / energy) / 2).clamp(0, 1)


def _window_mean(x: Tensor) -> Tensor:
    # Shifted sums take a CPU a quarter of the time that pooling takes, there and back.
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]  # [B,C,H,W+2]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9  # [B,C,H,W]


def minimum_error(
    image: Tensor, sources: Sequence[Tensor], inside: Sequence[Tensor] | None = None
) -> Tensor:
    """Return the least pe over several images of the same view, [B,1,H,W].

    With `inside` [B,1,H,W] only sources count that saw the pixel; inf where none did.
    """
    errors = [photometric_error(image, source) for source in sources]
    if inside is not None:
        errors = [e.masked_fill(~seen, torch.inf) for e, seen in zip(errors, inside, strict=True)]
    return torch.stack(errors).amin(0)


def photometric_loss(
    image: Tensor,
    sources: Sequence[Tensor],
    error: Tensor,
    generator: torch.Generator | None = None,
) -> PhotometricLoss:
    """Return L_ph for a `minimum_error` of the sources after the warp; see the module's equation.

    A pixel that no source saw (inf) counts as one that stands still. `generator` draws the noise.
    """
    with torch.no_grad():
        noise = torch.randn(
            error.shape, dtype=error.dtype, device=error.device, generator=generator
        )
        unmoved = minimum_error(image, sources) + TIE_BREAK * noise
    return PhotometricLoss(torch.minimum(error, unmoved).mean(), error < unmoved)
