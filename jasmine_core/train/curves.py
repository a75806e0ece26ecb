# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training curves as a PNG file, one panel per logged number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jasmine_core.plots import BLUE, add_axes, can_plot, literal, png_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, COLUMNS = 360, 200, 3  # [px] of a panel, and panels in a row
LEFT, RIGHT, ABOVE, BELOW = 60, 15, 28, 40  # [px] around the axes of a panel
Curves = dict[str, list[tuple[int, float]]]  # steps and values by name
HIDDEN = ("step", "images_per_second", "data_wait")  # They measure the machine, not the learning.


def draw_curves(log: Path, image: Path) -> bool:
    """Draw the numbers of a `log.jsonl` over their steps as PNG.

    Returns:
        False if nothing is logged yet, or matplotlib is missing (this is logged).
    """
    every = read_curves(log.read_text())
    curves = {name: points for name, points in every.items() if name not in HIDDEN}
    if not curves or not can_plot(image):
        return False
    rows = -(-len(curves) // COLUMNS)
    with png_figure(image, COLUMNS * WIDTH, rows * HEIGHT) as figure:
        for index, (name, points) in enumerate(curves.items()):
            row, column = divmod(index, COLUMNS)
            place = (column * WIDTH + LEFT, row * HEIGHT + ABOVE)
            axes = add_axes(figure, *place, WIDTH - LEFT - RIGHT, HEIGHT - ABOVE - BELOW)
            _draw_curve(axes, name, points)
    return True


def read_curves(log: str) -> Curves:
    """Return the finite numbers of the text of a `log.jsonl` but the steps themselves."""
    curves: Curves = {}
    for line in log.splitlines():
        values = json.loads(line)
        for name, value in values.items():
            if name != "step" and np.isfinite(value):
                curves.setdefault(name, []).append((values["step"], value))
    return curves


def _draw_curve(axes: Axes, name: str, points: list[tuple[int, float]]) -> None:
    """Draw one curve; its axis spans the 1st to the 99th percentile, so outliers leave it."""
    steps, values = np.array(points, np.float64).T
    low, high = np.percentile(values, (1, 99))
    margin = 0.05 * (high - low) or 1e-12
    axes.plot(steps, values, color=BLUE, linewidth=1)
    axes.set_ylim(low - margin, high + margin)
    axes.set_title(literal(f"{name}: {values[0]:.4g} to {values[-1]:.4g}"))
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.tick_params(labelsize=8)
    axes.set_xlabel("step", fontsize=8, labelpad=1)
