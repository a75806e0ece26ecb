# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables and JSON of an evaluation."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_file, expect_writable, read_json

Rows = Mapping[str, Mapping[str, Any]]  # metrics by name of the predictor, see Evaluation.summary

BESIDE = (".md", ".tex", ".png", ".html")  # files with the name of the JSON file
LABELS = {
    "trivial_constant": "constant (trivial)",
    "trivial_mean_map": "mean-depth map (trivial)",
    "ground_truth": "ground truth",
}


class Column(NamedTuple):
    """One metric and its heading in each format."""

    key: str
    markdown: str
    latex: str
    best: Any  # min or max
    digits: int = 3


COLUMNS = (
    Column("abs_rel", "AbsRel ↓", r"AbsRel $\downarrow$", min),
    Column("sq_rel", "SqRel ↓", r"SqRel $\downarrow$", min),
    Column("rmse", "RMSE ↓", r"RMSE $\downarrow$", min),
    Column("rmse_log", "RMSElog ↓", r"RMSElog $\downarrow$", min),
    Column("a1", "δ<1.25 ↑", r"$\delta<1.25$ $\uparrow$", max),
    Column("a2", "δ<1.25² ↑", r"$\delta<1.25^2$ $\uparrow$", max),
    Column("a3", "δ<1.25³ ↑", r"$\delta<1.25^3$ $\uparrow$", max),
)
TEMPORAL_COLUMNS = (
    Column("tae", "TAE % ↓", r"TAE \% $\downarrow$", min, 2),
    Column("tae_static", "static TAE % ↓", r"static TAE \% $\downarrow$", min, 2),
    Column("opw", "OPW % ↓", r"OPW \% $\downarrow$", min, 2),
    Column("scale_spread", "scale spread ↓", r"scale spread $\downarrow$", min),
    Column("scale_drift", "scale drift 1/s ↓", r"scale drift 1/s $\downarrow$", min),
)


REPORTS = {"trivial_constant", "autoencoder"}  # keys that a report of each kind has


def expect_place(path: Path, kind: str = "trivial_constant") -> None:
    """Raise ConfigError if a report cannot be written, before its work begins.

    The files of an earlier report are replaced, and no others.

    Args:
        path: JSON file of the report; the other files differ in the suffix.
        kind: one of REPORTS; a report of another kind is not replaced either.
    """
    expect_writable(path, "--json")
    others = [path.with_suffix(suffix) for suffix in BESIDE]
    if path in others:
        raise ConfigError(f"--json is {path}, the name of another file of the report; use .json")
    own = is_report(path, {kind})
    for file in [path, *others]:
        if os.path.lexists(file) and not (own and file.is_file() and not file.is_symlink()):
            raise ConfigError(
                f"{file} is in the place of a report, but is not part of one of the same kind; "
                "move it, or choose another file with --json"
            )


def is_report(path: Path, kinds: Set[str] = REPORTS) -> bool:
    """Return whether a file is the JSON of a report of one of the kinds."""
    try:
        values = read_json(path)
    except (OSError, ValueError):
        return False
    return isinstance(values, dict) and bool(values.keys() & kinds)


def markdown_tables(rows: Rows, temporal: Rows) -> str:
    """Return the table of depth metrics and, if there are clips, that of temporal metrics.

    Args:
        rows: depth metrics, see `Evaluation.summary`.
        temporal: temporal metrics, see `ClipEvaluation.summary`; empty without clips.
    """
    table = markdown_table(rows)
    return f"{table}\n{markdown_table(temporal, TEMPORAL_COLUMNS)}" if temporal else table


def latex_tables(rows: Rows, temporal: Rows) -> str:
    """Return the tables of `markdown_tables` in LaTeX."""
    table = latex_table(rows)
    return f"{table}\n{latex_table(temporal, TEMPORAL_COLUMNS)}" if temporal else table


def markdown_table(rows: Rows, columns: Sequence[Column] = COLUMNS) -> str:
    """Return a Markdown table with the best value of each column in bold."""
    header = header_of(rows, [column.markdown for column in columns])
    lines = [
        header,
        [":--", *["--:"] * (len(header) - 1)],
        *rows_of(rows, columns, "**{}**", {"|": r"\|"}),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex_table(rows: Rows, columns: Sequence[Column] = COLUMNS) -> str:
    """Return a LaTeX tabular (booktabs) with the best value of each column in bold."""
    escape = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    escape |= {symbol: f"\\{symbol}" for symbol in "&%$#_{}"}
    header = header_of(rows, [column.latex for column in columns])
    cells = rows_of(rows, columns, r"\textbf{{{}}}", escape)
    lines = [
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in cells),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "".join(f"{line}\n" for line in lines)


def header_of(rows: Rows, columns: list[str]) -> list[str]:
    """Return the header of a table; the last column is the number of images, if it is known."""
    return ["", *columns, *(["frames"] if _counted(rows) else [])]


def _counted(rows: Rows) -> bool:
    return all("frames" in row for row in rows.values())


def rows_of(
    rows: Rows,
    columns: Sequence[Column],
    bold: str = "{}",
    escape: Mapping[str, str] = MappingProxyType({}),
) -> list[list[str]]:
    """Return the label, metrics and number of frames of each row as text."""
    predictors = [row for name, row in rows.items() if name != "ground_truth"]
    best = {}
    for column in columns:
        known = [row[column.key] for row in predictors if row[column.key] is not None]
        best[column.key] = column.best(known) if known else None
    lines = []
    for name, row in rows.items():
        label = "".join(escape.get(letter, letter) for letter in LABELS.get(name, name))
        cells = []
        for column in columns:
            value = row[column.key]
            marked = name != "ground_truth" and value == best[column.key]
            text = "-" if value is None else f"{value:.{column.digits}f}"
            cells.append((bold if marked and value is not None else "{}").format(text))
        lines.append([label, *cells, *([str(row["frames"])] if _counted(rows) else [])])
    return lines


def write_json(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary as JSON; a reader sees the old file or the complete new one."""
    text = json.dumps(summary, indent=2, allow_nan=False)  # JSON has no NaN.
    with atomic_file(path) as temporary:
        temporary.write_text(f"{text}\n")
