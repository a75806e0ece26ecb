# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a test set: scores, frames of the figure, skipped frames."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from jasmine_core.errors import FrameError
from jasmine_core.evaluate.evaluation import Evaluation, mean_depth_map
from jasmine_core.evaluate.figure import draw_figure
from jasmine_core.evaluate.run import Sample, evaluate, write_report

GROUND = np.tile(np.linspace(40, 4, 24)[:, None], (1, 48)).astype(np.float32)


def samples(count=5):
    def each():
        for index in range(count):
            image = np.full((24, 48, 3), 10 * index, np.uint8)
            yield Sample(index, image, GROUND)

    return each


def predict(image, focal):
    """Return depth whose error grows with the brightness of the image."""
    return GROUND * (1 + 0.004 * image[0, 0, 0] * np.sin(np.arange(48, dtype=np.float32)))


def evaluation():
    return Evaluation(mean_depth_map([GROUND]), "plain")


def test_best_median_and_worst_are_shown():
    exhibits = evaluate(predict, samples(), evaluation())
    assert [e.image[0, 0, 0] for e in exhibits] == [0, 20, 40]
    assert exhibits[0].title.startswith("best: AbsRel 0.000")
    assert all(e.baseline is None for e in exhibits)


@pytest.mark.parametrize(
    ("show", "places"), [(1, [0]), (2, [0, 40]), (3, [0, 20, 40]), (9, [0, 10, 20, 30, 40])]
)
def test_show_selects_evenly_spaced_frames(show, places):
    exhibits = evaluate(predict, samples(), evaluation(), show=show)
    assert [int(e.image[0, 0, 0]) for e in exhibits] == places


def test_a_baseline_adds_a_column_to_the_figure(tmp_path):
    alone = evaluate(predict, samples(2), evaluation())
    beside = evaluate(predict, samples(2), evaluation(), baseline=lambda image, focal: 3 * GROUND)
    np.testing.assert_allclose(beside[0].baseline, GROUND, rtol=1e-5)
    widths = []
    for name, exhibits in (("alone", alone), ("beside", beside)):
        draw_figure(exhibits, tmp_path / f"{name}.png")
        widths.append(cv2.imread(str(tmp_path / f"{name}.png")).shape[1])
    assert widths[1] > 1.2 * widths[0]


def test_frames_without_ground_truth_are_skipped_with_one_warning(caplog):
    def each():
        yield from samples(3)()
        yield Sample(9, np.zeros((24, 48, 3), np.uint8), 0 * GROUND)
        yield Sample(10, np.zeros((24, 48, 3), np.uint8), 0 * GROUND)

    scores = evaluation()
    evaluate(predict, each, scores)
    assert len(scores.frames) == 3
    assert len(caplog.records) == 1 and "2 frames were skipped" in caplog.text


def test_an_evaluation_in_which_no_frame_is_usable_names_the_reason():
    empty = Sample(9, np.zeros((24, 48, 3), np.uint8), 0 * GROUND)
    with pytest.raises(FrameError, match="the first of 2: no pixel of the 48x24 px ground truth"):
        evaluate(predict, lambda: iter([empty, empty]), evaluation())


def test_report_without_matplotlib_has_no_figure(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    scores = evaluation()
    exhibits = evaluate(predict, samples(), scores)
    table = write_report(scores, exhibits, {"checkpoint": "tiny"}, tmp_path / "scores.json")
    assert {f.name for f in tmp_path.iterdir()} == {"scores.json", "scores.md", "scores.tex"}
    assert (tmp_path / "scores.md").read_text() == table
    assert "scores.png" in caplog.text and "jasmine_ros[report]" in caplog.text
