# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A test set through a model: what is scored, what is shown, what is left out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from jasmine_core.evaluate.evaluation import Evaluation, mean_depth_map
from jasmine_core.evaluate.report import figure
from jasmine_core.evaluate.run import Sample, evaluate

GROUND = np.tile(np.linspace(40, 4, 24)[:, None], (1, 48)).astype(np.float32)


def samples(count=5):
    def each():
        for index in range(count):
            image = np.full((24, 48, 3), 10 * index, np.uint8)
            yield Sample(index, image, GROUND)

    return each


def predict(image, focal):
    """Err the more, the brighter the image is."""
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
def test_or_as_many_as_asked_for(show, places):
    exhibits = evaluate(predict, samples(), evaluation(), show=show)
    assert [int(e.image[0, 0, 0]) for e in exhibits] == places


def test_a_baseline_has_a_panel_of_its_own(tmp_path):
    alone = evaluate(predict, samples(2), evaluation())
    beside = evaluate(predict, samples(2), evaluation(), baseline=lambda image, focal: 3 * GROUND)
    np.testing.assert_allclose(beside[0].baseline, GROUND, rtol=1e-5)
    widths = []
    for name, exhibits in (("alone", alone), ("beside", beside)):
        figure(exhibits, tmp_path / f"{name}.png")
        widths.append(cv2.imread(str(tmp_path / f"{name}.png")).shape[1])
    assert widths[1] > 1.2 * widths[0]
