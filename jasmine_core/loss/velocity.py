# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Velocity loss, an addition to the paper: odometry gives the scale in metres.

    L_v = mean Huber( m |t| / L - 1 )       |t| predicted motion [units]      L odometry's path [m]

Images determine depth and motion only up to one common factor. This term and the teacher, whose
scale must then be the same, are the only ones that depend on the factor. If m, the metres per unit,
were learned as well, only its product with the scale of the network would count, and both could
drift. Therefore m is constant: the value of the starting weights or of the teacher, otherwise
`measured_scale` at the first use of the term, so that the term starts near zero. A fixed number
does not fit all scenes: with 30 m a street is in the middle of the range 0.1 to 3 units, but a
whole room is below the smallest depth.

The relative error has the same gradient at 1 m/s and at 20 m/s. Its gradient is bounded where |t|
is near zero, unlike that of its logarithm, and the linear part of the Huber loss (beyond 20 %)
limits the effect of a slipping wheel.

The term must not act on random weights: the motion would grow before the depth has a shape, and the
depth would collapse to its lower limit. Its weight therefore rises from `velocity_start` on, over
a tenth of the training.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

METRES_PER_UNIT = 30.0  # of a street, which is then in the middle of the range
SHORTEST = 0.01  # [m] shorter motion does not determine the scale
QUADRATIC = 0.2  # relative error above which the Huber loss is linear
RAMP = 0.1  # share of the training over which the weight of the term rises


def velocity_loss(
    translation: Tensor, odometry: Tensor, metres_per_unit: float | Tensor = METRES_PER_UNIT
) -> Tensor:
    """Return L_v of translations [...,3] in units and lengths [...] in metres over the same time.

    Intervals without odometry (NaN), or shorter than 0.01 m, add zero.
    """
    known = odometry > SHORTEST  # NaN compares false
    length = torch.where(known, odometry, 1.0)
    error = metres_per_unit * torch.linalg.vector_norm(translation, dim=-1) / length - 1
    penalty = F.huber_loss(error, torch.zeros_like(error), reduction="none", delta=QUADRATIC)
    return torch.where(known, penalty, 0.0).mean()


def velocity_ramp(progress: float, start: float) -> float:
    """Return the share 0..1 of the term's weight at `progress` = step / steps in 0..1."""
    return min(max((progress - start) / RAMP, 0.0), 1.0)


def measured_scale(translation: Tensor, odometry: Tensor) -> float | None:
    """Return the median of L / |t|, the metres per unit of a net; None without odometry.

    Shapes and units are those of `velocity_loss`.
    """
    length = torch.linalg.vector_norm(translation.detach(), dim=-1)
    known = (odometry > SHORTEST) & (length > 0)
    return float((odometry[known] / length[known]).median()) if known.any() else None
