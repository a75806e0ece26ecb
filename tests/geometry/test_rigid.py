# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.geometry.rigid import (
    angle_of,
    from_numbers,
    interpolate,
    inverse,
    quaternion_of,
    rotation_of,
    to_numbers,
)

coordinates = st.floats(-10, 10, allow_nan=False)
quaternions = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(
    lambda q: np.linalg.norm(q) > 0.1
)
transforms = st.builds(
    lambda t, q: from_numbers([*t, *q]),
    st.lists(coordinates, min_size=3, max_size=3),
    quaternions,
)


@given(quaternions)
def test_quaternion_of_a_rotation_is_the_original(q):
    R = rotation_of(q)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1)
    found = quaternion_of(R)
    assert found[3] >= 0
    np.testing.assert_allclose(rotation_of(found), R, atol=1e-9)


def test_quaternion_follows_the_convention_of_ros():
    quarter = [0, 0, np.sqrt(0.5), np.sqrt(0.5)]  # to the left about z
    np.testing.assert_allclose(rotation_of(quarter) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize("q", [(0, 0, 0, 0), (np.nan, 0, 0, 1)])
def test_invalid_quaternion_is_refused(q):
    with pytest.raises(ValueError, match="is not a rotation"):
        rotation_of(q)


@given(transforms, transforms)
def test_inverse_and_composition_of_transforms(T_b_a, T_c_b):
    np.testing.assert_allclose(inverse(T_b_a) @ T_b_a, np.eye(4), atol=1e-9)
    point = np.array([1.0, -2.0, 3.0, 1.0])
    np.testing.assert_allclose((T_c_b @ T_b_a) @ point, T_c_b @ (T_b_a @ point), atol=1e-9)


@given(transforms)
def test_transform_is_restored_from_seven_numbers(T):
    np.testing.assert_allclose(from_numbers(to_numbers(T)), T, atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, 3.0])
def test_angles_are_exact_from_tiny_to_large(angle):
    axis = np.array([1.0, 2.0, -2.0]) / 3
    R = rotation_of([*(np.sin(angle / 2) * axis), np.cos(angle / 2)])
    assert angle_of(R) == pytest.approx(angle, rel=1e-6, abs=1e-15)


@given(transforms, transforms, st.floats(0, 1))
def test_interpolation_has_constant_velocity(T_a, T_b, share):
    T = interpolate(T_a, T_b, share)
    np.testing.assert_allclose(T[:3, 3], (1 - share) * T_a[:3, 3] + share * T_b[:3, 3], atol=1e-9)
    whole = angle_of(T_a[:3, :3].T @ T_b[:3, :3])
    part = angle_of(T_a[:3, :3].T @ T[:3, :3])
    assert part == pytest.approx(share * whole, abs=1e-6)
    np.testing.assert_allclose(interpolate(T_a, T_b, 0), T_a, atol=1e-9)
    np.testing.assert_allclose(interpolate(T_a, T_b, 1), T_b, atol=1e-9)
