# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Limit of the aspect ratio of images, because a network sees nothing in a thin strip."""

from __future__ import annotations

from jasmine_core.errors import FrameError
from jasmine_core.geometry.camera import Size

MAX_ASPECT = 8.0  # largest ratio between the aspect ratios of an image and of the network's image


def require_aspect(source: Size, own: Size) -> None:
    """Raise FrameError if the shapes of an image and of the network's image differ too much.

    The network's image has the area of `own` and the aspect ratio of `source` (width, height) [px]:
    without a limit, an image of 1x20000 px would make it an image of a million pixels.
    """
    ratio = source[0] * own[1] / (source[1] * own[0])
    if not 1 / MAX_ASPECT <= ratio <= MAX_ASPECT:
        raise FrameError(
            f"the aspect ratio of {source[0]}x{source[1]} px is over {MAX_ASPECT:g} times that of "
            f"the network's {own[0]}x{own[1]} px; crop the image"
        )
