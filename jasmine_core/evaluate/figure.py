# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figure of an evaluation: image, depth, ground truth and error of some frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.metrics import FloatArray
from jasmine_core.geometry.camera import Size
from jasmine_core.plots import add_axes, add_text, can_plot, png_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TILE, MARGIN, GAP = 545, 20, 90  # [px] width of a panel, outer margin, space for a colour bar
TITLE, LINE = 34, 24  # [px] height of the title of a frame and of a panel's name
UNKNOWN = "#464646"
DEPTH_COLOURS, ERROR_COLOURS = "magma_r", "viridis"  # near is bright
ERROR_END = 50.0  # [%] relative error at the end of its colour bar
SPARSE = 0.5  # share of the pixels with ground truth below which each is drawn as a dot


class Exhibit(NamedTuple):
    """One frame of the figure."""

    title: str
    image: NDArray[np.uint8]  # [h,w,3] RGB, the input of the network
    depth: FloatArray  # [H,W] m, aligned
    ground_truth: FloatArray  # [H,W] m, 0 or NaN where unknown or not counted
    baseline: FloatArray | None = None  # [H,W] m, depth of another model, aligned


class _Panel(NamedTuple):
    name: str
    values: NDArray[Any]  # [H,W,3] an image, or masked [H,W]
    kind: str  # image, depth or error


def draw_figure(exhibits: Sequence[Exhibit], path: Path) -> bool:
    """Write the frames as PNG; without matplotlib log a warning and return False.

    Each frame has two rows: image and prediction above ground truth and relative error, and a
    third column for the baseline if there is one. Depth maps of a frame share a logarithmic scale
    from the 2nd to the 98th percentile of the ground truth. Unknown pixels are grey.
    """
    if not can_plot(path):
        return False
    columns = 3 if any(exhibit.baseline is not None for exhibit in exhibits) else 2
    sizes = [_size(exhibit) for exhibit in exhibits]
    heights = [TITLE + 2 * (LINE + height) + MARGIN for _, height in sizes]
    width = 2 * MARGIN + columns * TILE + (columns - 1) * GAP + GAP - MARGIN
    with png_figure(path, width, MARGIN + sum(heights)) as figure:
        top = MARGIN
        for exhibit, size, height in zip(exhibits, sizes, heights, strict=True):
            _draw_exhibit(figure, top, exhibit, size)
            top += height
    return True


def _size(exhibit: Exhibit) -> Size:
    height, width = exhibit.ground_truth.shape
    return TILE, round(TILE * height / width)


def _draw_exhibit(figure: Figure, top: int, exhibit: Exhibit, size: Size) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    near, far = depth_range(exhibit.ground_truth)
    norms = {"depth": LogNorm(near, far, clip=True), "error": Normalize(0, ERROR_END, clip=True)}
    colours = {
        kind: colormaps[name].with_extremes(bad=UNKNOWN)
        for kind, name in (("depth", DEPTH_COLOURS), ("error", ERROR_COLOURS))
    }
    add_text(figure, exhibit.title, MARGIN, top, size=13, weight="bold")
    width, height = size
    for row, panels in enumerate(_panels(exhibit, near)):
        for column, panel in enumerate(panels):
            left = MARGIN + column * (TILE + GAP)
            y = top + TITLE + row * (LINE + height)
            add_text(figure, panel.name, left, y, size=10)
            ax = add_axes(figure, left, y + LINE - 4, width, height - 6)
            ax.set_axis_off()
            if panel.kind == "image":
                ax.imshow(panel.values, interpolation="antialiased", aspect="auto")
                continue
            drawn = ax.imshow(
                panel.values,
                cmap=colours[panel.kind],
                norm=norms[panel.kind],
                interpolation="nearest",
                aspect="auto",
            )
            bar = add_axes(figure, left + width + 8, y + LINE - 4, 12, height - 6)
            figure.colorbar(drawn, cax=bar)
            bar.grid(visible=False)
            if panel.kind == "depth":
                ticks = np.geomspace(near, far, 5)
                bar.set_yticks(ticks, [f"{tick:.3g} m" for tick in ticks])
                bar.invert_yaxis()
            else:
                ticks = np.linspace(0, ERROR_END, 6)
                bar.set_yticks(ticks, [f"{tick:.0f} %" for tick in ticks])
            bar.minorticks_off()


def depth_range(ground_truth: FloatArray) -> tuple[float, float]:
    """Return the least and the largest depth [m] of the scale."""
    known = known_pixels(ground_truth)
    if not known.any():
        return 1.0, 80.0
    near, far = np.percentile(ground_truth[known], (2, 98)).tolist()
    return near, max(far, 1.01 * near)  # A wall parallel to the image plane has a single depth.


def known_pixels(depth: FloatArray) -> NDArray[np.bool_]:
    """Return the mask [H,W] of the pixels with depth."""
    return np.asarray(np.isfinite(depth) & (depth > 0))


def _panels(exhibit: Exhibit, near: float) -> list[list[_Panel]]:
    """Return the two rows of panels of a frame."""
    ground_truth, baseline = exhibit.ground_truth, exhibit.baseline
    known = known_pixels(ground_truth)
    upper: list[_Panel] = [
        _Panel("input image", exhibit.image, "image"),
        _depth_panel("prediction", exhibit.depth, near),
    ]
    lower: list[_Panel] = [
        _Panel("ground truth", -_masked(-ground_truth, known), "depth"),  # the nearest on top
        _error_panel("prediction", exhibit.depth, ground_truth),
    ]
    if baseline is not None:
        upper.append(_depth_panel("baseline", baseline, near))
        lower.append(_error_panel("baseline", baseline, ground_truth))
    return [upper, lower]


def _depth_panel(name: str, depth: FloatArray, near: float) -> _Panel:
    """Return a panel of a dense depth map; depth of 0 or less is drawn as the nearest."""
    unknown = ~np.isfinite(depth)
    positive = np.maximum(np.where(unknown, near, depth), near / 10)
    return _Panel(f"{name}: depth", np.ma.masked_array(positive, unknown), "depth")


def _error_panel(name: str, depth: FloatArray, ground_truth: FloatArray) -> _Panel:
    known = known_pixels(ground_truth) & np.isfinite(depth)
    filled = np.where(known, ground_truth, 1.0)
    error = 100 * np.abs(np.where(known, depth, 1.0) - filled) / filled
    return _Panel(f"{name}: |depth - ground truth| / ground truth", _masked(error, known), "error")


def _masked(values: FloatArray, known: NDArray[np.bool_]) -> NDArray[Any]:
    """Return values [H,W] without the unknown pixels; sparse pixels grow to visible dots."""
    return np.ma.masked_invalid(dotted(values, known))


def dotted(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Return values [H,W], NaN where unknown; sparse pixels grow to dots that can be seen.

    Where dots overlap, the largest value is drawn.
    """
    filled: FloatArray = np.where(known, values, -1e9).astype(np.float32)
    if known.mean() < SPARSE:
        dot = 1 + 2 * -(-known.shape[1] // TILE)  # [px] odd, two to three pixels of the panel
        filled = np.asarray(cv2.dilate(filled, np.ones((dot, dot), np.uint8)), np.float32)
    return np.where(filled < -1e8, np.nan, filled)
