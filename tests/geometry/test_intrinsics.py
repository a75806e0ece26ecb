# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Intrinsics that cannot belong to a camera."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.errors import CameraError
from jasmine_core.geometry.intrinsics import require_intrinsics

SIZE = (640, 480)
K = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])


def changed(**elements):
    matrix = K.copy()
    for name, value in elements.items():
        matrix[int(name[1]), int(name[2])] = value
    return matrix


@pytest.mark.parametrize(
    "matrix",
    [
        K,
        changed(k02=-0.5, k12=479.5),
        changed(k00=110, k11=110),  # field of view of 142 deg
        changed(k00=40000, k11=40000),  # telephoto lens
        changed(k01=2.0),  # skew
        changed(k11=250),  # pixels that are not square
    ],
)
def test_unusual_cameras_are_accepted(matrix):
    require_intrinsics(matrix, SIZE)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (K.T, "K is transposed"),
        (K / [[640], [480], [1]], "fx = 0.78125 px.*normalised"),
        (K / 640, r"K\[2,2\] is 0.0015625, not 1"),
        (changed(k00=4.0, k11=4.0, k02=3.2, k12=2.4), "fx = 4 px.*normalised or in millimetres"),
        (changed(k11=1.1), "fy = 1.1 px"),
        (changed(k00=-500), "fx = -500 px"),
        (changed(k00=0), "fx = 0 px"),
        (changed(k00=1e7), "fx = 1e\\+07 px, which is impossible"),
        (changed(k22=0), r"K\[2,2\] is 0, not 1"),
        (changed(k22=2), r"K\[2,2\] is 2, not 1"),
        (changed(k20=3, k22=2), r"K\[2,2\] is 2, not 1"),
        (changed(k10=320), r"K\[1,0\] = 320"),
        (changed(k02=640), r"principal point \(640, 240\) px outside the image of 640x480 px"),
        (changed(k12=-100), r"principal point \(320, -100\) px outside"),
        (changed(k02=np.nan), "finite"),
        (K[:2], "3x3"),
    ],
)
def test_nonsense_is_refused_by_name(matrix, words):
    with pytest.raises(CameraError, match=words):
        require_intrinsics(matrix, SIZE)
