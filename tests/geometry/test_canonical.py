# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Canonical depth, which depends on the pixels and not on the lens."""

from __future__ import annotations

import torch

from jasmine_core.dataset.samples import Part
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.canonical import canonical_depth, focal_ratio


def test_enlarged_crop_has_a_longer_focal_length():
    camera = Camera(320, 96, torch.tensor([[160.0, 0, 159.5], [0, 150, 47.5], [0, 0, 1]]).numpy())
    part = Part(0.5, (1.0, 0.0)).transform((320, 96), (320, 96))
    enlarged = part.camera(camera)
    assert enlarged.K[0, 0] == 320 and enlarged.K[1, 1] == 300
    # The optical axis is at the pixel of the same ray in the enlarged image.
    assert enlarged.K[0, 2] == (159.5 + 0.5 - 160) * 2 - 0.5


def test_twice_the_focal_length_halves_canonical_depth():
    depth = torch.full((2, 1, 4, 4), 1.0)
    K = torch.eye(3).repeat(2, 1, 1)
    K[:, 0, 0] = torch.tensor([185.0, 370.0])
    ratio = focal_ratio(K, 185.0)
    canonical = canonical_depth(depth, ratio, 3.0)
    assert canonical[0].unique() == 1.0 and canonical[1].unique() == 0.5
    assert torch.equal(canonical * ratio, depth)


def test_sky_and_unknown_depth_are_not_scaled():
    depth = torch.tensor([0.0, 2.9, 3.0, 4.0]).view(1, 1, 2, 2)
    short, long = (canonical_depth(depth, torch.tensor([[[[r]]]]), 3.0).flatten() for r in (0.5, 2))
    assert short.tolist() == [0.0, 3.0, 3.0, 3.0]
    assert torch.allclose(long, torch.tensor([0.0, 1.45, 3.0, 3.0]))
