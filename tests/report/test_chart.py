# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import numpy as np
import pytest

from jasmine_core.report.blocks import Chart, Series
from jasmine_core.report.chart import BOX, draw, robust_limits, ticks


def points(path: str) -> np.ndarray:
    """Return the points [N,2] of path data."""
    return np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path), np.float64)


def chart(*series: Series, **options) -> Chart:
    return Chart("title", "time [s]", series, **options)


def test_curve_fills_the_box_from_left_to_right():
    drawing = draw(chart(Series("a", (10, 20, 30), (0, 5, 10)), limits=(0, 10)))
    (curve,) = drawing.curves
    assert points(curve.path).tolist() == [[0, BOX], [BOX / 2, BOX / 2], [BOX, 0]]
    assert [text for _, text in drawing.y_ticks] == ["0", "5", "10"]
    assert [at for at, _ in drawing.y_ticks] == [100, 50, 0]
    assert drawing.x_ticks[0] == (0, "10")


def test_unknown_values_interrupt_a_curve():
    path = draw(chart(Series("a", range(5), (1, 2, np.nan, 3, 4)))).curves[0].path
    assert [letter for letter in path if letter in "ML"] == list("MLML")


def test_long_curve_keeps_its_extremes():
    values = np.zeros(100_000)
    values[[777, 50_001]] = 5, -3
    drawing = draw(chart(Series("a", np.arange(100_000), values), limits=(-3, 5)))
    drawn = points(drawing.curves[0].path)
    assert len(drawn) <= 800
    assert drawn[:, 1].min() == 0 and drawn[:, 1].max() == BOX


def test_values_outside_the_limits_leave_the_box_by_a_bounded_distance():
    drawn = points(draw(chart(Series("a", (0, 1, 2), (1, 1e30, 1)), limits=(0, 2))).curves[0].path)
    assert np.abs(drawn).max() <= 2 * BOX and drawn[1, 1] < 0


def test_band_lies_around_its_curve():
    series = Series("a", (0, 1, 2), (2, 3, 4), (1, 2, 3), (3, 4, 5))
    (curve,) = draw(chart(series)).curves
    band = points(curve.band)
    assert len(band) == 6 and curve.band.endswith("Z")
    assert (band[:3, 1] > points(curve.path)[:, 1]).all()
    assert (band[5:2:-1, 1] < points(curve.path)[:, 1]).all()


def test_marks_are_counted_and_extend_the_axis():
    drawing = draw(chart(Series("a", (0, 1), (0, 1)), marks=(2.0, 2.0, 4.0)))
    assert drawing.mark_count == 3
    assert drawing.marks == f"M500 0V{BOX:.0f}M1000 0V{BOX:.0f}"
    assert points(drawing.curves[0].path)[-1, 0] == BOX / 4


@pytest.mark.parametrize("values", [(), (3.0,), (3.0, 3.0), (np.nan, np.nan)], ids=str)
def test_charts_without_a_range_are_drawn(values):
    drawing = draw(chart(Series("a", range(len(values)), values)))
    assert len(drawing.y_ticks) >= 2
    assert "nan" not in drawing.curves[0].path


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.2, 10.1, [2, 4, 6, 8, 10]),
        (-3, 3, [-2, 0, 2]),
        (1e-9, 5e-9, [1e-9, 2e-9, 3e-9, 4e-9, 5e-9]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_labels_have_the_digits_that_the_range_needs():
    labels = [text for _, text in draw(chart(Series("a", (0, 0.004), (0, 1)))).x_ticks]
    assert labels == ["0", "0.001", "0.002", "0.003", "0.004"]
    labels = [text for _, text in draw(chart(Series("a", (0, 4e6), (0, 1)))).x_ticks]
    assert labels[1] == "1e+06"


def test_robust_limits_leave_outliers_out():
    values = [*np.linspace(1, 2, 500), 1e6, np.nan]
    low, high = robust_limits(values)
    assert 0.8 < low < 1.1 and 1.9 < high < 2.2
    assert robust_limits(values, from_zero=True)[0] == 0
    assert robust_limits([np.nan]) is None
