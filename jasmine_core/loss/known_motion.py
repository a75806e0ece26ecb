# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Motion from odometry in place of the pose net's, an addition to the paper.

    T_source_target [units] = ( R, t / m )          R, t: odometry [m]          m: metres per unit

A hand-held camera turns far more than it moves, and a pose net needs thousands of images to
distinguish rotation from translation. Odometry gives both. If the scale of the depth is unknown, m
is the candidate that has the smallest error in most pixels:

    m = median_p argmin_m min_s pe( I_t, I_{s->t}(D, R, t / m) )(p)

Each pixel counts once. The mean error over all pixels is not used: if the shape of the depth is
wrong, it is smallest for too little motion, which on a road is twice the correct m.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from jasmine_core.geometry.warp import warp
from jasmine_core.loss.photometric import minimum_error

CANDIDATES = tuple(float(m) for m in torch.logspace(-1, 2, 60).tolist())  # m, 12 % apart
WINDOW = 7  # [px] side of the window over which the error of a candidate is averaged


def in_units(motion: Tensor, metres_per_unit: float | Tensor) -> Tensor:
    """Return a motion [...,4,4] in metres with its translation in units; NaN stays NaN."""
    translation = motion[..., :3, 3:] / metres_per_unit
    return torch.cat(
        [torch.cat([motion[..., :3, :3], translation], dim=-1), motion[..., 3:, :]], dim=-2
    )


def with_odometry(predicted: Tensor, motion: Tensor, metres_per_unit: Tensor) -> Tensor:
    """Return T_source_target [B,4,4] in units: odometry's motion [m] where it is known.

    Where the odometry or the scale is unknown (NaN), the motion of the pose net is used.
    """
    odometry = in_units(motion, metres_per_unit).to(predicted.dtype)
    known = odometry.isfinite().flatten(1).all(1)[:, None, None]
    return torch.where(known, odometry, predicted)


def votes(
    image: Tensor, sources: Sequence[Tensor], K: Tensor, depth: Tensor, motions: Tensor
) -> Tensor:
    """Return how many pixels agree best with each of `CANDIDATES`, [len].

    Image and sources [B,3,H,W] in [0,1], depth [B,1,H,W] in units, motions T_source_target
    [B,S,4,4] in metres; images with a neighbour of unknown motion do not count.
    """
    known = motions.isfinite().flatten(1).all(1)
    image, depth, motions = image[known], depth[known], motions[known]
    sources, K = [s[known] for s in sources], K.expand(len(known), 3, 3)[known]

    def error(metres_per_unit: float) -> Tensor:
        poses = in_units(motions, metres_per_unit).unbind(1)
        views = [warp(s, depth, K, T) for s, T in zip(sources, poses, strict=True)]
        least = minimum_error(image, [v.image for v in views], [v.inside for v in views])
        # The error of a single pixel is small for many candidates by chance, so it is averaged. The
        # limit replaces the infinite error of pixels that no source shows.
        return F.avg_pool2d(least.clamp(max=1), WINDOW, 1, WINDOW // 2)

    if not known.any():
        return torch.zeros(len(CANDIDATES), dtype=torch.long, device=image.device)
    best = torch.stack([error(m) for m in CANDIDATES]).argmin(0)  # [B,1,H,W]
    return torch.bincount(best.flatten(), minlength=len(CANDIDATES))


def best_scale(counts: Tensor) -> float | None:
    """Return the median vote of `votes` [len], None without any.

    Whoever would go to an end of the range, such as the sky, is not asked.
    """
    inner = counts[1:-1].cumsum(0)
    if not inner.any():
        return None
    return CANDIDATES[1 + int((inner < (inner[-1] + 1) // 2).sum())]
