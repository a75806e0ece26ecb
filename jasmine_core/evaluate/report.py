# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables and JSON of an evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jasmine_core.files import atomic_file

Rows = Mapping[str, Mapping[str, Any]]  # metrics by name of the predictor, see Evaluation.summary

LABELS = {"trivial_constant": "constant (trivial)", "trivial_mean_map": "mean-depth map (trivial)"}


class Column(NamedTuple):
    """One metric and its heading in each format."""

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
    """Return a Markdown table with the best value of each column in bold."""
    lines = [
        ["", *(column.markdown for column in COLUMNS), "frames"],
        [":--", *["--:"] * (len(COLUMNS) + 1)],
        *_cells(rows, bold="**{}**", escape={"|": r"\|"}),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex_table(rows: Rows) -> str:
    """Return a LaTeX tabular (booktabs) with the best value of each column in bold."""
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
    """Return the label, metrics and number of frames of each row as text."""
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
    """Write a summary as JSON; a reader sees the old file or the complete new one."""
    text = json.dumps(summary, indent=2, allow_nan=False)  # JSON has no NaN.
    with atomic_file(path) as temporary:
        temporary.write_text(f"{text}\n")
