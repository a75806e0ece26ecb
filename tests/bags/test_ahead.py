# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Topics of a recording that are read before their turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.errors import BagError
from jasmine_ros.bags.ahead import AHEAD, with_topics_ahead
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.connection import Connection, Schema

ODOM = Connection(0, "/odom", Schema("nav_msgs/msg/Odometry"))
IMAGE = Connection(1, "/image", Schema("sensor_msgs/msg/Image"))
MS = 1_000_000


def message(connection, stamp, size=1, image=None):
    return BagMessage(connection, stamp, bytes(size), image)


def play(messages, topics=("/odom",)):
    """Return what is called and yielded, in this order."""
    order = []
    played = with_topics_ahead(messages, topics, lambda m: order.append(("early", m)))
    order.extend(("turn", found) for found in played)
    return order


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=40))
def test_all_messages_keep_their_order_and_odometry_comes_early(given_messages):
    stamp, messages = 0, []
    for odometry, step in given_messages:
        stamp += step * MS
        messages.append(message(ODOM if odometry else IMAGE, stamp))
    order = play(messages)
    assert [m for kind, m in order if kind == "turn"] == messages
    assert [m for kind, m in order if kind == "early"] == [
        m for m in messages if m.topic == "/odom"
    ]
    seen = []
    for kind, m in order:
        if kind == "early":
            seen.append(m)
        else:
            before = [o for o in messages if o.topic == "/odom" and o.stamp <= m.stamp + AHEAD]
            assert seen[: len(before)] == before


def test_without_topics_nothing_waits():
    images = iter([message(IMAGE, 0), message(IMAGE, 1)])
    assert next(with_topics_ahead(images, (), pytest.fail)).stamp == 0
    assert len(list(images)) == 1


@pytest.mark.parametrize("image", [None, lambda: None])
def test_messages_with_one_timestamp_do_not_fill_the_memory(image):
    read = 0

    def messages():
        nonlocal read
        for _ in range(100):
            read += 1
            yield message(IMAGE, 0, size=1 if image else 4 << 20, image=image)

    most = 0
    for count, _ in enumerate(with_topics_ahead(messages(), ("/odom",), pytest.fail)):
        most = max(most, read - count)
    assert 30 < most < 40


def test_the_messages_before_a_damage_are_yielded_first():
    def messages():
        yield message(IMAGE, 0)
        yield message(ODOM, 1)
        raise BagError("broken")

    order = []
    with pytest.raises(BagError, match="broken"):
        order.extend(with_topics_ahead(messages(), ("/odom",), order.append))
    assert [m.stamp for m in order] == [1, 0, 1]
