# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shares of a list for several machines that know nothing of each other: `--shard 2/8`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from jasmine_core.errors import ConfigError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Share number `index` (from 1) of `count` equal shares."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse "I/N".

        Raises:
            ConfigError: The text has another form, or I is not in 1..N.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        index, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= index <= count:
            raise ConfigError(
                f"--shard is {text}; it must be I/N with I from 1 to N, such as 1/4 for the first "
                "of four machines"
            )
        return cls(index, count)

    def __call__(self, items: Sequence[Item]) -> list[Item]:
        """Return every N-th item of a list that all machines have in the same order."""
        return list(items[self.index - 1 :: self.count])
