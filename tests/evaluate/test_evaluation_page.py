# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of an evaluation for people."""

from __future__ import annotations

from base64 import b64decode

import cv2
import numpy as np
import pytest

from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.figure import ERROR_END, Exhibit
from jasmine_core.evaluate.page import (
    evaluation_page,
    exhibit_sliders,
    score_sections,
    verdict_of,
    worst_table,
)
from jasmine_core.evaluate.reliability import Reliability
from jasmine_core.report.blocks import Slider, Table
from jasmine_core.report.page import render

GROUND_TRUTH = np.tile(np.linspace(40, 4, 60, dtype=np.float32)[:, None], (1, 120))


def evaluation(*errors: float) -> Evaluation:
    """Return an evaluation of images whose lower half is wrong by a factor."""
    filled = Evaluation(np.full((4, 4), 10.0), "plain")
    for index, error in enumerate(errors):
        depth = GROUND_TRUTH.copy()
        depth[40:] *= 1 + error
        filled.add(index * 10**9, depth, GROUND_TRUTH)
    return filled


def exhibit(error: float = 0.0, title: str = "best") -> Exhibit:
    image = np.full((30, 60, 3), 90, np.uint8)
    return Exhibit(title, image, GROUND_TRUTH * (1 + error), GROUND_TRUTH)


def pixels(uri: str) -> np.ndarray:
    data = np.frombuffer(b64decode(uri.partition(",")[2]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(int)


@pytest.mark.parametrize(
    ("error", "level"), [(0.1, "good"), (2.2, "warning"), (20.0, "problem")], ids=str
)
def test_verdict_compares_with_the_trivial_predictors(error, level):
    found, _, lead = verdict_of(evaluation(error))
    assert found == level
    assert "%" in lead


def test_worst_images_come_first():
    table = worst_table(evaluation(0.1, 0.9, 0.5).frames)
    assert [row[0] for row in table.rows] == ["1.000", "2.000", "0.000"]


def test_error_map_is_bright_where_the_error_is_large():
    _, right = exhibit_sliders(exhibit())
    _, wrong = exhibit_sliders(exhibit(2 * ERROR_END / 100))
    assert pixels(wrong.right).sum() > 2 * pixels(right.right).sum()
    depth, again = exhibit_sliders(exhibit())
    assert np.abs(pixels(depth.right) - pixels(again.left)).max() < 3  # the same colours


def test_pixels_without_ground_truth_are_grey():
    hidden = GROUND_TRUTH.copy()
    hidden[:30] = 0
    _, errors = exhibit_sliders(exhibit()._replace(ground_truth=hidden))
    for uri in (errors.left, errors.right):
        upper = pixels(uri)[:16]  # whole blocks of the JPEG
        assert np.ptp(upper, axis=2).max() < 6


def test_sections_have_the_table_and_two_sliders_of_each_exhibit():
    sections = score_sections(evaluation(0.1, 0.2), [exhibit(), exhibit(0.1, "<b>worst</b>")])
    blocks = [block for section in sections for block in section.blocks]
    assert sum(isinstance(block, Slider) for block in blocks) == 4
    table = next(block for block in blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == [
        "model",
        "constant (trivial)",
        "mean-depth map (trivial)",
    ]
    assert "Error maps" not in [s.title for s in score_sections(evaluation(0.1), [])]


def test_page_has_facts_confidence_and_escaped_names():
    reliability = Reliability()
    reliability.add(np.linspace(0, 1, 50), np.linspace(1, 2, 50), np.ones(50))
    facts = {"checkpoint": "<i>x</i>", "untrained": False, "recordings": {"a": 1}, "baseline": None}
    shown = [exhibit(title="<b>best</b>")]
    page = evaluation_page("Accuracy", evaluation(0.1), shown, facts, reliability.summary())
    text = render(page)
    assert "&lt;i&gt;x&lt;/i&gt;" in text and "&lt;b&gt;best&lt;/b&gt;" in text
    assert "untrained" not in text and "recordings" not in text and "ECE" in text
