# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The log of a training as an image, one panel for each number."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.files import atomic_file

RgbImage = NDArray[np.uint8]
WIDTH, HEIGHT, MARGIN, COLUMNS = 360, 170, 30, 3  # px of a panel, and panels in a row
PAPER, INK, LINE = (255, 255, 255), (60, 60, 60), (180, 90, 20)  # BGR
HIDDEN = ("step", "images_per_second", "data_wait")  # figures of the machine, not of learning


def draw_curves(log: Path, image: Path) -> bool:
    """Draw the numbers of a `log.jsonl` over its steps as PNG; False where there is nothing yet."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in log.read_text().splitlines():
        values = json.loads(line)
        for name, value in values.items():
            if name not in HIDDEN and np.isfinite(value):
                curves.setdefault(name, []).append((values["step"], value))
    panels = [_panel(name, points) for name, points in curves.items()]
    if not panels:
        return False
    panels += [np.full_like(panels[0], 255)] * (-len(panels) % COLUMNS)
    rows = [np.hstack(panels[i : i + COLUMNS]) for i in range(0, len(panels), COLUMNS)]
    with atomic_file(image) as temporary:
        cv2.imwrite(str(temporary), np.vstack(rows))
    return True


def _panel(name: str, points: list[tuple[int, float]]) -> RgbImage:
    """Draw one curve; its axis spans the 1st to the 99th percentile, outliers leave the panel."""
    panel = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    steps, values = np.array(points, np.float64).T
    low, high = np.percentile(values, (1, 99))
    span, length = max(high - low, 1e-12), max(steps[-1] - steps[0], 1)
    x = MARGIN + (steps - steps[0]) / length * (WIDTH - 2 * MARGIN)
    y = HEIGHT - MARGIN - (values - low) / span * (HEIGHT - 2 * MARGIN)
    inside = np.clip(np.stack([x, y], axis=-1), -HEIGHT, 2 * WIDTH)
    cv2.rectangle(panel, (MARGIN, MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN), (225, 225, 225))
    cv2.polylines(panel, [inside.round().astype(np.int32)], False, LINE, 1, cv2.LINE_AA)
    _text(panel, f"{name}: {values[0]:.4g} -> {values[-1]:.4g}", MARGIN, 20)
    scales = f"{low:.3g} .. {high:.3g}, steps {steps[0]:.0f} to {steps[-1]:.0f}"
    _text(panel, scales, MARGIN, HEIGHT - 10)
    return panel


def _text(panel: RgbImage, text: str, x: int, y: int) -> None:
    cv2.putText(panel, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
