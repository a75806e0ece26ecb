# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of a training for people: curves with the recipe beside them, and progress images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from jasmine_core.files import read_small
from jasmine_core.image_files import read_pixels
from jasmine_core.report.blocks import (
    Block,
    Chart,
    Code,
    Figure,
    Gallery,
    Level,
    Page,
    Section,
    Series,
    Text,
    Tiles,
)
from jasmine_core.report.chart import robust_limits
from jasmine_core.report.images import data_uri
from jasmine_core.train.curves import HIDDEN, Curves, read_curves
from jasmine_core.train.state import RECIPE

PAGE = "report.html"
_SHOWN = 4  # progress images
_LOGS = 64 << 20  # [bytes] of a log that is read


def training_page(folder: Path, done: int, steps: int) -> Page:
    """Return the page of the training in a folder, after `done` of its `steps`."""
    curves = read_curves(read_small(folder / "log.jsonl", _LOGS))
    recipe = Code(read_small(folder / RECIPE), RECIPE)
    charts: tuple[Block, ...] = tuple(
        _chart(name, points) for name, points in curves.items() if name not in HIDDEN
    )
    complete = done >= steps
    level: Level = "good" if complete else "warning"
    sections = [
        Section("Result", (_tiles(curves, done, steps),), wide=True),
        Section("Curves and recipe", charts or (Text("Nothing is logged yet."),), aside=recipe),
    ]
    if images := _progress(folder / "images"):
        sections.append(Section("Progress", (Text(_PROGRESS), images), wide=True))
    return Page(
        f"Training in {folder.name}",
        f"{done} of {steps} steps." + ("" if complete else " --resume continues from here."),
        tuple(sections),
        level,
        "finished" if complete else "interrupted",
    )


_PROGRESS = (
    "From top to bottom: the input, predictions of depth (near is bright), the neighbour warped to "
    "the input, its error, and the masks of the loss, as far as the recipe has them."
)


def _tiles(curves: Curves, done: int, steps: int) -> Tiles:
    items = [(f"{done} of {steps}", "steps")]
    if total := curves.get("total"):
        items.append((f"{total[0][1]:.4g} → {total[-1][1]:.4g}", "loss, first and last"))
    if validation := curves.get("validation"):
        step, best = min(validation, key=lambda point: point[1])
        items.append((f"{best:.4g}", f"best validation, at step {step}"))
    if speed := curves.get("images_per_second"):
        items.append((f"{np.median([value for _, value in speed]):.3g}", "images per second"))
    if waits := curves.get("data_wait"):
        share = np.median([value for _, value in waits])
        items.append((f"{share:.0%}", "of the time waiting for data"))
    return Tiles(tuple(items))


def _chart(name: str, points: list[tuple[int, float]]) -> Chart:
    """Return one curve; its axis spans the 1st to the 99th percentile, so outliers leave it."""
    steps, values = np.array(points, np.float64).T
    title = f"{name.replace('_', ' ')}: {values[0]:.4g} to {values[-1]:.4g}"
    return Chart(title, "step", (Series(name, steps, values),), robust_limits(values))


def _progress(folder: Path) -> Gallery | None:
    """Return progress images, evenly spaced over the training; None if there are none."""
    files = sorted(folder.glob("*.png"))
    places = np.linspace(0, len(files) - 1, min(_SHOWN, len(files))).round().astype(int)
    figures = []
    for file in (files[place] for place in places.tolist()):
        pixels = read_pixels(file, cv2.IMREAD_COLOR)
        if pixels is not None:
            shown = data_uri(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8), 480)
            figures.append(Figure(shown, f"step {int(file.stem)}" if file.stem.isdigit() else ""))
    return Gallery(tuple(figures)) if figures else None
