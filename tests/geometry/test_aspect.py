# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Limit of the aspect ratio of images."""

from __future__ import annotations

import pytest

from jasmine_core.errors import FrameError
from jasmine_core.geometry.aspect import require_aspect


@pytest.mark.parametrize("source", [(640, 480), (1080, 1920), (1920, 360), (64, 64), (2560, 96)])
def test_shapes_of_cameras_are_accepted(source):
    require_aspect(source, (640, 192))


@pytest.mark.parametrize("source", [(1, 20_000), (20_000, 1), (100, 300), (2700, 100)])
def test_thin_images_are_refused_with_both_sizes(source):
    words = rf"{source[0]}x{source[1]} px is over 8 times that of the network's 640x192 px"
    with pytest.raises(FrameError, match=words):
        require_aspect(source, (640, 192))
