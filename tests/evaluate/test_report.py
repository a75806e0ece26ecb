# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reports: tables hold the numbers, files are whole or absent, the figure shows what it says."""

import json

import cv2
import numpy as np
import pytest

from jasmine_core.evaluate.metrics import DepthMetrics
from jasmine_core.evaluate.report import (
    LINE,
    MARGIN,
    TILE,
    UNKNOWN,
    Exhibit,
    figure,
    latex_table,
    markdown_table,
    write_json,
)

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


def test_latex_table_is_escaped_and_even():
    lines = latex_table(ROWS).splitlines()
    assert lines[0] == r"\begin{tabular}{lrrrrrrrr}"
    assert lines[-1] == r"\end{tabular}"
    rows = [line for line in lines if line.endswith(r"\\")]
    assert [row.count("&") for row in rows] == [8] * 4
    assert rows[1].startswith(r"Jasmine | a\_b & \textbf{0.100} & ")


def test_json_is_whole_or_absent(tmp_path):
    path = tmp_path / "new" / "summary.json"
    write_json(path, ROWS)
    assert json.loads(path.read_text()) == ROWS
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"model": {"abs_rel": float("nan")}})
    assert json.loads(path.read_text()) == ROWS
    assert [file.name for file in path.parent.iterdir()] == ["summary.json"]


def exhibit(depth_error=0.0, keep=1.0):
    ground_truth = np.tile(np.linspace(40, 4, 60)[:, None], (1, 120))
    image = np.zeros((30, 60, 3), np.uint8)
    image[..., 0] = 200  # red
    depth = ground_truth * (1 + depth_error)
    hidden = np.random.default_rng(0).random(ground_truth.shape) >= keep
    return Exhibit("best: frame 7", image, depth, np.where(hidden, 0, ground_truth))


def drawn(exhibits, tmp_path):
    figure(exhibits, tmp_path / "figure.png")
    return cv2.imread(str(tmp_path / "figure.png"))[..., ::-1]


def panel(sheet, index):
    """Return one panel of the first row, without its frame of one pixel."""
    left, top = MARGIN + index * (TILE + MARGIN), MARGIN + LINE
    return sheet[top + 1 : top + TILE // 2 - 1, left + 1 : left + TILE - 1].astype(int)


def test_figure_has_one_row_per_frame(tmp_path):
    one, three = (drawn([exhibit()] * n, tmp_path) for n in (1, 3))
    assert one.shape == (TILE // 2 + 2 * LINE + MARGIN, 4 * TILE + 5 * MARGIN, 3)
    assert three.shape[0] == 3 * one.shape[0]


def test_figure_shows_input_depth_ground_truth_and_error(tmp_path):
    sheet = drawn([exhibit()], tmp_path)
    assert (panel(sheet, 0) == (200, 0, 0)).all()
    np.testing.assert_array_equal(panel(sheet, 1), panel(sheet, 2))  # perfect depth looks the same
    brightness = panel(sheet, 2).sum(axis=(1, 2))
    assert brightness[-1] > 2 * brightness[0]  # near is bright
    assert np.ptp(panel(sheet, 3).reshape(-1, 3), axis=0).max() == 0
    wrong = panel(drawn([exhibit(depth_error=0.3)], tmp_path), 3)
    assert wrong.mean() > panel(sheet, 3).mean() + 20


def test_unknown_ground_truth_is_grey_and_sparse_ground_truth_can_be_seen(tmp_path):
    def grey(keep):
        return (panel(drawn([exhibit(keep=keep)], tmp_path), 2) == UNKNOWN).all(axis=-1).mean()

    assert grey(1.0) == 0
    assert grey(0.0) == 1
    assert 0.3 < grey(0.04) < 0.9  # without growing the dots it would be 0.96


def test_missing_prediction_is_grey(tmp_path):
    whole = exhibit()
    depth = whole.depth.copy()
    depth[:, :60] = np.nan  # a letterbox margin, say
    unseen = np.where(np.isnan(depth), 0, whole.ground_truth)
    sheet = drawn([whole._replace(depth=depth, ground_truth=unseen)], tmp_path)
    grey = (panel(sheet, 1) == UNKNOWN).all(axis=-1)
    assert grey[:, :235].all()
    assert not grey[:, 245:].any()


def test_frame_at_a_single_depth_can_be_drawn(tmp_path):
    wall = np.full((20, 40), 3.0)
    sheet = drawn([Exhibit("wall", np.zeros((20, 40, 3), np.uint8), wall, wall)], tmp_path)
    assert np.ptp(panel(sheet, 2).reshape(-1, 3), axis=0).max() == 0
