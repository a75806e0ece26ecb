# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ground planes fitted to points of known planes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_core.geometry.ground import TILT, fit_ground, up_of

PLANES = {
    "height": st.floats(0.1, 30.0),
    "pitch": st.floats(-0.3, 0.6),
    "lean": st.floats(-0.12, 0.12),
    "seed": st.integers(0, 99),
}


def turned(up, lean):
    """Return a direction tilted sideways by an angle."""
    c, s = np.cos(lean), np.sin(lean)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ up


def seen_ground(up, height, rng, count=600):
    """Return points [N,3] of a plane on random rays of a wide camera, up to 40 heights away."""
    rays = np.column_stack([rng.uniform(-1, 1, (count, 2)), np.ones(count)])
    down = rays @ -np.asarray(up)
    rays, down = rays[down > 1 / 40], down[down > 1 / 40]
    return rays * (height / down)[:, None]


def angle(a, b):
    return np.arccos(np.clip(np.dot(a, b), -1, 1))


@given(**PLANES)
def test_plane_is_found_exactly_with_an_approximate_up(height, pitch, lean, seed):
    up = turned(up_of(pitch), lean)
    ground = fit_ground(seen_ground(up, height, np.random.default_rng(seed)), up_of(pitch))
    assert ground.height == pytest.approx(height, rel=1e-6)
    assert angle(ground.up, up) < 1e-6
    assert ground.support == pytest.approx(1)


@settings(max_examples=30)
@given(**PLANES)
def test_fit_tolerates_noise_and_thirty_percent_of_wrong_points(height, pitch, lean, seed):
    rng = np.random.default_rng(seed)
    up = turned(up_of(pitch), lean)
    points = seen_ground(up, height, rng)
    points *= np.exp(rng.normal(0, 0.02, len(points)))[:, None]
    wrong = rng.random(len(points)) < 0.3
    points[wrong] *= rng.uniform(0.3, 3, np.count_nonzero(wrong))[:, None]
    ground = fit_ground(points, up_of(pitch))
    assert ground.height == pytest.approx(height, rel=0.04)
    assert 0.55 < ground.support < 0.85


@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_height_has_the_unit_of_the_points(factor, seed):
    rng = np.random.default_rng(seed)
    points = seen_ground(up_of(0.1), 1.5, rng) * np.exp(rng.normal(0, 0.05, (1, 1)))
    one, other = fit_ground(points, up_of(0)), fit_ground(factor * points, up_of(0))
    assert other.height == pytest.approx(factor * one.height, rel=1e-4)
    assert other.support == pytest.approx(one.support, abs=0.01)
    assert angle(one.up, other.up) < 1e-4


def test_floor_is_preferred_to_a_larger_table():
    rng = np.random.default_rng(1)
    up = up_of(0.4)
    table, floor = seen_ground(up, 0.8, rng, 600), seen_ground(up, 1.5, rng, 400)
    assert len(table) > 1.4 * len(floor)
    assert fit_ground(np.vstack([table, floor]), up).height == pytest.approx(1.5, rel=0.01)


def test_reflections_below_the_ground_are_not_chosen():
    """On a wet road, objects above it appear at the same distance below it."""
    rng = np.random.default_rng(6)
    points = seen_ground(up_of(0), 1.5, rng)
    points[rng.random(len(points)) < 0.3] *= 2
    assert fit_ground(points, up_of(0)).height == pytest.approx(1.5, rel=0.01)


def test_road_is_preferred_to_a_pavement_of_the_same_size():
    rng = np.random.default_rng(2)
    road, pavement = seen_ground(up_of(0), 1.65, rng), seen_ground(up_of(0), 1.53, rng)
    road, pavement = road[road[:, 0] < 1], pavement[pavement[:, 0] > 1]
    assert fit_ground(np.vstack([road, pavement]), up_of(0)).height == pytest.approx(1.65, rel=0.02)


def wall(rng):
    return np.column_stack([rng.uniform(-5, 5, (900, 2)), np.full(900, 4.0)])


def ceiling(rng):
    return -seen_ground(up_of(0), 1.0, rng) * (1, 1, -1)


def steep(rng):
    return seen_ground(turned(up_of(0), 2 * TILT), 1.0, rng)


def few(rng):
    return seen_ground(up_of(0), 1.0, rng, 60)


@pytest.mark.parametrize("points", [wall, ceiling, steep, few])
def test_points_without_a_ground_give_none(points):
    assert fit_ground(points(np.random.default_rng(3)), up_of(0)) is None


def test_random_points_give_low_support():
    rng = np.random.default_rng(4)
    rays = np.column_stack([rng.uniform(-1, 1, (4000, 2)), np.ones(4000)])
    ground = fit_ground(rays * np.exp(rng.normal(size=(4000, 1))), up_of(0))
    assert ground is None or ground.support < 0.1


def test_unknown_points_and_points_behind_the_camera_are_ignored():
    rng = np.random.default_rng(5)
    points = seen_ground(up_of(0), 1.0, rng)
    more = np.vstack([points, np.full((100, 3), np.nan), [[0, 1, -1]] * 500, [[np.inf, 1, 1]] * 9])
    assert fit_ground(more, up_of(0)).height == pytest.approx(1.0)
    assert fit_ground(np.empty((0, 3)), up_of(0)) is None


def test_up_of_a_camera_pitched_down():
    np.testing.assert_allclose(up_of(0), [0, -1, 0], atol=1e-15)
    np.testing.assert_allclose(up_of(np.pi / 2), [0, 0, -1], atol=1e-15)
