# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choice of the messages of a recording that a viewer shows, at equal distances in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

MOST_ENTITIES = 1000  # that are shown; a damaged recording may name any number of frames
Item = TypeVar("Item")


class Sampler:
    """Choice of at most `most` messages of each entity between two times.

    The time is divided into `most` equal parts, and the first message in each part is taken. So the
    image, the depth and the cloud of one stamp are taken together.

    Args:
        first: stamp [ns] of the first message.
        last: stamp [ns] of the last message.
        most: largest number of messages of an entity.
    """

    def __init__(self, first: int, last: int, most: int) -> None:
        self._first, self._length, self._most = first, max(1, last - first + 1), most
        self.taken: defaultdict[str, list[int]] = defaultdict(list)  # stamps [ns] by entity
        self._parts: dict[str, int] = {}  # the latest by entity

    def takes(self, entity: str, stamp: int) -> bool:
        """Return whether a message at a stamp [ns] is shown, and count it if so."""
        part = (stamp - self._first) * self._most // self._length
        if self._parts.get(entity) == part or not self._has_room(entity):
            return False
        self._parts[entity] = part
        self.taken[entity].append(stamp)
        return True

    def _has_room(self, entity: str) -> bool:
        if entity in self.taken:
            return len(self.taken[entity]) < self._most
        return len(self.taken) < MOST_ENTITIES


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most `most` items at equal distances, the first one among them."""
    if len(items) <= most:
        return list(items)
    return [items[i * len(items) // most] for i in range(most)]
