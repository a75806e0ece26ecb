# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import (
    back_project,
    depth_to_millimetres,
    limit_range,
    thin,
    without_flying_pixels,
)

unhurried = settings(derandomize=True, deadline=None, max_examples=100)

shapes = npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
metres = st.one_of(st.just(np.nan), st.floats(0.125, 80, width=32))
depths = npst.arrays(np.float32, shapes, elements=metres)


@unhurried
@given(depths, st.floats(20, 900), st.floats(20, 900), st.floats(-5, 15), st.floats(-5, 15))
def test_point_is_the_ray_of_its_pixel_times_depth(depth, fx, fy, cx, cy):
    height, width = depth.shape
    camera = Camera(width, height, np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]))
    points = back_project(depth, camera.K)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, camera.rays() * depth[..., None], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(points[..., 2], depth)
    assert (np.isnan(points) == np.isnan(depth)[..., None]).all()


def test_points_are_right_of_and_below_the_axis_like_their_pixels():
    K = np.array([[100, 0, 2], [0, 100, 1], [0, 0, 1.0]])
    points = back_project(np.full((3, 5), 10, np.float32), K)
    np.testing.assert_allclose(points[1, 2], [0, 0, 10])
    np.testing.assert_allclose(points[2, 4], [0.2, 0.1, 10], rtol=1e-6)


def jumps(depth):
    """Return the largest |d - q| / min(d, q) among the eight neighbours of each pixel."""
    height, width = depth.shape
    largest = np.zeros(depth.shape)
    for v in range(height):
        for u in range(width):
            d = float(depth[v, u])
            around = depth[max(0, v - 1) : v + 2, max(0, u - 1) : u + 2].ravel().astype(float)
            around = around[~np.isnan(around)]
            if not np.isnan(d):
                largest[v, u] = max(abs(d - q) / min(d, q) for q in around)
    return largest


@unhurried
@given(depths, st.floats(0.01, 2))
def test_removed_pixels_follow_the_definition(depth, threshold):
    original = depth.copy()
    rest = without_flying_pixels(depth, threshold)
    expected = np.where(jumps(depth) > threshold, np.float32(np.nan), depth)
    certain = abs(jumps(depth) - threshold) > 1e-5 * (1 + threshold)  # others depend on rounding
    np.testing.assert_array_equal(rest[certain], expected[certain])
    np.testing.assert_array_equal(depth, original)
    assert rest.dtype == np.float32


def test_both_sides_and_the_blur_of_an_edge_are_removed():
    depth = np.full((6, 8), 2, np.float32)
    depth[:, 4], depth[:, 5:] = 3, 5  # a blurred edge between 2 m and 5 m
    row = without_flying_pixels(depth, 0.1)[3]
    np.testing.assert_array_equal(row, [2, 2, 2, np.nan, np.nan, np.nan, 5, 5])


def test_slanted_surfaces_and_borders_of_unknown_pixels_are_kept():
    depth = np.tile(np.linspace(4, 5, 40, dtype=np.float32), (5, 1))
    depth[2:4, 10:15] = np.nan
    np.testing.assert_array_equal(without_flying_pixels(depth, 0.05), depth)


@unhurried
@given(depths)
def test_millimetres_are_rounded_or_unknown(depth):
    millimetres = depth_to_millimetres(depth)
    assert millimetres.dtype == np.uint16
    known = ~np.isnan(depth) & (depth < 65.53)
    error = abs(millimetres[known] / 1000 - depth[known].astype(float))
    assert (error < 0.000505).all()
    assert (millimetres[np.isnan(depth) | (depth > 65.54)] == 0).all()


@pytest.mark.parametrize(
    ("metres", "millimetres"),
    [
        (1.0, 1000),
        (0.0006, 1),
        (65.535, 65535),
        (65.536, 0),
        (66.536, 0),
        (np.inf, 0),
        (-1.0, 0),
        (np.nan, 0),
    ],
)
def test_depth_beyond_16_bits_is_unknown(metres, millimetres):
    assert depth_to_millimetres(np.full((1, 1), metres, np.float32))[0, 0] == millimetres


@unhurried
@given(depths, st.floats(0.1, 40), st.floats(40, 90))
def test_limit_range_removes_depth_outside_the_range(depth, near, far):
    limited = limit_range(depth, near, far)
    inside = (depth >= near) & (depth <= far)
    assert limited.dtype == np.float32
    np.testing.assert_array_equal(limited[inside], depth[inside])
    assert np.isnan(limited[~inside]).all()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_thinned_image_has_a_subset_of_the_points(stride):
    """Pixels are not averaged, so points of a thinned depth image are points of the full one."""
    depth = np.random.default_rng(0).uniform(1, 9, (7, 8)).astype(np.float32)
    image = np.random.default_rng(1).integers(0, 255, (7, 8, 3), np.uint8)
    K = np.array([[50.0, 0, 3.3], [0, 40.0, 2.2], [0, 0, 1]])
    few, colours, K_few = thin(depth, image, K, stride)
    expected = back_project(depth, K)[::stride, ::stride]
    np.testing.assert_allclose(back_project(few, K_few), expected, rtol=1e-5)
    np.testing.assert_array_equal(colours, image[::stride, ::stride])
