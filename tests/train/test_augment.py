# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Augmentation depends on the drawn numbers alone, and stays inside the image."""

from __future__ import annotations

import random

import numpy as np

from jasmine_core.train.augment import Degradation, random_part


def test_parts_are_inside_the_image_and_have_the_drawn_size():
    parts = [random_part(random.Random(i), 1.6) for i in range(300)]
    shares = [part.share for part in parts if part]
    assert 0.15 < parts.count(None) / 300 < 0.35
    assert 1 / 1.6 <= min(shares) < 0.65 and 0.95 < max(shares) <= 1
    for part in filter(None, parts):
        w = part.transform((320, 96), (320, 96)).source_window
        assert w.x >= 0 and w.y >= 0 and w.x + w.width <= 320 and w.y + w.height <= 96


def test_without_zoom_there_is_no_part():
    assert random_part(random.Random(0), 1.0) is None


def test_a_camera_has_the_same_faults_for_all_its_images():
    image = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    changed = 0
    for seed in range(40):
        camera = Degradation(random.Random(seed))
        once = camera(image)
        assert once.dtype == np.uint8 and once.shape == image.shape
        assert np.array_equal(once, camera(image))
        assert np.array_equal(once, Degradation(random.Random(seed))(image))
        changed += not np.array_equal(once, image)
    assert changed > 30


def test_some_cameras_are_grey():
    image = np.random.default_rng(1).integers(0, 255, (8, 8, 3), np.uint8)
    cameras = [Degradation(random.Random(seed)) for seed in range(100)]
    grey = [c for c in cameras if c.grey and c.noise is None]
    assert grey and all(np.ptp(c(image), axis=-1).max() <= 1 for c in grey)


def test_shadows_darken_parts_of_the_image_smoothly():
    image = np.full((96, 320, 3), 200, np.uint8)
    shadows = 0
    for seed in range(60):
        camera = Degradation(random.Random(seed))
        if camera.shadow is None:
            continue
        shadows += 1
        light = camera._light(camera.shadow, 96, 320)
        assert light.shape == (96, 320, 1)
        assert camera.shadow - 1e-6 <= light.min() and light.max() <= 1 + 1e-6
        assert np.abs(np.diff(light, axis=1)).max() < 0.75, "an edge is wider than a pixel"
        camera.exposure, camera.white, camera.noise = 1.0, [1.0] * 3, None
        camera.gamma, camera.sigma, camera.motion, camera.grey = None, None, False, False
        darkened = camera(image)
        assert darkened.max() <= 200 and darkened.min() >= int(200 * camera.shadow) - 1
    assert 15 < shadows < 45
