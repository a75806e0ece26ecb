# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Edge loss: refined depths keep the edges of the sharper map that they refine (§C.2).

    L_e = sum_k mean( |C_x - D_x| + |C_y - D_y| )     (C_x, C_y) = GradNet(stop(D^_SSI))
    GradNet(D) = ( |Sobel_x * D|, |Sobel_y * D| )     (D_x, D_y) = GradNet(D^_k)

All maps are divided by their mean first. D_SSI is the target and gets no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from jasmine_core.loss.smoothness import mean_normalised


def sobel(depth: Tensor) -> Tensor:
    """Return |Sobel_x| and |Sobel_y| of maps [B,1,H,W] as [B,2,H,W]; zeros beyond the border.

    Sums of shifted maps rather than a convolution, which TF32 would round.
    """
    d = F.pad(depth, (1, 1, 1, 1))  # [B,1,H+2,W+2]
    smooth_y = d[:, :, :-2] + 2 * d[:, :, 1:-1] + d[:, :, 2:]  # [B,1,H,W+2]
    smooth_x = d[..., :-2] + 2 * d[..., 1:-1] + d[..., 2:]  # [B,1,H+2,W]
    across = smooth_y[..., 2:] - smooth_y[..., :-2]
    down = smooth_x[:, :, 2:] - smooth_x[:, :, :-2]
    return torch.cat([across, down], dim=1).abs()


def edge_loss(ssi: Tensor, depths: Sequence[Tensor]) -> Tensor:
    """Return L_e of D_1, D_2, ... against D_SSI, all [B,1,H,W]."""
    edges = sobel(mean_normalised(ssi.detach()))
    apart = [(edges - sobel(mean_normalised(depth))).abs() for depth in depths]
    return torch.stack([a.sum(1).mean() for a in apart]).sum()
