# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training with a loss term of its own: python examples/custom_loss.py RECIPE.yaml OUT.

The term is the total variation of log depth, which suits rooms with flat walls. It appears in the
journal and the curves beside the other terms. A term for all users belongs into jasmine_core/loss/,
with a weight in the recipe; CONTRIBUTING.md describes how.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from jasmine_core.loss.objective import Loss, LossConfig, Observation, Prediction, objective
from jasmine_core.train.recipe import read_recipe
from jasmine_core.train.trainer import train

WEIGHT = 0.01
NEAREST = 1e-3  # [units]; the logarithm of zero is not finite


def log_variation(depth: Tensor) -> Tensor:
    """Return mean |d_x log D| + mean |d_y log D| of depth [B,1,H,W]; the scale does not count."""
    log_depth = depth.clamp(min=NEAREST).log()
    return log_depth.diff(dim=-1).abs().mean() + log_depth.diff(dim=-2).abs().mean()


def objective_with_variation(
    given: Observation,
    predicted: Prediction,
    config: LossConfig,
    progress: float = 0.0,
    generator: torch.Generator | None = None,
) -> Loss:
    """Return the usual loss with the additional term."""
    loss = objective(given, predicted, config, progress, generator)
    term = log_variation(predicted.depths[-1].float())
    total = loss.total + WEIGHT * term
    terms = {"log_variation": term.detach(), "total": total.detach()}
    return loss._replace(total=total, terms=loss.terms | terms)


if __name__ == "__main__":
    recipe, output = sys.argv[1:]
    print(train(read_recipe(Path(recipe)), Path(output), loss=objective_with_variation))
