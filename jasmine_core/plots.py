# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Matplotlib figures without the global state of pyplot; matplotlib is in the extra `report`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jasmine_core.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

logger = logging.getLogger(__name__)

DPI = 100
INK, PALE, GRID = "#282828", "#787878", "#e1e1e1"
BLUE, RED, GREEN, AMBER = "#285abe", "#c8322d", "#288c46", "#d28c14"
_STYLE = {
    "font.size": 9,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": PALE,
    "ytick.color": PALE,
}


def can_plot(path: Path) -> bool:
    """Return whether matplotlib can be imported; if not, log that `path` is not drawn."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as err:
        logger.warning("%s is not drawn: %s; pip install 'jasmine_ros[report]'", path, err)
        return False
    return True


@contextmanager
def png_figure(path: Path, width: int, height: int) -> Iterator[Figure]:
    """Yield an empty figure of a size [px] that becomes a PNG file when the block succeeds."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.context(["default", _STYLE]):  # independent of the user's matplotlibrc
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        yield figure
        with atomic_file(path) as temporary:
            figure.savefig(temporary, format="png", dpi=DPI)


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return new axes in a rectangle [px] measured from the top left corner of the figure."""
    w, h = figure.get_size_inches() * DPI
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def add_text(figure: Figure, text: str, left: float, top: float, **style: Any) -> Text:
    """Add text with its top left corner at a position [px] of the figure, and return it."""
    w, h = figure.get_size_inches() * DPI
    return figure.text(left / w, 1 - top / h, literal(text), va="top", **style)


def literal(text: str) -> str:
    """Return text in which dollar signs do not begin a formula of matplotlib."""
    return text.replace("$", r"\$")
