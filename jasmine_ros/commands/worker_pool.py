# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pool of processes that work on recordings, one recording per process.

A pipe connects each process with this one. The process sends its progress and its result; it stops
when it receives anything or when the pipe is closed, as if this process is killed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

from jasmine_core.child import open_pipe, start_worker

Job = TypeVar("Job")
Result = TypeVar("Result")
Stop = Callable[[], bool]
Send = Callable[[Any], None]
LOST = (
    "its process ended unexpectedly, perhaps because memory ran out; repeat the command, perhaps "
    "with fewer --workers"
)


class WorkerPool(Generic[Job, Result]):
    """Pool of processes for one kind of job.

    Args:
        code: Python code that calls `serve` in a process, with the descriptor `sys.argv[1]`.
        workers: largest number of processes at the same time.
        progress: called with a job and what its process sends as progress.
        lost: makes the result of a job whose process ended without one.
    """

    def __init__(
        self,
        code: str,
        workers: int,
        progress: Callable[[Job, Any], None],
        lost: Callable[[Job], Result],
    ) -> None:
        self._code, self._workers = code, workers
        self._progress, self._lost = progress, lost
        self._running: dict[Connection, tuple[Job, subprocess.Popen[bytes]]] = {}

    def __call__(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Result]:
        """Yield the results in the order in which they come; start no job after `stop`."""
        todo = list(jobs)
        try:
            while todo or self._running:
                while todo and len(self._running) < self._workers and not stop():
                    self._start(todo.pop(0))
                if stop():
                    todo.clear()
                    self._stop()
                for pipe in cast(list[Connection], wait(list(self._running), timeout=0.2)):
                    yield from self._receive(pipe)
        finally:
            self._stop()

    def _start(self, job: Job) -> None:
        pipe, far_end = Pipe()
        # A fork of a process with OpenCV's threads may hang.
        process = start_worker(self._code, far_end)
        far_end.close()
        with suppress(BrokenPipeError):  # The process ended; `recv` finds that.
            pipe.send(job)
        self._running[pipe] = job, process

    def _receive(self, pipe: Connection) -> Iterator[Result]:
        job, process = self._running[pipe]
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError):  # OSError: it ended with the job or its result half read.
            kind, content = "result", self._lost(job)
        if kind == "progress":
            self._progress(job, content)
            return
        process.wait()
        del self._running[pipe]
        yield content

    def _stop(self) -> None:
        for pipe in self._running:
            with suppress(OSError):  # The process may have ended.
                pipe.send("stop")


def serve(descriptor: str, work: Callable[[Any, Send, Stop], Any]) -> None:
    """Do the job that comes through a pipe; send its progress and its result."""
    pipe = open_pipe(descriptor)
    import cv2

    cv2.setNumThreads(1)
    job = pipe.recv()

    def progress(content: Any) -> None:
        with suppress(BrokenPipeError):  # The parent was killed, and `poll` returns True.
            pipe.send(("progress", content))

    result = work(job, progress, pipe.poll)
    with suppress(BrokenPipeError):
        pipe.send(("result", result))
