# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables and JSON of an evaluation."""

import json

import pytest

from jasmine_core.evaluate.metrics import DepthMetrics
from jasmine_core.evaluate.report import latex_table, markdown_table, write_json

ROWS = {
    "Jasmine | a_b": {**DepthMetrics(0.1, 0.6, 4.0, 0.2, 0.9, 0.97, 0.99)._asdict(), "frames": 697},
    "trivial_constant": {**DepthMetrics(0.5, 6.0, 12, 0.6, 0.2, 0.5, 0.7)._asdict(), "frames": 697},
    "trivial_mean_map": {
        **DepthMetrics(0.3, 3.0, 7.0, 0.3, 0.6, 0.8, 0.995)._asdict(),
        "frames": 697,
    },
}


def test_markdown_table_holds_every_number_and_marks_the_best():
    header, rule, *lines = markdown_table(ROWS).splitlines()
    assert header.split("|")[2].strip() == "AbsRel ↓"
    assert rule.count("--:") == 8
    cells = [line.replace(r"\|", "/").strip("|").split("|") for line in lines]
    labels, *columns = [[cell.strip() for cell in column] for column in zip(*cells, strict=True)]
    assert labels == ["Jasmine / a_b", "constant (trivial)", "mean-depth map (trivial)"]
    assert columns[0] == ["**0.100**", "0.500", "0.300"]
    assert columns[6] == ["0.990", "0.700", "**0.995**"]
    assert columns[7] == ["697"] * 3


def test_latex_table_is_escaped_and_has_equal_rows():
    lines = latex_table(ROWS).splitlines()
    assert lines[0] == r"\begin{tabular}{lrrrrrrrr}"
    assert lines[-1] == r"\end{tabular}"
    rows = [line for line in lines if line.endswith(r"\\")]
    assert [row.count("&") for row in rows] == [8] * 4
    assert rows[1].startswith(r"Jasmine | a\_b & \textbf{0.100} & ")


def test_json_is_complete_or_absent(tmp_path):
    path = tmp_path / "new" / "summary.json"
    write_json(path, ROWS)
    assert json.loads(path.read_text()) == ROWS
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"model": {"abs_rel": float("nan")}})
    assert json.loads(path.read_text()) == ROWS
    assert [file.name for file in path.parent.iterdir()] == ["summary.json"]
