# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pairs of images and ground truths by their timestamps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.evaluate.pairing import later_ones, pair_nearest, smallest_gap

STAMPS = st.lists(st.integers(0, 60), max_size=12, unique=True).map(sorted)


def test_the_nearest_are_paired_and_each_of_them_once():
    assert pair_nearest([0, 10, 20], [1, 9, 12, 90], 5) == {0: 0, 1: 1}
    assert pair_nearest([0, 1], [2], 5) == {1: 0}
    assert pair_nearest([0], [4, 5], 4) == {0: 0}
    assert pair_nearest([], [1], 5) == pair_nearest([1], [], 5) == {}


@given(STAMPS, STAMPS, st.integers(0, 20))
def test_pairs_are_near_and_no_nearer_pair_is_left(images, ground_truths, most):
    pairs = pair_nearest(images, ground_truths, most)
    assert len(set(pairs.values())) == len(pairs)
    gaps = {i: abs(images[i] - ground_truths[j]) for i, j in pairs.items()}
    gap_of = {j: gaps[i] for i, j in pairs.items()}
    assert all(gap <= most for gap in gaps.values())
    for i, image in enumerate(images):
        for j, ground_truth in enumerate(ground_truths):
            if (apart := abs(image - ground_truth)) <= most:
                assert apart >= min(gaps.get(i, most + 1), gap_of.get(j, most + 1))


def test_stamps_that_are_not_later_are_left_out():
    assert later_ones([5, 5, 5]) == [0]
    assert later_ones([1, 3, 2, 3, 4]) == [0, 1, 4]
    assert later_ones([]) == []


def test_a_stamp_that_is_ahead_of_those_after_it_is_left_out():
    assert later_ones([1, 2, 90, 3, 4, 5]) == [0, 1, 3, 4, 5]
    assert later_ones([90, 91, 1, 2, 3, 4, 5]) == [2, 3, 4, 5, 6]
    assert later_ones([1, 2, 3, 90]) == [0, 1, 2, 3]


def test_the_smallest_gap_is_found_on_both_sides():
    assert smallest_gap([10, 20], [13, 40]) == 3
    assert smallest_gap([10], [1]) == 9
