# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Counters of the damaged messages of a bag, which are skipped."""

from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger(__name__)


class DamagedMessages:
    """Counters of damaged messages by topic, with the first error of each topic."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, topic: str, reason: str) -> None:
        """Count a message; the first one of a topic is logged."""
        if topic not in self._counts:
            _log.warning("message skipped: %s", reason)
        self._counts[topic] = self._counts.get(topic, 0) + 1
        self._first.setdefault(topic, reason)

    def summary(self) -> dict[str, Any]:
        """Return the number of messages and an example of each topic, ready for JSON."""
        return {
            topic: {"count": count, "example": self._first[topic]}
            for topic, count in sorted(self._counts.items())
        }
