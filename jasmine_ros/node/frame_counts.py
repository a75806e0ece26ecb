# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Counters of the received images by their status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LOG_EVERY = 100  # images of one kind, such as skipped ones, between two log lines
EXAMPLES = 5  # reasons that are kept for each kind of skipped image


@dataclass
class FrameCounts:
    """Counters of images: processed, dropped, skipped and ignored; the others still wait."""

    received: int = 0
    dropped: int = 0  # replaced by a newer image before they were processed
    ignored: int = 0  # not processed, because no output had a subscriber or the node was disabled
    processed: int = 0
    backwards: int = 0  # processed with an earlier stamp than the image before
    last_reason: str = ""  # of the latest skipped image
    reasons: dict[str, list[str]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _last_stamp: int | None = None

    @property
    def skipped(self) -> int:
        """Number of images that could not be processed."""
        return sum(self._counts.values())

    def done(self, stamp: int) -> None:
        """Count a processed image with this stamp [ns]."""
        self.processed += 1
        if self._last_stamp is not None and stamp < self._last_stamp:
            self.backwards += 1
        self._last_stamp = stamp

    def skip(self, kind: str, reason: str) -> int:
        """Count an image that could not be processed; return the count of its kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self.last_reason = reason
        examples = self.reasons.setdefault(kind, [])
        if len(examples) < EXAMPLES and reason not in examples:
            examples.append(reason)
        return self._counts[kind]

    def progress(self, processed: int, ignored: int, seconds: float) -> str:
        """Return a line about the time since `processed` and `ignored` images were counted."""
        if self.processed == processed and self.ignored > ignored:
            state = "idle, because no output has a subscriber or ~/enable is off"
        else:
            state = f"{(self.processed - processed) / seconds:.1f} frames/s"
        return (
            f"{state}; {self.received} received, {self.processed} processed, "
            f"{self.dropped} dropped for newer images, {self.skipped} skipped"
        )

    def summary(self) -> dict[str, Any]:
        """Return the counters, with examples of the reasons for skipped images."""
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
