# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Factor that keeps the scale of consecutive images, and that returns to 1.

The median of ln(last published depth / depth) over the pixels of an image is m. It may come from an
error of the network, which should be removed, or from the scene, which should not. So only short
changes are removed:

    d = d_last + (1 - exp(-dt / SETTLES)) (clip((m - k_last) / dt) - d_last)
    k = exp(-dt / MEMORY) (m - d dt)

k is the logarithm of the factor. A network that sees distant objects too near changes by about the
same share d in each image along a motion; without d this share would add up.
"""

from __future__ import annotations

import math
from typing import NamedTuple

MEMORY = 1.0  # [s] time constant after which a change of the scale has arrived
SETTLES = 2.0  # [s] time constant after which a lasting change of the scale is known
_FASTEST = 0.2  # [1/s] of a lasting change; a faster one is a step


class CommonScale(NamedTuple):
    """Factor of the depth of one image."""

    log_factor: float
    drift: float  # [1/s] lasting change of the logarithm that is not removed


UNSCALED = CommonScale(0.0, 0.0)


def next_scale(last: CommonScale, middle: float, seconds: float, moved: bool) -> CommonScale:
    """Return the factor of the next image.

    Args:
        last: factor of the last image.
        middle: median of ln(last depth / depth) over the pixels that both images show, where the
            last depth is the published one.
        seconds: time between the images.
        moved: whether the last depth was carried along a known motion. Without it, a lasting
            change may as well be that of the scene, and none is learned.
    """
    rate = (middle - last.log_factor) / seconds if moved else 0.0
    share = 1 - math.exp(-seconds / SETTLES)
    drift = last.drift + share * (min(max(rate, -_FASTEST), _FASTEST) - last.drift)
    return CommonScale(math.exp(-seconds / MEMORY) * (middle - drift * seconds), drift)
