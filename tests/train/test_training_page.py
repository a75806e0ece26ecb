# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of a training for people."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from jasmine_core.report.blocks import Chart, Gallery, Tiles
from jasmine_core.report.page import render
from jasmine_core.train.page import training_page


@pytest.fixture
def run(tmp_path):
    """Return the folder of a training with 50 logged steps and 6 progress images."""
    rows = [{"step": i, "total": 1 / i, "images_per_second": 8.0} for i in range(1, 51)]
    rows += [{"step": 25, "validation": 0.3}, {"step": 50, "validation": 0.4}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.yaml").write_text("learner: jasmine  # <b>mine</b>\n")
    (tmp_path / "images").mkdir()
    for i in range(6):
        image = np.full((90, 60, 3), 40 * i, np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{10 * i:07d}.png"), image)
    return tmp_path


def blocks_of(page, kind):
    return [b for section in page.sections for b in section.blocks if isinstance(b, kind)]


def test_page_has_curves_beside_the_recipe(run):
    page = training_page(run, 50, 50)
    charts = blocks_of(page, Chart)
    assert [chart.title for chart in charts] == ["total: 1 to 0.02", "validation: 0.3 to 0.4"]
    text = render(page)
    assert "learner: jasmine  # &lt;b&gt;mine&lt;/b&gt;" in text
    assert text.index("<svg") < text.index("<aside>")
    assert (page.level, page.verdict) == ("good", "finished")


def test_best_validation_and_speed_are_shown(run):
    (tiles,) = blocks_of(training_page(run, 50, 50), Tiles)
    assert ("0.3", "best validation, at step 25") in tiles.items
    assert ("8", "images per second") in tiles.items


def test_progress_images_are_spread_over_the_training(run):
    (gallery,) = blocks_of(training_page(run, 50, 50), Gallery)
    assert [figure.caption for figure in gallery.figures] == [
        "step 0",
        "step 20",
        "step 30",
        "step 50",
    ]


def test_interrupted_training_without_a_log_has_a_page(run):
    (run / "log.jsonl").write_text("")
    for file in (run / "images").iterdir():
        file.unlink()
    page = training_page(run, 3, 50)
    assert (page.level, page.verdict) == ("warning", "interrupted")
    assert "Nothing is logged yet." in render(page)
    assert not blocks_of(page, Chart) and not blocks_of(page, Gallery)
