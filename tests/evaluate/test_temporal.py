# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal metrics on a plane of known depth in front of a moving camera."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.evaluate.temporal import (
    align_clip,
    carry,
    flow_warped_difference,
    temporal_alignment_errors,
    temporal_metrics,
)

H, W = 48, 64
K = np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]])
EVERYWHERE = (1e-3, 1e3)
STAMPS = [k * 100_000_000 for k in range(6)]


def poses(step, count=6):
    """Return T_world_camera [N,4,4] of a camera that moves by `step` [3] m per frame."""
    T = np.tile(np.eye(4), (count, 1, 1))
    T[:, :3, 3] = np.arange(count)[:, None] * np.array(step)
    return T


def plane(T_world_camera, normal=(0.0, 0.6, 1.0), offset=6.0):
    """Return the exact depth [N,H,W] m of the plane n.X = offset of the world."""
    u, v = np.meshgrid(np.arange(W), np.arange(H))
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(K).T  # [H,W,3]
    n = np.array(normal)
    return np.stack([(offset - n @ T[:3, 3]) / (rays @ n) for T in T_world_camera]).astype(
        np.float32
    )


def temporal_alignment_error(depths, *arguments):
    """Return the error of all pixels; without moving objects the static pixels have the same."""
    return temporal_alignment_errors(depths, depths, *arguments)[0]


def everywhere(depths):
    return np.ones(depths.shape, np.bool_)


def test_depth_carried_by_the_identity_is_unchanged():
    depth = plane(poses((0, 0, 0), 1))[0]
    valid = np.random.default_rng(0).random(depth.shape) < 0.7
    carried = carry(depth, valid, K, np.eye(4))
    np.testing.assert_allclose(carried, np.where(valid, depth, 0), rtol=1e-6)


def test_the_nearest_of_several_points_in_one_pixel_remains():
    depth = np.full((H, W), 100.0, np.float32)
    depth[20, 30] = 4.0
    T = np.eye(4)
    T[0, 3] = -2 * 4 / 60  # moves the near point by two pixels, the far ones by none
    carried = carry(depth, everywhere(depth), K, T)
    assert carried[20, 28] == pytest.approx(4)
    assert carried[20, 30] == 0, "the place of the near point is uncovered"
    assert np.count_nonzero(carried == 0) == 1


def test_points_behind_the_camera_are_not_drawn():
    depth = np.full((H, W), 3.0, np.float32)
    T = np.eye(4)
    T[2, 3] = -5
    assert not carry(depth, everywhere(depth), K, T).any()


@pytest.mark.parametrize("step", [(0.3, 0, 0), (0, 0, 0.2), (0.1, -0.05, 0.15)])
def test_error_of_exact_depth_is_only_resampling(step):
    """A point is drawn up to half a pixel away, and depth changes by about 1 % per pixel."""
    T = poses(step)
    exact = plane(T, normal=(0.3, 0.6, 1))
    assert temporal_alignment_error(exact, everywhere(exact), K, T) < 0.5
    wrong = poses(-2 * np.array(step))
    assert temporal_alignment_error(exact, everywhere(exact), K, wrong) > 1.5


def test_error_of_scale_noise_is_the_ratio_of_the_scales():
    """A camera that moves along a plane sees D_{i->j} / D_j = s_i / s_j at every pixel."""
    T = poses((0.2, 0, 0))
    exact = plane(T)
    s = 1 + 0.1 * np.random.default_rng(1).standard_normal(len(T))
    noisy = (s[:, None, None] * exact).astype(np.float32)
    there, back = np.abs(s[:-1] / s[1:] - 1), np.abs(s[1:] / s[:-1] - 1)
    expected = 100 * np.mean((there + back) / 2)
    assert expected > 5
    # A wrong scale moves points along their row only, in which the depth is constant.
    assert temporal_alignment_error(noisy, everywhere(exact), K, T) == pytest.approx(
        expected, rel=0.01
    )


def test_errors_grow_with_scale_noise():
    T = poses((0.1, -0.05, 0.15))
    exact = plane(T)
    noise = np.random.default_rng(2).standard_normal(len(T))[:, None, None]
    scores = [
        temporal_metrics(
            (1 + share * noise) * exact, exact, everywhere(exact), K, T, STAMPS, EVERYWHERE
        )
        for share in (0, 0.05, 0.1)
    ]
    for name in ("tae", "tae_static", "opw", "scale_spread"):
        none, half, full = (getattr(score, name) for score in scores)
        assert none < half < full
    assert scores[0].scale_spread == pytest.approx(0, abs=1e-6)
    assert scores[2].scale_spread == pytest.approx(2 * scores[1].scale_spread, rel=0.15)


