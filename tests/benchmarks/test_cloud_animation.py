# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Animation of a turning cloud of points."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import cloud_animation as animation

from jasmine_core.geometry.camera import Camera

VIEW = Camera(81, 61, np.array([[40.0, 0, 40], [0, 40.0, 30], [0, 0, 1]]))


@pytest.mark.parametrize("turn", [-0.5, 0.0, 0.3])
def test_the_view_turns_around_a_point_that_stays_in_its_middle_column(turn):
    T = animation.view_of(turn)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
    x, _, z = (T @ [0, 0, 14, 1])[:3]
    assert x == pytest.approx(0, abs=1e-9)
    assert z > 14


def test_a_turn_to_the_left_shows_the_scene_from_the_left():
    place = np.linalg.inv(animation.view_of(0.3))[:3, 3]
    assert place[0] < 0
    assert place[1] == pytest.approx(-animation.ABOVE)


def test_near_points_hide_far_ones_and_points_behind_the_view_are_not_drawn():
    points = np.array([[0, 0, 4], [0, 0, 2], [0, 0, -2]], np.float32)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    for order in ([0, 1, 2], [2, 1, 0]):
        image = animation.splat(points[order], colours[order], VIEW, np.eye(4))
        assert image[30, 40].tolist() == [0, 255, 0]
        assert (image == [0, 255, 0]).all(-1).sum() == 4
        assert not (image == [0, 0, 255]).all(-1).any()
