# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What became of the images that came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class FrameCounts:
    """Count images by their status: processed, dropped, skipped, ignored or still waiting."""

    received: int = 0
    dropped: int = 0  # a newer image came before its turn
    ignored: int = 0  # nobody wanted its depth
    processed: int = 0
    backwards: int = 0  # processed, but stamped earlier than the one before
    last_reason: str = ""  # why the latest skipped one was
    reasons: dict[str, list[str]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _last_stamp: int | None = None

    @property
    def skipped(self) -> int:
        """Return how many images could not be used."""
        return sum(self._counts.values())

    def done(self, stamp: int) -> None:
        """Count a processed image and watch its stamp [ns]."""
        self.processed += 1
        if self._last_stamp is not None and stamp < self._last_stamp:
            self.backwards += 1
        self._last_stamp = stamp

    def skip(self, kind: str, reason: str) -> int:
        """Count an image that could not be used; return how many of its kind there are."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self.last_reason = reason
        examples = self.reasons.setdefault(kind, [])
        if len(examples) < 5 and reason not in examples:
            examples.append(reason)
        return self._counts[kind]

    def summary(self) -> dict[str, Any]:
        """Return the counts, and examples of why images were skipped."""
        skipped = {
            kind: {"count": count, "examples": self.reasons[kind]}
            for kind, count in self._counts.items()
        }
        return {
            "received": self.received,
            "processed": self.processed,
            "dropped": self.dropped,
            "ignored": self.ignored,
            "stamped_backwards": self.backwards,
            "skipped": skipped,
        }
