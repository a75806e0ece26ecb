# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Show an evaluation: tables, JSON, and an image of its best, median and worst frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_core.evaluate.metrics import FloatArray
from jasmine_core.files import atomic_file
from jasmine_core.geometry.camera import Size

Rows = Mapping[str, Mapping[str, Any]]  # `Evaluation.summary()`, or several of them merged
Image = NDArray[np.uint8]

LABELS = {"trivial_constant": "constant (trivial)", "trivial_mean_map": "mean-depth map (trivial)"}


class Column(NamedTuple):
    """Name one metric in each kind of table."""

    key: str
    markdown: str
    latex: str
    best: Any  # min or max


COLUMNS = (
    Column("abs_rel", "AbsRel ↓", r"AbsRel $\downarrow$", min),
    Column("sq_rel", "SqRel ↓", r"SqRel $\downarrow$", min),
    Column("rmse", "RMSE ↓", r"RMSE $\downarrow$", min),
    Column("rmse_log", "RMSElog ↓", r"RMSElog $\downarrow$", min),
    Column("a1", "δ<1.25 ↑", r"$\delta<1.25$ $\uparrow$", max),
    Column("a2", "δ<1.25² ↑", r"$\delta<1.25^2$ $\uparrow$", max),
    Column("a3", "δ<1.25³ ↑", r"$\delta<1.25^3$ $\uparrow$", max),
)


