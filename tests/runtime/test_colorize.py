# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from jasmine_core.runtime.colorize import PreviewStrip, colorize

shapes = npst.array_shapes(min_dims=2, max_dims=2, max_side=12)
depths = npst.arrays(
    np.float32,
    shapes,
    elements=st.one_of(
        st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0]), st.floats(0.125, 200, width=32)
    ),
)


def brightness(colours: np.ndarray) -> np.ndarray:
    return colours.astype(int).sum(-1)


@settings(max_examples=200)
@given(depths)
def test_only_unknown_pixels_are_black(depth):
    colours = colorize(depth)
    assert colours.shape == (*depth.shape, 3) and colours.dtype == np.uint8
    known = np.isfinite(depth) & (depth > 0)
    np.testing.assert_array_equal(brightness(colours) > 0, known)


@given(depths, st.sampled_from([0.5, 4.0, 32.0]))
def test_colours_do_not_depend_on_the_unit_of_depth(depth, scale):
    difference = colorize(depth).astype(int) - colorize(depth * np.float32(scale))
    assert np.abs(difference).max() <= 6  # at most one step of the colour map


def test_near_is_bright_and_far_is_dark():
    depth = np.linspace(1, 80, 64 * 64, dtype=np.float32).reshape(64, 64)
    light = brightness(colorize(depth)).ravel()
    assert light[0] > 600 and 0 < light[-1] < 20
    # Brightness decreases with distance, except for small dents of the colour map.
    assert (np.diff(light) < 12).all()
    mirrored = colorize(depth[:, ::-1])[:, ::-1].astype(int)
    assert np.abs(mirrored - colorize(depth)).max() <= 3  # independent of the position


def test_outliers_do_not_reduce_the_contrast_of_the_rest():
    depth = np.linspace(1, 2, 10_000, dtype=np.float32).reshape(100, 100)
    depth[0, :40] = 1e-3
    light = brightness(colorize(depth))
    assert light[50].mean() - light[99].mean() > 100


def test_constant_depth_has_one_colour():
    colours = colorize(np.full((20, 30), 5, np.float32))
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) == 1 and colours.any()


def test_colours_are_rgb():
    middle = colorize(np.array([[1, 1.5, 2.2, 4]], np.float32))[0, 1]
    assert middle[0] > 150 and middle[2] < 100  # orange: red, not blue


# ---------------------------------------------------------------------------- PreviewStrip


def test_rows_show_images_beside_their_depth(tmp_path):
    strip = PreviewStrip(width=64)
    red = np.zeros((30, 60, 3), np.uint8)
    red[..., 0] = 200
    depth = np.tile(np.linspace(1, 9, 60, dtype=np.float32), (30, 1))
    strip.add(red, depth)
    strip.add(np.zeros((64, 64, 3), np.uint8), np.full((16, 16), np.nan, np.float32))
    assert strip.write(tmp_path / "new" / "preview.png")
    image = cv2.imread(str(tmp_path / "new" / "preview.png"))[..., ::-1]  # RGB
    assert image.shape == (32 + 64, 128, 3)  # rows keep the aspect ratio of their images
    np.testing.assert_array_equal(image[:32, :64], np.broadcast_to([200, 0, 0], (32, 64, 3)))
    right = image[:32, 64:].astype(int).sum(-1)
    assert right[:, 2].min() > right[:, -3].max() > 0  # depth increases from left to right
    assert not image[32:].any()
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["preview.png"]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 500), (3000, 2)])
def test_images_of_any_shape_can_be_added(tmp_path, width, height):
    strip = PreviewStrip(width=32)
    strip.add(np.full((height, width, 3), 9, np.uint8), np.ones((height, width), np.float32))
    assert strip.write(tmp_path / "preview.png")
    assert cv2.imread(str(tmp_path / "preview.png")).shape[1] == 64


def test_no_file_is_written_without_images(tmp_path):
    assert not PreviewStrip().write(tmp_path / "preview.png")
    assert list(tmp_path.iterdir()) == []
