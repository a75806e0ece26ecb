# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Coloured depth images for people to look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.image_files import write_png

RgbImage = NDArray[np.uint8]

SAMPLES = 50_000  # number of pixels that percentiles are estimated from


def colorize(depth: NDArray[np.float32]) -> RgbImage:
    """Return a depth map [H,W] as RGB [H,W,3]: near is bright, far is dark, unknown is black.

    The colours cover inverse depth linearly from its 2nd to its 98th percentile in this map, so
    that structure is visible in any unit. They are not comparable between frames.
    """
    known = np.isfinite(depth) & (depth > 0)
    inverse = np.divide(1.0, depth, out=np.zeros_like(depth), where=known)
    step = max(1, int((depth.size / SAMPLES) ** 0.5))
    sample = inverse[::step, ::step][known[::step, ::step]]  # faster than all pixels
    if sample.size == 0 and (sample := inverse[known]).size == 0:
        return np.zeros((*depth.shape, 3), np.uint8)
    far, near = np.percentile(sample, (2, 98))
    # Levels 1 to 255, because black marks unknown pixels.
    level = 1 + np.clip((inverse - far) / max(near - far, 1e-12), 0, 1) * 254
    colours = cv2.applyColorMap(level.astype(np.uint8), cv2.COLORMAP_INFERNO)
    colours[~known] = 0
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB), np.uint8)


class PreviewStrip:
    """Image of several rows, each an input image beside its coloured depth."""

    def __init__(self, width: int = 640) -> None:
        self._width = width  # [px] of one image
        self._rows: list[RgbImage] = []

    def add(self, image: RgbImage, depth: NDArray[np.float32]) -> None:
        """Append a row: the RGB image [H,W,3] on the left, its coloured depth on the right."""
        size = (self._width, max(1, round(self._width * image.shape[0] / image.shape[1])))
        pair = [
            cv2.resize(image, size, interpolation=cv2.INTER_AREA),
            cv2.resize(colorize(depth), size, interpolation=cv2.INTER_AREA),
        ]
        self._rows.append(np.concatenate(pair, axis=1).astype(np.uint8))

    def write(self, path: Path) -> bool:
        """Write the rows as a PNG file; return False if there are no rows."""
        if not self._rows:
            return False
        width = min(row.shape[1] for row in self._rows)
        rows = [row[:, :width] for row in self._rows]
        strip = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
        write_png(path, strip)
        return True
