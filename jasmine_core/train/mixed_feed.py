# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batches of two image shapes in turn, such as wide and 4:3 images."""

from __future__ import annotations

from collections.abc import Iterator

from jasmine_core.train.feed import Batch, Feed


class MixedFeed:
    """Feed that takes every n-th batch from another feed; a batch depends on its step alone."""

    def __init__(self, main: Feed, other: Feed, every: int) -> None:
        self.main, self.other, self.every = main, other, every

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """Yield this process's part of the batches first..last-1."""
        steps = range(first, last)
        others = self.other.at(step for step in steps if self._is_other(step))
        mains = self.main.at(step for step in steps if not self._is_other(step))
        for step in steps:
            yield next(others if self._is_other(step) else mains)

    def _is_other(self, step: int) -> bool:
        return step % self.every == self.every - 1
