# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Part of a recording that `jasmine run` processes, counted from its first image.

The times of other messages and those in metadata.yaml do not count: one message that is recorded at
time 0 would make the recording fifty years long.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from jasmine_core.errors import BagError
from jasmine_ros.bags.reader import Bag, without_strays


@dataclass(frozen=True)
class Window:
    """Part of a recording, by times of recording [ns]."""

    first: int  # of the first image of the recording
    start: int | None  # None: from the first message
    stop: int | None  # None: to the last message
    images: int  # in this part


def window_of(source: Bag, topic: str, start: float | None, stop: float | None) -> Window:
    """Return the part of a recording from `start` to `stop` [s] after its first image.

    Raises:
        BagError: the part is empty, or the recording has no images.
    """
    stamps = source.stamps(topic)
    if not stamps:
        raise BagError(f"{topic} in {source.path} has no messages; choose another with --image")
    usual = without_strays(stamps)
    first, last = usual[0], usual[-1]
    begin, end = (None if t is None else first + round(t * 1e9) for t in (start, stop))
    if begin is not None and end is not None and end <= begin:
        raise BagError(f"--from {start} is not before --to {stop}")
    if begin is not None and begin > last:
        raise BagError(
            f"--from {start} is after the end of {source.path}, whose images are "
            f"{(last - first) / 1e9:.2f} s long"
        )
    until = len(stamps) if end is None else bisect_left(stamps, end)
    after = 0 if begin is None else bisect_left(stamps, begin)
    return Window(first, begin, end, max(0, until - after))
