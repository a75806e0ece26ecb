# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sky loss: the sky has the largest depth (§C.3).

L_SKY = 0.1 mean( |D_SSI - 1| M_sky )
"""

from __future__ import annotations

from torch import Tensor

SKY_WEIGHT = 0.1


def sky_loss(ssi: Tensor, sky: Tensor) -> Tensor:
    """Return L_SKY of D_SSI [B,1,H,W] in [0,1] and the sky's mask [B,1,H,W] bool."""
    return SKY_WEIGHT * ((1 - ssi).abs() * sky.to(ssi.dtype)).mean()
