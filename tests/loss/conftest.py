# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered sequence and random images as inputs of the losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

torch.set_num_threads(1)


@dataclass
class Triplet:
    image: Tensor  # [1,3,H,W]
    sources: list[Tensor]
    depth: Tensor  # [1,1,H,W] metres
    K: Tensor
    T_source_target: list[Tensor]  # metres


@pytest.fixture(scope="session")
def triplet() -> Triplet:
    """Return three images of a drive with exact depth and motion."""
    from jasmine_core.synthetic.drive import WorldConfig, render_drive

    drive = render_drive(1, WorldConfig(width=192, height=64, frames=3, texture_banks=1))
    T = drive.T_world_camera
    return Triplet(
        image=drive.images[1:2],
        sources=[drive.images[i : i + 1] for i in (0, 2)],
        depth=drive.depths[1:2].clamp(max=1000),
        K=drive.K,
        T_source_target=[(torch.linalg.inv(T[i]) @ T[1])[None] for i in (0, 2)],
    )


@pytest.fixture
def rand() -> Callable[..., Tensor]:
    """Return a function that draws doubles in 0..1; every seed its own."""

    def draw(*shape: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    return draw
