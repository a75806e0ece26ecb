# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Teacher loss: depth of a frozen net, where the photometric error does not contradict it.

    L_tc = < L_B(D_SSI, norm(D_tc)) >_M + sum_k < L_B(D_k, D_tc) >_M            (Eq. 11)
    M    = pe(I_t, I^tc_{s->t}) < 1.5 / max(1, 30 step / steps)                 (§C.4)

A relative teacher has disparity up to a scale and a shift only. No image can be warped with it, so
that no filter applies:

    L_rel = sum_k < |n(1 / D_k) - n(1 / D_tc)| >,   n(d) = (d - median d) / < |d - median d| >

The threshold of the filter M falls during training: at first every pixel of the teacher is used, at
the end only those where its depth explains the images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

DEPTH_MAX = 3.0  # model units, where the student's own range ends
NEAREST = 1e-2  # [units]; a disparity above 100 has no meaning
PERCENTILES = (0.02, 0.98)


def teacher_depth(depth: Tensor, unit: float = 1.0) -> Tensor:
    """Return D_tc in the student's units, up to 3, of a teacher's depth [B,1,H,W].

    `unit` is the teacher's unit in those of the student.
    """
    return (depth * unit).clamp(max=DEPTH_MAX)


def percentile_normalised(depth: Tensor) -> Tensor:
    """Return norm(D) in [0,1]: each map [1,H,W] of the batch between its 2nd and 98th percentile.

    Eq. 9 in the range of D_SSI: the result is the same for D and for a D + b, a > 0. NaN stays NaN.
    """
    levels = torch.tensor(PERCENTILES, dtype=depth.dtype, device=depth.device)
    low, high = torch.nanquantile(depth.flatten(1), levels, dim=1)[..., None, None, None].unbind()
    return ((depth - low) / (high - low).clamp(min=1e-7)).clamp(0, 1)


def berhu(difference: Tensor) -> Tensor:
    """Return the reverse Huber penalty [B,...] of a difference, c = 0.2 max |d| in each image.

    L_B(d) = |d|                      where |d| <= c
             (d^2 + c^2) / (2 c)      elsewhere; value and slope are continuous at c

    The authors take the maximum over the whole batch. With one maximum per image the loss depends
    neither on the other images of the batch nor on the number of processes.
    """
    d = difference.abs()
    c = 0.2 * d.detach().flatten(1).amax(1).clamp(min=1e-7).view(-1, *[1] * (d.ndim - 1))
    return torch.where(d <= c, d, (d.square() + c.square()) / (2 * c))


def filter_threshold(progress: float, floor: float = 0.0) -> float:
    """Return the largest pe at which the teacher is used; `progress` = step / steps in 0..1.

    1.5 (everything passes) for the first thirtieth, 0.1 half-way, 0.05 at the end. A small student
    is still worse than its teacher then, and needs a floor of about 0.3.
    """
    return max(1.5 / max(1.0, 30 * progress), floor)


def teacher_filter(error: Tensor, threshold: float) -> Tensor:
    """Return M [B,1,H,W] bool for the `minimum_error` of sources warped with the teacher's depth.

    Pixels that no source shows (inf) are kept, because they have no other loss.
    """
    return (error < threshold) | error.isinf()


def teacher_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Return < L_B >_M of maps [B,1,H,W]: the mean over M in each image, then over images."""
    penalty, weight = berhu(student - teacher), mask.to(student.dtype)
    per_image = (penalty * weight).flatten(1).sum(1) / (weight.flatten(1).sum(1) + 1e-7)
    return per_image.mean()


def relative_loss(depths: Sequence[Tensor], teacher: Tensor, mask: Tensor) -> Tensor:
    """Return L_rel of depth maps [B,1,H,W] over the mask of each image, then over all images.

    Images without a pixel in the mask count as 0. The result is the same for a teacher with
    disparity d and for one with a d + b, a > 0.
    """
    some = mask.flatten(1).any(1)
    if not bool(some.any()):
        return depths[-1].sum() * 0
    mask, wanted = mask[some], _normalised_disparity(teacher[some], mask[some])
    count = mask.flatten(1).sum(1)
    losses = []
    for depth in depths:
        difference = (_normalised_disparity(depth[some], mask) - wanted).abs()
        losses.append((torch.where(mask, difference, 0).flatten(1).sum(1) / count).sum())
    return torch.stack(losses).sum() / len(some)


def _normalised_disparity(depth: Tensor, mask: Tensor) -> Tensor:
    """Return n(1 / D) [B,1,H,W] with the median and the mean deviation of the mask."""
    disparity = 1 / depth.clamp(min=NEAREST)
    known = torch.where(mask, disparity, torch.nan).flatten(1)  # [B,HW]
    median = known.nanmedian(1, keepdim=True).values
    deviation = (known - median).abs().nanmean(1, keepdim=True).clamp(min=1e-6)
    middle, spread = median[..., None, None], deviation[..., None, None]  # [B,1,1,1]
    return (disparity - middle) / spread


def refine_loss(depths: Sequence[Tensor], teacher: Tensor, mask: Tensor) -> Tensor:
    """Return the sum of the teacher losses of D_1, D_2, ..., all in model units."""
    return torch.stack([teacher_loss(depth, teacher, mask) for depth in depths]).sum()
