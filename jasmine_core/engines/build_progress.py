# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Progress bar for the nested phases of an engine build."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class BuildProgress:
    """Combine the nested phases that TensorRT reports into percents of one bar.

    The methods may be called from any thread. Once `cancelled` is set, the build ends at its next
    step. All steps of a phase count the same; a nested phase fills the current step of its parent.
    """

    def __init__(self, bar: Any) -> None:  # a tqdm of 100
        self.cancelled = False
        self._bar = bar
        self._phases: dict[str, _Phase] = {}
        self._lock = threading.Lock()

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Record the start of a phase."""
        with self._lock:
            self._phases[name] = _Phase(parent, max(steps, 1))
            self._show(name)

    def step(self, name: str, number: int) -> bool:
        """Record a finished step, counted from 0; return False to end the build."""
        with self._lock:
            if phase := self._phases.get(name):
                phase.done = min(number + 1, phase.steps)
                self._show(name)
            return not self.cancelled

    def finish(self, name: str) -> None:
        """Record the end of a phase."""
        with self._lock:
            self._phases.pop(name, None)

    def _show(self, name: str) -> None:
        outermost = [n for n, phase in self._phases.items() if phase.parent not in self._phases]
        share = max(self._share(n) for n in outermost)
        self._bar.n = max(self._bar.n, round(100 * share))  # the bar must not move backwards
        self._bar.set_postfix_str(name, refresh=False)
        self._bar.refresh()

    def _share(self, name: str) -> float:
        phase = self._phases[name]
        inside = [self._share(n) for n, other in self._phases.items() if other.parent == name]
        return min((phase.done + max(inside, default=0.0)) / phase.steps, 1.0)
