# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Threads: for work that must not hold up callbacks, and for a word while something lasts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread
from time import monotonic
from typing import NoReturn

GRACE = 0.3  # [s] for the work in hand when the worker is told to end


class Worker:
    """Run pieces of work one after another; a piece that already waits is not queued again.

    An exception ends the worker and is kept in `failure` for whoever watches over it.
    """

    def __init__(self, name: str) -> None:
        self.failure: BaseException | None = None
        self._waiting: list[Callable[[], None]] = []
        self._wakeup, self._closing = Condition(), False
        self._thread = Thread(target=self._work_off, name=name, daemon=True)
        self._thread.start()

    def schedule(self, work: Callable[[], None]) -> None:
        """Run work soon."""
        with self._wakeup:
            if not self._closing and work not in self._waiting:
                self._waiting.append(work)
                self._wakeup.notify()

    def close(self, grace: float = GRACE) -> None:
        """Drop what waits, and give the work in hand a moment [s]."""
        with self._wakeup:
            self._closing = True
            self._waiting.clear()
            self._wakeup.notify()
        self._thread.join(grace)

    @property
    def closing(self) -> bool:
        """Tell whether results still matter."""
        return self._closing

    def _work_off(self) -> None:
        while True:
            with self._wakeup:
                self._wakeup.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                work = self._waiting.pop(0)
            try:
                work()
            except BaseException as err:
                self.failure = err
                return


@contextmanager
def heartbeat(period: float, beat: Callable[[float], None]) -> Iterator[None]:
    """Call `beat` with the time so far [s], each `period` [s], as long as the block lasts."""
    began, over = monotonic(), Event()

    def run() -> None:
        while not over.wait(period):
            beat(monotonic() - began)

    Thread(target=run, name="heartbeat", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def end_process(status: int = 0) -> NoReturn:
    """End at once, whatever other threads are at.

    A thread inside a library that loads a network or builds an engine cannot be stopped, and Python
    would wait for it; without any it would still walk through all of torch once more.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
