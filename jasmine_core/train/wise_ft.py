# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""WiSE-FT: interpolation between the starting weights and the fine-tuned weights.

    theta = (1 - alpha) theta_start + alpha theta_fine_tuned

M. Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022 (arXiv 2109.01903), Eq. 1.
A hundred images of one road improve depth on that road and make it worse elsewhere. The
interpolated weights keep most of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

SCALE = "metres_per_unit"  # It is measured, not learned, so it is not interpolated.


def snapshot(learner: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all weights and running statistics in main memory."""
    return {
        name: value.detach().cpu().clone()
        for name, value in learner.state_dict().items()
        if value.is_floating_point() and name != SCALE
    }


@contextmanager
def interpolated(learner: nn.Module, start: Mapping[str, Tensor], weight: float) -> Iterator[None]:
    """Interpolate the weights of a learner inside the block, and restore them bit for bit after it.

    Args:
        learner: holds the fine-tuned weights.
        start: `snapshot` of the starting weights; an empty one changes nothing.
        weight: alpha in 0..1, the weight of the fine-tuned weights.
    """
    weights = learner.state_dict()  # the tensors themselves, not copies
    fine_tuned = {name: weights[name].clone() for name in start}
    try:
        with torch.no_grad():
            for name, value in start.items():
                weights[name].lerp_(value.to(weights[name]), 1 - weight)
        yield
    finally:
        with torch.no_grad():
            for name, value in fine_tuned.items():
                weights[name].copy_(value)
