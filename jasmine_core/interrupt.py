# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C that lets the current frame or step finish."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

INTERRUPTED = 130  # exit status, as shells report SIGINT
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Record the first SIGINT or SIGTERM instead of ending; a second one acts as usual."""

    def __init__(self) -> None:
        self.requested = False
        self.signal: int = signal.SIGINT
        self._before: dict[signal.Signals, Any] = {}

    @property
    def status(self) -> int:
        """Return the exit status that shells report for the signal: 130 or 143."""
        return 128 + self.signal

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python forbids it
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
