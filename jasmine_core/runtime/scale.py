# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""From model units to metres."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Hold the factor from model units to metres and where it comes from."""

    metres_per_unit: float
    source: str  # "parameter", "checkpoint", or "unknown"

    @property
    def state(self) -> str:
        """Return "metric", or "up-to-scale" where the factor is a mere placeholder."""
        return "up-to-scale" if self.source == "unknown" else "metric"


def fixed_scale(parameter: float | None, checkpoint: float | None) -> Scale:
    """Choose the scale: the user's, else the checkpoint's, else 1 and honestly unknown."""
    if parameter is not None:
        return Scale(parameter, "parameter")
    if checkpoint is not None:
        return Scale(checkpoint, "checkpoint")
    return Scale(1.0, "unknown")
