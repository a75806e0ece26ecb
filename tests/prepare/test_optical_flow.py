# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from helpers.corridor import CAMERA, look, pose, turned

from jasmine_core.geometry.rigid import inverse
from jasmine_core.prepare.optical_flow import (
    allowed_points,
    fit_rotation,
    match,
    pair_motion,
    sharpness,
    view_of,
)


def view(T, gain=1.0, allowed=None):
    return view_of(look(T, gain=gain)[0], CAMERA, allowed)


def measure(T_a, T_b, gain=1.0, known=False):
    a, b = view(T_a), view(T_b, gain)
    rotation = (inverse(T_b) @ T_a)[:3, :3] if known else None
    return pair_motion(a, b, match(a, b), rotation)


def test_flow_between_an_image_and_itself_is_zero():
    motion = measure(pose(), pose())
    assert motion.overlap == 1 and motion.gain == 1
    assert max(motion.flow, motion.median_flow, motion.parallax, motion.rotation) < 1e-4


def test_parallax_grows_with_distance_and_overlap_decreases():
    motions = [measure(pose(), pose(z)) for z in (0.05, 0.1, 0.2, 0.4)]
    parallax, overlap = [m.parallax for m in motions], [m.overlap for m in motions]
    assert parallax == sorted(parallax) and parallax[-1] > 4 * parallax[0]
    assert overlap == sorted(overlap, reverse=True)


@pytest.mark.parametrize("yaw", [0.03, -0.08])
def test_pure_rotation_is_flow_without_parallax(yaw):
    motion = measure(pose(), pose(yaw=yaw))
    assert motion.rotation == pytest.approx(abs(yaw), abs=0.003)
    assert motion.flow > 0.02
    assert motion.parallax < 0.2 * motion.flow


def test_a_known_rotation_keeps_parallax_that_a_fitted_rotation_removes():
    sideways = pose(), pose(x=0.15)
    known, fitted = measure(*sideways, known=True), measure(*sideways)
    assert known.rotation == 0
    assert known.parallax == pytest.approx(known.flow, rel=1e-6)
    assert fitted.parallax < 0.5 * known.parallax


def test_exposure_is_measured_and_does_not_change_the_flow():
    same, darker = measure(pose(), pose(0.2)), measure(pose(), pose(0.2), gain=0.6)
    assert darker.gain / same.gain == pytest.approx(0.6, abs=0.03)
    assert darker.flow == pytest.approx(same.flow, rel=0.1)
    assert darker.overlap > same.overlap - 0.1


def test_an_image_without_texture_has_no_points_and_no_matches():
    empty = view_of(np.full((96, 160, 3), 90, np.uint8), CAMERA)
    assert len(empty.points) == 0
    assert match(empty, view(pose())).overlap == 0
    assert pair_motion(empty, empty, match(empty, empty)).overlap == 0


def test_points_lie_only_on_pixels_of_the_scene():
    seen = np.ones((96, 160), bool)
    seen[:, :60] = False
    allowed = allowed_points(CAMERA, seen)
    points = view(pose(), allowed=allowed).points
    assert len(points) > 20
    assert points[:, 0].min() > 2 * 60  # views are 320 px wide
    assert allowed_points(CAMERA, np.ones((96, 160), bool)) is None


def test_rotation_is_fitted_among_outliers():
    rng = np.random.default_rng(0)
    rays = np.column_stack([rng.uniform(-1, 1, (80, 2)), np.ones(80)])
    R = turned(0.1)
    moved = rays @ R.T
    moved[:20] += rng.uniform(-0.3, 0.3, (20, 3))
    np.testing.assert_allclose(fit_rotation(rays, moved), R, atol=2e-3)


def test_a_blurred_image_has_lower_sharpness():
    import cv2

    image, _ = look(pose())
    assert sharpness(cv2.GaussianBlur(image, (0, 0), 3)) < 0.3 * sharpness(image)
