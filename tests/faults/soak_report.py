# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figures and plot of the soak tests, which stay in one JSON file for all hosts and loads.

PYTHONPATH=tests .venv/bin/python -m faults.soak_report docs/soak.json    # docs/soak.png
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from jasmine_core.evaluate.report import write_json
from jasmine_core.plots import AMBER, BLUE, GREEN, PALE, RED, add_axes, add_text, png_figure

WARM_UP = 0.15  # fraction of the duration
POINTS = 200  # of a curve in the JSON file
CURVE = ("minutes", "memory [MiB]")
COLOURS = (BLUE, RED, GREEN, AMBER)


def growth_of(minutes: np.ndarray, resident: np.ndarray) -> float:
    """Return the relative growth of the memory from the first to the last fifth of the time."""
    first, last = np.quantile(minutes, (0.2, 0.8))
    return float(resident[minutes >= last].mean() / resident[minutes <= first].mean() - 1)


def figures_of(samples: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the statistics of a node's resources after the warm-up, and the curve of its memory.

    Args:
        samples: [n,4] time [s], memory [bytes], threads and file descriptors.
    """
    minutes, mib = samples[:, 0] / 60, samples[:, 1] / 2**20
    settled = minutes > WARM_UP * minutes[-1]
    threads, files = samples[settled, 2], samples[settled, 3]
    figures = {
        "memory [MiB]": round(float(mib[settled].mean()), 1),
        "memory growth after warm-up [%]": round(
            100 * growth_of(minutes[settled], mib[settled]), 3
        ),
        "threads": f"{threads.min():.0f}..{threads.max():.0f}",
        "descriptors": f"{files.min():.0f}..{files.max():.0f}",
    }
    step = -(-len(samples) // POINTS)
    values = (minutes[::step].round(3), mib[::step].round(2))
    curve = {name: value.tolist() for name, value in zip(CURVE, values, strict=True)}
    return figures, curve


def keep(path: Path, title: str, figures: dict[str, Any], curve: dict[str, Any]) -> None:
    """Replace the entry of one host and load in the JSON file, and draw all of them beside it."""
    runs = json.loads(path.read_text()) if path.exists() else {}
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    runs[title] = {"date": date, "cores": os.cpu_count(), **figures, "curve": curve}
    write_json(path, runs)
    draw(runs, path.with_suffix(".png"))


def draw(runs: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the memory [MiB] of each run over time, with an axis from zero."""
    with png_figure(path, 960, 430) as figure:
        add_text(figure, "Resident memory of the live node [MiB] over minutes", 20, 12, size=12)
        axes = add_axes(figure, 70, 50, 870, 330)
        for (title, run), colour in zip(sorted(runs.items()), COLOURS, strict=False):
            minutes, mib = (run["curve"][name] for name in CURVE)
            growth = run["memory growth after warm-up [%]"]
            label = f"{title}: {run['processed']:,} images, {growth:+.2f} % after the warm-up"
            axes.plot(minutes, mib, color=colour, label=label)
            axes.axvline(WARM_UP * minutes[-1], color=PALE, linewidth=0.8)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.set_xlabel("time [min]; the vertical line is the end of the warm-up")
        axes.legend(loc="lower right")


if __name__ == "__main__":
    source = Path(sys.argv[1])
    draw(json.loads(source.read_text()), source.with_suffix(".png"))
