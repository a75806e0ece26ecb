# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choice of messages and items at equal distances."""

from __future__ import annotations

from jasmine_ros.commands.view_sampling import MOST_ENTITIES, Sampler, spread


def taken(sampler, entity, stamps):
    return [stamp for stamp in stamps if sampler.takes(entity, stamp)]


def test_messages_of_one_stamp_are_taken_in_all_topics():
    sampler = Sampler(100, 199, 10)
    assert taken(sampler, "/image", range(100, 200)) == list(range(100, 200, 10))
    assert taken(sampler, "/depth", range(100, 200, 2)) == list(range(100, 200, 10))
    assert sampler.taken["/depth"] == list(range(100, 200, 10))


def test_all_messages_are_taken_if_they_are_few():
    assert taken(Sampler(0, 90, 300), "/image", range(0, 100, 10)) == list(range(0, 100, 10))
    assert taken(Sampler(5, 5, 300), "/image", [5]) == [5]


def test_stamps_that_jump_do_not_exceed_the_limits():
    sampler = Sampler(0, 100, 5)
    assert len(taken(sampler, "/image", [0, 10**18, -5, 7, 10**12] * 100)) == 5
    many = [f"/frame{i}" for i in range(2 * MOST_ENTITIES)]
    assert sum(sampler.takes(entity, 0) for entity in many) == MOST_ENTITIES - 1


def test_items_are_spread_evenly():
    assert spread(range(10), 5) == [0, 2, 4, 6, 8]
    assert spread("abc", 5) == ["a", "b", "c"]
    assert spread([], 5) == []
