# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is saved lies between what was there before and what was learned.

    theta = share theta_start + (1 - share) theta_learned                 (arXiv 2109.01903)

A hundred images of one road teach its tarmac, and let a network forget that fences are near. On
the straight line between both sets of weights there is a network that knows most of either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

SCALE = "metres_per_unit"  # is measured, not learned


def snapshot(learner: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all weights and running statistics, in main memory."""
    return {
        name: value.detach().cpu().clone()
        for name, value in learner.state_dict().items()
        if value.is_floating_point() and name != SCALE
    }


@contextmanager
def blended(learner: nn.Module, start: Mapping[str, Tensor], share: float) -> Iterator[None]:
    """Mix a `snapshot` into the weights for as long as the block lasts; they return to the bit."""
    weights = learner.state_dict()  # the tensors themselves
    learned = {name: weights[name].clone() for name in start}
    try:
        with torch.no_grad():
            for name, value in start.items():
                weights[name].lerp_(value.to(weights[name]), share)
        yield
    finally:
        with torch.no_grad():
            for name, value in learned.items():
                weights[name].copy_(value)
