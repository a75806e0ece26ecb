# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Timestamps of consecutive images that lie ahead of the images after them.

A clock that is set, or one damaged header, gives an image a time in the future. All images after it
would then be out of order, although only one timestamp is wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

FOLLOWING = 5  # images that a timestamp is compared with

T = TypeVar("T")


def is_ahead(stamp: int, latest: int | None, following: Sequence[int]) -> bool:
    """Return whether a timestamp [ns] is after most of those that follow it.

    Args:
        stamp: timestamp of an image.
        latest: greatest timestamp before it, None for the first image.
        following: timestamps of the next images. Those that are not after `latest` do not count: a
            recording that begins again is no fault of this image.
    """
    passed = [s for s in following if s < stamp and (latest is None or s > latest)]
    return len(passed) > len(following) / 2


def with_following(
    items: Iterable[T], stamp_of: Callable[[T], int | None]
) -> Iterator[tuple[T, list[int]]]:
    """Yield each item with the timestamps [ns] of up to FOLLOWING items after it.

    Args:
        items: images in the order of recording; FOLLOWING of them are held in memory.
        stamp_of: returns the timestamp of an item, None if it has none.
    """
    held: deque[tuple[T, int | None]] = deque()
    for item in items:
        held.append((item, stamp_of(item)))
        if len(held) > FOLLOWING:
            yield held.popleft()[0], _known(held)
    while held:
        yield held.popleft()[0], _known(held)


def _known(held: Iterable[tuple[object, int | None]]) -> list[int]:
    return [stamp for _, stamp in held if stamp is not None]
