# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Timestamps that lie ahead of those after them."""

from __future__ import annotations

import pytest

from jasmine_core.prepare.timestamps import FOLLOWING, is_ahead, with_following


@pytest.mark.parametrize(
    ("stamp", "latest", "following", "expected"),
    [
        (90, 2, [3, 4, 5], True),
        (90, None, [1, 2, 3], True),
        (90, 2, [91, 3, 4, 5, 6], True),  # two of them
        (90, 2, [3, 91, 92, 93, 94], False),  # one older image is the fault
        (3, 2, [1, 2, 1, 2, 1], False),  # the recording begins again
        (5, 5, [5, 5, 5], False),
        (5, None, [], False),
    ],
)
def test_a_timestamp_is_ahead_of_most_that_follow(stamp, latest, following, expected):
    assert is_ahead(stamp, latest, following) is expected


def test_each_item_comes_with_the_timestamps_after_it():
    stamps = [None, *range(1, 9)]
    pairs = list(with_following(stamps, lambda stamp: stamp))
    assert [item for item, _ in pairs] == stamps
    assert pairs[0][1] == [1, 2, 3, 4, 5] and len(pairs[0][1]) == FOLLOWING
    assert pairs[6:] == [(6, [7, 8]), (7, [8]), (8, [])]
