# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ranges of 16-bit intensities, and images that show nothing."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.runtime.intensity_range import IntensityRange, extreme_exposure


def scene(seed=0, low=0, high=255):
    """Return an image [H,W] of smooth values with noise between two values."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(low, high, 96 * 64).reshape(64, 96)
    return np.clip(ramp + rng.normal(0, (high - low) / 100, ramp.shape), low, high)


def convert(scaling, pixels):
    scaling.add(pixels.astype(np.uint16))
    return scaling.to_8_bits(pixels.astype(np.uint16))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_bits_of_a_camera_are_found(bits):
    grey = scene().astype(np.uint16)
    scaling = IntensityRange()
    found = convert(scaling, (grey * 257) >> (16 - bits))
    assert np.abs(found.astype(int) - grey).max() <= 1
    assert scaling.assumption == f"{bits} of 16 bits (found)"


def test_bits_that_are_set_are_not_changed_by_images():
    scaling = IntensityRange(12)
    assert convert(scaling, np.array([[0, 16, 4095, 65535]])).tolist() == [[0, 1, 255, 255]]
    assert scaling.assumption == "12 of 16 bits (set)"


def test_hot_pixels_and_a_damaged_image_do_not_change_the_bits():
    scaling, image = IntensityRange(), scene(high=4095)
    image[0, 0] = 65535
    expected = convert(scaling, image)
    assert scaling.bits == 12
    convert(scaling, np.full((64, 96), 65535))
    np.testing.assert_array_equal(convert(scaling, image), expected)


def test_bits_grow_at_once_and_do_not_shrink_in_the_dark():
    scaling = IntensityRange()
    convert(scaling, scene(high=200))
    assert scaling.bits == 8
    assert np.mean(convert(scaling, scene(1, high=4095)) == 255) < 0.02
    convert(scaling, scene(2, high=4095))
    for seed in range(200):
        convert(scaling, scene(seed, high=200))
        assert scaling.bits == 12


def test_counts_of_a_thermal_camera_get_contrast_and_do_not_flicker():
    scaling, means = IntensityRange(), []
    warm = np.random.default_rng(0).normal(0, 40, 100)
    for seed in range(100):
        image = convert(scaling, scene(seed, 29300 + warm[seed], 31300 + warm[seed]))
        means.append(float(image.mean()))
    assert scaling.assumption == "running percentiles (found)"
    assert image.min() < 10 and image.max() > 245
    assert np.abs(np.diff(means[30:])).max() < 20
    low, high = scaling.limits
    assert 29200 < low < 29400 and 31200 < high < 31400


def test_the_noise_of_a_uniform_scene_is_not_amplified_without_limit():
    noise = np.random.default_rng(0).normal(30000, 2, (64, 96))
    assert convert(IntensityRange(), noise).std() < 5


def test_a_camera_that_leaves_fog_uses_whole_bits_again():
    scaling = IntensityRange()
    convert(scaling, scene(low=2000, high=2300))
    assert scaling.offset
    for seed in range(40):
        convert(scaling, scene(seed, high=4095))
    assert not scaling.offset and scaling.bits == 12


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "black"), (3, "black"), (4, ""), (253, ""), (255, "saturated")]
)
def test_black_and_saturated_images_are_named(value, expected):
    assert extreme_exposure(np.full((48, 64, 3), value, np.uint8)) == expected


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("before", [0, 3])
def test_a_saturated_image_of_any_bits_is_white(bits, before):
    """Its percentiles are equal, and would be shown as grey."""
    scaling, most = IntensityRange(), (1 << bits) - 1
    for seed in range(before):
        convert(scaling, scene(seed, high=most))
    white = scene(low=most, high=most)
    white[:16] = 7
    image = np.repeat(convert(scaling, white)[..., None], 3, axis=2)
    assert extreme_exposure(image) == "saturated"
    assert scaling.assumption == f"{bits} of 16 bits (found)"
    seen = convert(scaling, scene(9, low=most * 0.7, high=most * 0.72))
    if not before and bits > 8:  # percentiles of this image alone
        assert seen.min() < 10 and seen.max() > 220


def test_a_lamp_or_a_bright_sky_is_not_an_extreme_exposure():
    image = np.zeros((48, 64, 3), np.uint8)
    image[:4, :4] = 255
    assert extreme_exposure(image) == ""
    image[:20] = 255
    assert extreme_exposure(image) == ""
