# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Velocity loss, an addition to the paper: odometry gives the scale in metres.

    L_v = mean Huber( m |t| / L - 1 )       |t| predicted motion [units]      L odometry's path [m]

Images alone fix depth and motion up to one common factor, so this is the only term that sees it
(besides a teacher, whose scale must then be the same). Were m, the metres per unit, learned beside
the net's own scale, only their product would matter and both could drift. So m is given: what the
net's weights or its teacher know, else `measured_scale` at the moment the term comes in, so that
the pull starts near zero. No number would do for all: 30 m put a street into the middle of 0.1..3
units, and a whole room in front of the nearest stop.

The relative error has the same gradient at 1 m/s and at 20 m/s. Unlike its logarithm it stays tame
when |t| is still near zero, and Huber's straight part (beyond 20 %) forgives a slipping wheel.

A net that knows nothing yet must not be pulled: its motion becomes long before its depth has a
shape, and the depth then runs into its stop. So the term comes in when images alone have had
their say, over a tenth of the training.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

METRES_PER_UNIT = 30.0  # of a street, which is then in the middle of the range
SHORTEST = 0.01  # metres; a camera that hardly moves says nothing about scale
QUADRATIC = 0.2  # relative error at which Huber's penalty turns straight
RAMP = 0.1  # share of the training over which the term comes in


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
    """Return the median of L / |t|, the metres per unit of a net as it is; None without odometry.

    Shapes and units are those of `velocity_loss`.
    """
    length = torch.linalg.vector_norm(translation.detach(), dim=-1)
    known = (odometry > SHORTEST) & (length > 0)
    return float((odometry[known] / length[known]).median()) if known.any() else None
