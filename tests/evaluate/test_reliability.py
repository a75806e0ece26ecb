# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reliability of a confidence: calibration error, sparsification, and the printed diagram."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.evaluate.reliability import Reliability, reliability_table

N = 20_000
GROUND_TRUTH = np.full(N, 10.0)


def measured(confidence, error):
    reliability = Reliability()
    reliability.add(confidence, GROUND_TRUTH * (1 + error), GROUND_TRUTH)
    return reliability.summary()


def test_a_confidence_that_is_the_probability_has_no_error():
    rng = np.random.default_rng(0)
    confidence = rng.random(N)
    error = np.where(rng.random(N) < confidence, 0.05, 0.3)
    summary = measured(confidence, error)
    assert summary["ece"] < 0.02
    assert len(summary["bins"]) == 10
    assert sum(row["share"] for row in summary["bins"]) == pytest.approx(1)


@pytest.mark.parametrize(("confidence", "ece"), [(1.0, 0.75), (0.25, 0.0), (0.0, 0.25)])
def test_the_error_of_a_constant_confidence_is_its_distance_from_the_share(confidence, ece):
    error = np.where(np.arange(N) % 4 == 0, 0.05, 0.3)
    summary = measured(np.full(N, confidence), error)
    assert summary["ece"] == pytest.approx(ece, abs=1e-9)
    assert summary["correct"] == pytest.approx(0.25)


def test_a_confidence_in_the_order_of_the_errors_is_the_best():
    error = np.random.default_rng(1).random(N)
    best, worst = measured(1 - error, error), measured(error, error)
    assert best["ause"] == pytest.approx(0, abs=1e-9) and best["aurg"] > 0.2
    assert worst["ause"] > 0.4 and worst["aurg"] < -0.1


def test_every_image_has_the_same_weight():
    reliability = Reliability()
    reliability.add(np.ones(1000), np.full(1000, 10.0), np.full(1000, 10.0))
    reliability.add(np.ones(10), np.full(10, 20.0), np.full(10, 10.0))
    assert reliability.summary()["correct"] == pytest.approx(0.5)


def test_pixels_without_a_confidence_count_as_zero():
    summary = measured(np.full(N, np.nan), np.zeros(N))
    assert summary["ece"] == pytest.approx(1)


def test_the_table_has_a_row_for_each_used_bin():
    assert Reliability().summary() == {}
    summary = measured(np.where(np.arange(N) % 2, 0.95, 0.15), np.zeros(N))
    table = reliability_table(summary, calibrated=True)
    assert "confidence (calibrated): ECE" in table
    assert table.count("| 50.0% |") == 2
