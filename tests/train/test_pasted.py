# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pasted surfaces on an analytic scene: level ground below a horizon."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jasmine_core.errors import ConfigError
from jasmine_core.loss.teacher import DEPTH_MAX
from jasmine_core.train.pasted import below_camera, draw_surface, ground_pixels, paste_surfaces
from jasmine_core.train.recipe import read_recipe

WIDTH, HEIGHT = 160, 96
K = np.array([[120.0, 0, 79.5], [0, 120.0, 40.0], [0, 0, 1]])
CAMERA_HEIGHT = 0.05  # [units] above the ground
RECIPE = Path(__file__).parents[2] / "training" / "tiny" / "02_prior.yaml"


@pytest.fixture
def ground():
    """Depth of level ground [H,W], with sky above the horizon."""
    below = np.arange(HEIGHT) - K[1, 2]
    column = np.where(below > 0, K[1, 1] * CAMERA_HEIGHT / np.maximum(below, 1e-6), DEPTH_MAX)
    column = column.clip(max=DEPTH_MAX)
    return np.repeat(column[:, None], WIDTH, 1).astype(np.float32)


def surfaces(ground, count=60):
    mask = ground_pixels(ground, K)
    rows = np.flatnonzero(mask.any(axis=1))
    drawn = (draw_surface(random.Random(i), ground, mask, rows, K) for i in range(count))
    return [surface for surface in drawn if surface is not None]


def test_level_ground_is_found_and_a_wall_is_not(ground):
    found = ground_pixels(ground, K)
    assert found[50:-1].all()
    assert not found[:41].any()
    wall = np.minimum(ground, np.float32(0.2))
    assert not ground_pixels(wall, K)[: int(K[1, 2] + 120 * CAMERA_HEIGHT / 0.2) - 2].any()


def test_a_surface_meets_the_ground_and_is_vertical(ground):
    found = surfaces(ground)
    assert len(found) > 40
    assert any(np.ptp(surface.inverse) > 0 for surface in found)  # some stand along the road
    for surface in found:
        z = 1 / surface.inverse
        np.testing.assert_allclose(
            (surface.bottom - K[1, 2]) * z / K[1, 1], CAMERA_HEIGHT, rtol=1e-4
        )
        heights = (surface.bottom - surface.top) * z / K[1, 1]
        assert np.ptp(heights) < 1e-6
        # The feet lie on one line of the ground: X = a + b Z.
        x = (surface.columns - K[0, 2]) * z / K[0, 0]
        if np.ptp(z) > 1e-3:
            assert np.abs(x - np.polyval(np.polyfit(z, x, 1), z)).max() < 1e-3


@pytest.mark.parametrize("seed", range(20))
def test_pixels_change_where_depth_changes_and_come_nearer(ground, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    texture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    before = image.copy(), ground.copy()
    pasted, depth, changed = paste_surfaces(random.Random(seed), image, ground, K, texture)
    assert (image == before[0]).all() and (ground == before[1]).all()
    assert (depth[~changed] == ground[~changed]).all()
    assert (depth[changed] <= 1.03 * ground[changed]).all()
    assert (depth > 0).all()
    if changed.sum() > 50:
        assert (pasted[changed] != image[changed]).any(axis=-1).mean() > 0.5
    again = paste_surfaces(random.Random(seed), image, ground, K, texture)
    assert all((a == b).all() for a, b in zip(again, (pasted, depth, changed), strict=True))


def test_a_nearer_wall_hides_all_surfaces(ground):
    wall = ground.copy()
    wall[:, : WIDTH // 2] = np.minimum(wall[:, : WIDTH // 2], np.float32(0.08))
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for seed in range(30):
        _, depth, _ = paste_surfaces(random.Random(seed), image, wall, K, image)
        assert (depth <= 1.03 * wall).all()


def test_an_image_without_ground_stays_as_it_is():
    wall = np.full((HEIGHT, WIDTH), 0.2, np.float32)
    image = np.full((HEIGHT, WIDTH, 3), 7, np.uint8)
    pasted, depth, changed = paste_surfaces(random.Random(0), image, wall, K, image)
    assert not changed.any() and (pasted == image).all() and (depth == wall).all()


def test_unknown_depth_becomes_known_where_a_surface_stands(ground):
    ground[: int(K[1, 2])] = 0
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    filled = 0
    for seed in range(30):
        _, depth, changed = paste_surfaces(random.Random(seed), image, ground, K, image)
        assert (depth[changed] > 0).all()
        filled += int((changed & (ground == 0)).sum())
    assert filled > 0


def test_height_below_the_camera_is_that_of_the_ground(ground):
    heights = below_camera(ground, K)[60:]
    np.testing.assert_allclose(heights, CAMERA_HEIGHT, rtol=1e-5)


def test_pasting_is_refused_with_a_photometric_loss():
    recipe = read_recipe(RECIPE)
    replace(recipe, data=replace(recipe.data, paste=0.5))
    with pytest.raises(ConfigError, match=r"data.paste is 0.5"):
        replace(
            recipe,
            data=replace(recipe.data, paste=0.5),
            loss=replace(recipe.loss, photometric=1.0),
        )
