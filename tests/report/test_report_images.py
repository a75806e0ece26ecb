# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from base64 import b64decode

import cv2
import numpy as np
import pytest

from jasmine_core.report.images import LARGEST, THUMBNAIL, WIDTH, data_uri, paint, resized


def decoded(uri: str) -> np.ndarray:
    """Return the RGB image of a data URI."""
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_small_image_keeps_its_size_and_its_colours():
    image = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    shown = decoded(data_uri(image))
    assert shown.shape == (40, 60, 3)
    assert np.abs(shown.astype(int) - image).max() < 6


@pytest.mark.parametrize(
    ("shape", "width", "expected"),
    [
        ((1080, 1920, 3), WIDTH, (405, 720, 3)),
        ((1080, 1920), THUMBNAIL, (169, 300, 3)),
        ((4000, 10, 3), 100, (200, 1, 3)),
    ],
)
def test_large_image_is_reduced(shape, width, expected):
    assert decoded(data_uri(np.zeros(shape, np.uint8), width)).shape == expected


def test_image_of_noise_has_a_bounded_size():
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8)
    uri = data_uri(noise, 1600)
    assert len(b64decode(uri.partition(",")[2])) <= LARGEST
    assert decoded(uri).shape[1] < 1600


def test_painted_map_is_grey_where_it_is_unknown():
    painted = paint(np.array([[0.0, 1.0, np.nan, -5.0, 9.0]]), 0, 1)
    assert painted.shape == (1, 5, 3) and painted.dtype == np.uint8
    assert (painted[0, 2] == painted[0, 2, 0]).all()
    assert (painted[0, 3] == painted[0, 0]).all() and (painted[0, 4] == painted[0, 1]).all()
    assert (painted[0, 0] != painted[0, 1]).any()


def test_map_gets_the_size_of_its_image():
    assert resized(np.zeros((4, 6, 3), np.uint8), np.zeros((10, 20, 3))).shape == (10, 20, 3)