def test_one_scale_and_shift_of_the_whole_clip_do_not_count():
    T = poses((0.1, 0, 0.15))
    exact = plane(T)
    arguments = (exact, everywhere(exact), K, T, STAMPS, EVERYWHERE)
    plain, other = (temporal_metrics(p, *arguments) for p in (exact, 0.02 * exact + 0.3))
    assert other.tae == pytest.approx(plain.tae, rel=1e-2)
    assert other.opw == pytest.approx(plain.opw, rel=1e-2)
    s, t = align_clip(0.02 * exact + 0.3, exact, everywhere(exact))
    assert (s, t) == pytest.approx((50, -15), rel=1e-3)


def test_a_constant_prediction_is_aligned_with_the_mean():
    exact = plane(poses((0, 0, 0), 2))
    s, t = align_clip(np.full_like(exact, 7), exact, everywhere(exact))
    assert (s, t) == (0, pytest.approx(exact.mean()))


def test_flow_warped_difference_of_a_static_camera_is_zero():
    T = poses((0, 0, 0))
    exact = plane(T)
    assert flow_warped_difference(exact, exact, everywhere(exact), K, T) == pytest.approx(
        0, abs=1e-4
    )
    flicker = exact * np.array([1, 1.1] * 3, np.float32)[:, None, None]
    assert flow_warped_difference(flicker, exact, everywhere(exact), K, T) == pytest.approx(
        10, rel=1e-3
    )


def test_flow_warped_difference_contains_the_motion_of_the_camera():
    """The depth of a plane across the optical axis changes by the step of the camera."""
    T = poses((0, 0, 0.5), 2)
    exact = plane(T, normal=(0, 0, 1), offset=10)
    assert flow_warped_difference(exact, exact, everywhere(exact), K, T) == pytest.approx(
        100 * 0.5 / 9.5, rel=1e-4
    )


def test_moving_and_occluded_pixels_do_not_count_in_the_flow_warped_difference():
    T = poses((0, 0, 0), 2)
    exact = plane(T)
    exact[0, 10:20, 10:20] = 2  # a box that is gone in the second frame
    assert flow_warped_difference(exact, exact, everywhere(exact), K, T) == pytest.approx(
        0, abs=1e-4
    )
    assert temporal_alignment_error(exact, everywhere(exact), K, T) > 1


def test_moving_objects_do_not_count_in_the_error_of_static_pixels():
    T = poses((0, 0, 0), 2)
    exact = plane(T)
    exact[0, 10:20, 10:20] = 2  # a box that is gone in the second frame
    error, static = temporal_alignment_errors(exact, exact, everywhere(exact), K, T)
    assert error > 1 and static == 0
    flicker = exact * np.array([1, 1.1], np.float32)[:, None, None]
    assert temporal_alignment_errors(flicker, exact, everywhere(exact), K, T)[1] == pytest.approx(
        100 * (0.1 + 0.1 / 1.1) / 2, rel=1e-4
    )


def test_without_static_pixels_their_error_is_unknown():
    T = poses((0, 0, 0), 2)
    moving = plane(T) * np.array([1, 2], np.float32)[:, None, None]
    error, static = temporal_alignment_errors(moving, moving, everywhere(moving), K, T)
    assert error > 50 and np.isnan(static)


def test_invalid_pixels_do_not_count():
    T = poses((0.1, 0, 0))
    exact = plane(T)
    valid = everywhere(exact)
    valid[:, :15] = False
    damaged = exact.copy()
    damaged[::2, :15] *= 3
    arguments = (valid, K, T)
    assert temporal_alignment_error(damaged, *arguments) == temporal_alignment_error(
        exact, *arguments
    )
    assert flow_warped_difference(damaged, exact, *arguments) == flow_warped_difference(
        exact, exact, *arguments
    )


def test_frames_without_overlap_have_no_metrics():
    T = poses((500, 0, 0), 2)
    exact = plane(T)
    assert np.isnan(temporal_alignment_error(exact, everywhere(exact), K, T))
    assert np.isnan(flow_warped_difference(exact, exact, everywhere(exact), K, T))


def test_scale_drift_is_the_relative_slope_per_second():
    T = poses((0.1, 0, 0))
    exact = plane(T)
    shrinking = exact / np.linspace(1, 1.1, 6)[:, None, None]  # 10 % in 0.5 s
    metrics = temporal_metrics(shrinking, exact, everywhere(exact), K, T, STAMPS, EVERYWHERE)
    assert metrics.scale_drift == pytest.approx(0.2 / 1.05, rel=1e-3)
