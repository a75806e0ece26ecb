# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Worker thread of a live host, and periodic progress messages during a long call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread
from time import monotonic
from typing import NoReturn

GRACE = 0.3  # [s] for the running work when the worker is closed


class Worker:
    """Thread that runs one call after another; a call that already waits is not queued again.

    An exception ends the thread and is kept in `failure` for the host.
    """

    def __init__(self, name: str) -> None:
        self.failure: BaseException | None = None
        self._waiting: list[Callable[[], None]] = []
        self._wakeup, self._closing = Condition(), False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def schedule(self, work: Callable[[], None]) -> None:
        """Queue a call."""
        with self._wakeup:
            if not self._closing and work not in self._waiting:
                self._waiting.append(work)
                self._wakeup.notify()

    def close(self, grace: float = GRACE) -> None:
        """Drop the queue and wait for the running call, at most `grace` [s]."""
        with self._wakeup:
            self._closing = True
            self._waiting.clear()
            self._wakeup.notify()
        self._thread.join(grace)

    @property
    def closing(self) -> bool:
        """Whether the worker is closed, so that results are not published any more."""
        return self._closing

    def _run(self) -> None:
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
    """Call `beat` with the elapsed time [s] every `period` [s] while the block runs."""
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
    """End the process at once, without waiting for other threads.

    A thread inside a library that loads a network or builds an engine cannot be stopped, and Python
    would wait for it. Without such a thread the regular exit would still take the time to free all
    modules of torch.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
