# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages of a recording, of which some topics are read before their turn.

Odometry is often recorded after the image of its own timestamp. A node has to continue the last
motion then; a recording need not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from jasmine_core.errors import BagError
from jasmine_ros.bags.bag_message import BagMessage

AHEAD = 300_000_000  # [ns] of recording by which they are read before their turn
_MOST = 128 << 20  # [bytes] of messages that wait
_IMAGE = 4 << 20  # [bytes] that a decoded image of video takes at least
_SMALLEST = 1 << 10  # [bytes] of a message with its fields


def with_topics_ahead(
    messages: Iterable[BagMessage], topics: Collection[str], early: Callable[[BagMessage], None]
) -> Iterator[BagMessage]:
    """Yield all messages in their order; call `early` before with those of some topics.

    The messages that wait take 128 MiB at most, as far as they are stored.

    Args:
        messages: messages in the order of recording.
        topics: names of the topics that are read early; without any, nothing waits.
        early: gets each of their messages up to `AHEAD` before its turn.

    Raises:
        BagError: the recording is damaged; the messages before the damage are yielded first.
    """
    waiting: deque[tuple[BagMessage, int]] = deque()  # with their size [bytes]
    total = 0
    damage: BagError | None = None
    source = iter(messages)
    while True:
        try:
            message = next(source, None)
        except BagError as err:
            message, damage = None, err
        if message is None:
            break
        if message.topic in topics:
            early(message)
        size = max(len(message.raw), _IMAGE if message.image else _SMALLEST)
        waiting.append((message, size))
        total += size
        while waiting and (
            not topics or message.stamp - waiting[0][0].stamp > AHEAD or total > _MOST
        ):
            first, size = waiting.popleft()
            total -= size
            yield first
    for first, _ in waiting:
        yield first
    if damage is not None:
        raise damage