def markdown_table(rows: Rows) -> str:
    """Lay rows out as a Markdown table, the best of every column in bold."""
    lines = [
        ["", *(column.markdown for column in COLUMNS), "frames"],
        [":--", *["--:"] * (len(COLUMNS) + 1)],
        *_cells(rows, bold="**{}**", escape={"|": r"\|"}),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex_table(rows: Rows) -> str:
    """Lay rows out as a LaTeX tabular (booktabs), the best of every column in bold."""
    escape = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    escape |= {symbol: f"\\{symbol}" for symbol in "&%$#_{}"}
    header = ["", *(column.latex for column in COLUMNS), "frames"]
    lines = [
        rf"\begin{{tabular}}{{l{'r' * (len(COLUMNS) + 1)}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in _cells(rows, r"\textbf{{{}}}", escape)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _cells(rows: Rows, bold: str, escape: dict[str, str]) -> list[list[str]]:
    """Return each row's label, metrics and number of frames as text."""
    best = {key: choose(row[key] for row in rows.values()) for key, _, _, choose in COLUMNS}
    lines = []
    for name, row in rows.items():
        label = "".join(escape.get(letter, letter) for letter in LABELS.get(name, name))
        cells = [
            (bold if row[key] == value else "{}").format(f"{row[key]:.3f}")
            for key, value in best.items()
        ]
        lines.append([label, *cells, str(row["frames"])])
    return lines


def write_json(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary so that a reader sees the old file or the whole new one."""
    text = json.dumps(summary, indent=2, allow_nan=False)  # NaN is not JSON
    with atomic_file(path) as temporary:
        temporary.write_text(f"{text}\n")


class Exhibit(NamedTuple):
    """One frame of the figure; its title says what it stands for."""

    title: str
    image: Image  # [h,w,3] RGB, what the network was shown
    depth: FloatArray  # [H,W] m, aligned
    ground_truth: FloatArray  # [H,W] m, 0 or NaN where unknown or not counted
    baseline: FloatArray | None = None  # [H,W] m, another model's, aligned


TILE = 480  # px, width of one panel
MARGIN = 8  # px around panels
LINE = 24  # px, height of a line of text
BAR = (120, 10)  # px, size of a colour bar
PAPER, INK, UNKNOWN = 255, 40, 70  # grey levels
DEPTH_COLOURS, ERROR_COLOURS = cv2.COLORMAP_MAGMA, cv2.COLORMAP_VIRIDIS
ERROR_END = 0.5  # relative error at the end of its colour bar
SPARSE = 0.5  # share of the pixels with ground truth below which each is drawn as a dot


def figure(exhibits: Sequence[Exhibit], path: Path) -> None:
    """Draw one row for each frame as PNG: image, prediction, baseline, ground truth, error.

    Prediction and ground truth of a row share a logarithmic scale on which near is bright; it runs
    from the 2nd to the 98th percentile of the ground truth. Unknown pixels are grey.
    """
    sheet = np.vstack([_row(exhibit) for exhibit in exhibits])
    written, png = cv2.imencode(".png", sheet[..., ::-1])
    if not written:
        raise FrameError(f"{path}: a sheet of {sheet.shape[1]}x{sheet.shape[0]} px is no PNG")
    with atomic_file(path) as temporary:
        temporary.write_bytes(png.tobytes())


def _row(exhibit: Exhibit) -> Image:
    _, image, depth, ground_truth, baseline = exhibit
    known = np.isfinite(ground_truth) & (ground_truth > 0)
    near, far = np.percentile(ground_truth[known], (2, 98)).tolist() if known.any() else (1.0, 80.0)
    far = max(far, 1.01 * near)  # a wall seen square on has a single depth
    filled = np.where(known, ground_truth, far)
    error = np.abs(depth - filled) / filled

    def nearness(metres: FloatArray) -> FloatArray:
        return np.asarray(np.log(far / np.maximum(metres, near / 10)) / np.log(far / near))

    size = (TILE, round(TILE * ground_truth.shape[0] / ground_truth.shape[1]))
    metres = (f"{far:.3g} m", f"{near:.3g} m")
    percent = ("0 %", f"{100 * ERROR_END:.0f} %")
    panels = [
        np.vstack([cv2.resize(image, size, interpolation=cv2.INTER_AREA), _legend("input")]),
        _panel("prediction", nearness(depth), np.isfinite(depth), size, DEPTH_COLOURS, metres),
        *(
            [
                _panel(
                    "baseline",
                    nearness(baseline),
                    np.isfinite(baseline),
                    size,
                    DEPTH_COLOURS,
                    metres,
                )
            ]
            if baseline is not None
            else []
        ),
        _panel("ground_truth", nearness(filled), known, size, DEPTH_COLOURS, metres),
        _panel("|p - t| / t", error / ERROR_END, known, size, ERROR_COLOURS, percent),
    ]
    gap = np.full((size[1] + LINE, MARGIN, 3), PAPER, np.uint8)
    body = np.hstack([gap, *(part for panel in panels for part in (panel, gap))])
    title = np.full((LINE + MARGIN, body.shape[1], 3), PAPER, np.uint8)
    _text(title, exhibit.title, MARGIN, MARGIN + LINE - 9, size=0.6)
    return np.vstack([title, body])


def _panel(
    name: str,
    values: FloatArray,
    known: NDArray[np.bool_],
    size: Size,
    palette: int,
    ends: tuple[str, str],
) -> Image:
    """Paint what is known of values [H,W], 0..1, and write the panel's name and scale beneath."""
    shown = np.where(known, np.clip(values, 0, 1), -1.0)
    if known.mean() < SPARSE:
        dot = 1 + 2 * -(-known.shape[1] // TILE)  # px, odd, two to three in the panel
        shown = cv2.dilate(shown, np.ones((dot, dot), np.uint8))  # the highest value is on top
    shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_NEAREST), np.float64)
    painted = np.where(shown[..., None] < 0, np.uint8(UNKNOWN), _paint(shown, palette))

    legend = _legend(name)
    (width, height), right, base = BAR, TILE - 75, LINE - 8  # room for "0.816 m" on either side
    ramp = np.tile(np.linspace(0, 1, width), (height, 1))
    legend[base - height + 1 : base + 1, right - width : right] = _paint(ramp, palette)
    _text(legend, ends[0], right - width - 75, base)
    _text(legend, ends[1], right + 8, base)
    return np.vstack([painted, legend])


def _legend(name: str) -> Image:
    legend = np.full((LINE, TILE, 3), PAPER, np.uint8)
    _text(legend, name, 0, LINE - 8)
    return legend


def _paint(values: FloatArray, palette: int) -> Image:
    levels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, palette)[..., ::-1], np.uint8)  # BGR to RGB


def _text(canvas: Image, text: str, x: int, y: int, size: float = 0.45) -> None:
    cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, (INK,) * 3, 1, cv2.LINE_AA)
