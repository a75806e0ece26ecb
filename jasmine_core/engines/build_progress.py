# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One bar for the nested phases of an engine build."""

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
    """Fold the phases that TensorRT reports into percents of one bar.

    TensorRT calls from any of its threads. Once `cancelled` is set, the build ends at its next
    step. A phase's steps count alike; what runs inside a step fills that step.
    """

    def __init__(self, bar: Any) -> None:  # a tqdm of 100
        self.cancelled = False
        self._bar = bar
        self._phases: dict[str, _Phase] = {}
        self._lock = threading.Lock()

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Note that a phase begins."""
        with self._lock:
            self._phases[name] = _Phase(parent, max(steps, 1))
            self._show(name)

    def step(self, name: str, number: int) -> bool:
        """Note that a step, counted from 0, is done; return whether to go on."""
        with self._lock:
            if phase := self._phases.get(name):
                phase.done = min(number + 1, phase.steps)
                self._show(name)
            return not self.cancelled

    def finish(self, name: str) -> None:
        """Note that a phase is over."""
        with self._lock:
            self._phases.pop(name, None)

    def _show(self, name: str) -> None:
        outermost = [n for n, phase in self._phases.items() if phase.parent not in self._phases]
        share = max(self._share(n) for n in outermost)
        self._bar.n = max(self._bar.n, round(100 * share))  # a bar never runs back
        self._bar.set_postfix_str(name, refresh=False)
        self._bar.refresh()

    def _share(self, name: str) -> float:
        phase = self._phases[name]
        inside = [self._share(n) for n, other in self._phases.items() if other.parent == name]
        return min((phase.done + max(inside, default=0.0)) / phase.steps, 1.0)
