# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The scale of each pixel, in an analytic scene whose depth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.textured_wall import CAMERA, TEXTURE, pose, scene
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.geometry.camera import Camera, stretch
from jasmine_core.geometry.rigid import inverse
from jasmine_core.prepare.optical_flow import View
from jasmine_core.runtime.scale_sweep import PixelScales, sweep

UNIT = 20.0  # metres per unit
BEFORE, NOW = pose(), pose(x=0.5, z=0.4)
BOX = (-1.2, 0.6, -0.8, 0.8, 5.0)


def view(image, allowed=None):
    """Return the view of an image, enlarged to the width in which points are tracked."""
    to_view = stretch(CAMERA.size, (2 * CAMERA.width, 2 * CAMERA.height))
    return View(to_view.camera(CAMERA), to_view.image(image[..., 0]), allowed)


def swept(
    depth_of=lambda depth: depth,
    now=NOW,
    around=UNIT,
    T=None,
    show=lambda image: image,
    allowed=None,
    **options,
):
    """Return the scales of an image of the scene.

    Args:
        depth_of: changes the depth [m] that is given.
        now: pose of the image; it is compared with one at `BEFORE`.
        around: scale around which is searched.
        T: motion that is given, in place of the true one.
        show: changes the image before it.
        allowed: mask of the pixels that are compared.
        options: those of the scene.
    """
    image, depth = scene(now, **options)
    before, _ = scene(BEFORE, **options)
    a, b = view(image, allowed), view(show(before))
    units = stretch(CAMERA.size, a.camera.size).map(depth_of(depth) / np.float32(UNIT))
    return known(sweep(a, b, units, inverse(BEFORE) @ now if T is None else T, np.log(around)))


def known(found):
    """Return only the pixels whose scale is known."""
    chosen = np.isfinite(found.log_scale)
    return PixelScales(found.log_scale[chosen].astype(np.float64), found.parallax[chosen])


def test_the_scale_of_most_pixels_is_exact():
    found = swept(box=BOX)
    assert len(found.log_scale) > 0.6 * 8000  # of about 8,000 pixels
    error = np.abs(found.log_scale - np.log(UNIT))
    assert np.median(error) < 0.01 and np.quantile(error, 0.9) < 0.03
    assert np.all(found.parallax > 1.5)


@given(st.floats(-0.35, 0.35))
def test_it_is_found_from_a_start_that_is_wrong(offset):
    found = swept(around=UNIT * np.exp(offset))
    assert np.median(found.log_scale) == pytest.approx(np.log(UNIT), abs=0.015)


def test_each_part_of_a_wrong_depth_has_its_own_scale():
    def spoiled(depth):
        left = np.arange(depth.shape[1]) < depth.shape[1] / 2
        return np.where(left, depth * np.float32(0.8), depth)

    scales = np.sort(np.exp(swept(spoiled).log_scale))
    assert np.quantile(scales, 0.2) == pytest.approx(UNIT, rel=0.02)
    assert np.quantile(scales, 0.8) == pytest.approx(UNIT / 0.8, rel=0.02)


def test_exposure_does_not_matter():
    darker = swept(show=lambda image: (image * 0.6 + 10).astype(np.uint8))
    assert np.median(darker.log_scale) == pytest.approx(np.log(UNIT), abs=0.01)


def test_unknown_depth_is_left_out():
    def unknown(depth):
        depth[:, : CAMERA.width // 2] = np.nan
        return depth

    count = len(swept().log_scale)
    assert 0.3 * count < len(swept(unknown).log_scale) < 0.6 * count
    assert not len(swept(lambda depth: np.full_like(depth, np.nan)).log_scale)
    assert not len(swept(np.zeros_like).log_scale)


@pytest.mark.parametrize(
    "nothing",
    [
        {"now": BEFORE},  # no motion
        {"texture": np.full_like(TEXTURE, 90)},
        {"T": pose(x=50.0)},  # all places outside
        {"T": pose(z=-100.0)},  # all points behind the camera
        {"around": 5 * UNIT},
    ],
)
def test_without_information_no_pixel_has_a_scale(nothing):
    assert not len(swept(**nothing).log_scale)


def test_pixels_that_are_not_allowed_are_left_out():
    size = 2 * CAMERA.height, 2 * CAMERA.width
    left = np.arange(size[1]) < size[1] / 2
    assert not len(swept(allowed=np.zeros(size, np.uint8)).log_scale)
    half = swept(allowed=np.tile(left, (size[0], 1)).astype(np.uint8))
    assert 0.3 < len(half.log_scale) / len(swept().log_scale) < 0.7


def test_the_images_may_have_different_intrinsics():
    image, depth = scene(NOW)
    a, b = view(image), view(scene(BEFORE)[0])
    zoomed = b.camera.K.copy()
    zoomed[0, 2] += 6  # the image of b moved by six pixels
    moved = View(Camera(*b.camera.size, zoomed), np.roll(b.grey, 6, axis=1), None)
    units = stretch(CAMERA.size, a.camera.size).map(depth / np.float32(UNIT))
    found = known(sweep(a, moved, units, inverse(BEFORE) @ NOW, np.log(UNIT)))
    assert np.median(found.log_scale) == pytest.approx(np.log(UNIT), abs=0.015)
