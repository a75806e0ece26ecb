# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pairs of images and ground truths by their timestamps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from jasmine_core.prepare.timestamps import is_ahead, with_following


def later_ones(stamps: Sequence[int]) -> list[int]:
    """Return the indices of the stamps that are in order.

    `jasmine prepare` uses the same images: a stamp that is not after those before it, or that is
    ahead of those after it, is the fault of a clock.
    """
    kept: list[int] = []
    latest: int | None = None
    indices = range(len(stamps))
    for index, following in with_following(indices, lambda index: stamps[index]):
        stamp = stamps[index]
        if (latest is None or stamp > latest) and not is_ahead(stamp, latest, following):
            kept.append(index)
            latest = stamp
    return kept


def pair_nearest(images: Sequence[int], ground_truths: Sequence[int], most: int) -> dict[int, int]:
    """Pair images and ground truths, the nearest first, and each of them once.

    Args:
        images: timestamps [ns] in increasing order.
        ground_truths: timestamps [ns] in increasing order.
        most: largest distance [ns] between an image and its ground truth.

    Returns:
        {index of the image: index of its ground truth}.
    """
    candidates = []
    for j, stamp in enumerate(ground_truths):
        near = range(bisect_left(images, stamp - most), bisect_right(images, stamp + most))
        candidates += [(abs(images[i] - stamp), i, j) for i in near]
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in sorted(candidates):
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    return pairs


def smallest_gap(images: Sequence[int], ground_truths: Sequence[int]) -> int:
    """Return the smallest distance [ns] between two non-empty increasing lists of timestamps."""
    gaps = []
    for stamp in ground_truths:
        at = bisect_left(images, stamp)
        gaps += [abs(other - stamp) for other in images[max(0, at - 1) : at + 1]]
    return min(gaps)
