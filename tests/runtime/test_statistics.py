# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from jasmine_core.runtime.statistics import DepthStatistics, Latencies

durations = st.lists(st.floats(0, 10), min_size=1, max_size=50)
depths = st.lists(
    npst.arrays(
        np.float32,
        npst.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.one_of(st.just(np.nan), st.floats(0.125, 100, width=32)),
    ),
    max_size=6,
)


@given(durations)
def test_percentiles_are_ordered_and_in_milliseconds(seconds):
    latencies = Latencies()
    for duration in seconds:
        latencies.add({"refine": duration})
    refine = latencies.summary()["refine"]
    low, high = 1000 * min(seconds) - 1e-3, 1000 * max(seconds) + 1e-3
    assert low <= refine["p50"] <= refine["p95"] <= refine["p99"] <= high
    assert refine["mean"] == pytest.approx(1000 * np.mean(seconds), abs=1e-3)
    assert refine["p50"] == pytest.approx(1000 * np.median(seconds), abs=1e-3)
    assert latencies.seconds("refine") == seconds


def test_stages_are_separate_and_keep_their_order():
    latencies = Latencies()
    latencies.add({"read": 0.001, "encode": 0.020})
    latencies.add({"read": 0.003})
    assert list(latencies.summary()) == ["read", "encode"]
    assert latencies.summary()["read"]["mean"] == 2.0
    assert latencies.summary()["encode"] == {"mean": 20, "p50": 20, "p95": 20, "p99": 20}
    assert latencies.seconds("never") == [] and Latencies().summary() == {}


def test_only_the_last_durations_are_kept():
    latencies = Latencies(window=3)
    for duration in (9, 9, 9, 1, 2, 3):
        latencies.add({"all": duration})
    assert latencies.seconds("all") == [1, 2, 3]
    assert latencies.summary()["all"]["mean"] == 2000.0


@given(depths)
def test_depth_statistics_cover_all_maps(maps):
    statistics = DepthStatistics()
    for depth in maps:
        statistics.add(depth)
    summary = statistics.summary()
    values = np.concatenate([np.ravel(depth) for depth in maps]) if maps else np.zeros(0)
    known = values[np.isfinite(values)]
    if not known.size:
        assert summary == {"minimum": None, "median": None, "maximum": None, "known_share": 0.0}
        return
    medians = [np.median(d[np.isfinite(d)]) for d in maps if np.isfinite(d).any()]
    expected = [known.min(), np.median(medians), known.max(), known.size / values.size]
    assert list(summary.values()) == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert summary["minimum"] <= summary["median"] <= summary["maximum"]


def test_small_depths_keep_their_significant_digits():
    statistics = DepthStatistics()
    statistics.add(np.array([[0.000123456, 0.01]], np.float32))
    assert statistics.summary()["minimum"] == pytest.approx(0.000123456, rel=1e-4)


def test_summaries_can_be_written_as_json():
    statistics, latencies = DepthStatistics(), Latencies()
    statistics.add(np.array([[1, np.nan, 3]], np.float32))
    latencies.add({"read": 0.5})
    assert json.loads(json.dumps(statistics.summary())) == {
        "minimum": 1.0,
        "median": 2.0,
        "maximum": 3.0,
        "known_share": 0.6667,
    }
    json.dumps(latencies.summary(), allow_nan=False)
