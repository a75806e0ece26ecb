# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shares of a list for several machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.errors import ConfigError
from jasmine_core.shard import Shard


@given(st.lists(st.integers()), st.integers(1, 12))
def test_shares_are_disjoint_complete_and_of_equal_size(items, count):
    shares = [Shard(index, count)(items) for index in range(1, count + 1)]
    assert sorted(item for share in shares for item in share) == sorted(items)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_text_is_parsed():
    assert Shard.parse("3/4") == Shard(3, 4)
    assert Shard.parse("1/1")([5, 6]) == [5, 6]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "4", "1/2/3", "-1/4", "a/b", "1.0/2", ""])
def test_another_text_is_refused_with_an_example(text):
    with pytest.raises(ConfigError, match=r"--shard is .*; it must be I/N .* such as 1/4"):
        Shard.parse(text)
