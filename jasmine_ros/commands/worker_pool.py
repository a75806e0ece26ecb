# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pool of processes of this machine, which work on one recording at a time.

A pipe connects each process with this one. The process receives a job and sends its progress and
its outcome, and so on. It stops early when it receives anything else or when the pipe is closed, as
if this process is killed.
"""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, cast

from jasmine_core.child import open_pipe, start_worker
from jasmine_ros.commands.pools import LOST, Job, Outcome, Stop, Work

# Several progress bars of processes would be unreadable, and threads for all processor cores in
# each process would be slower. These are the environment variables of tqdm and OpenMP.
_CODE = """import os
os.environ['TQDM_DISABLE'] = '1'
os.environ.setdefault('OMP_NUM_THREADS', '{threads}')
from jasmine_ros.commands.worker_pool import serve; serve(sys.argv[1], '{module}', '{name}')
"""


class WorkerPool(Generic[Job]):
    """Pool of processes for one kind of work.

    Args:
        work: the kind of work.
        workers: largest number of processes at the same time.
        progress: called with a job and what its process sends as progress.
    """

    def __init__(self, work: Work[Job], workers: int, progress: Callable[[Job, Any], None]) -> None:
        threads = max(1, len(os.sched_getaffinity(0)) // workers)
        module, name = work.function.__module__, work.function.__name__
        self._code = _CODE.format(threads=threads, module=module, name=name)
        self._work, self._workers, self._progress = work, workers, progress
        self._running: dict[Connection, tuple[Job, subprocess.Popen[bytes]]] = {}
        self._idle: list[tuple[Connection, subprocess.Popen[bytes]]] = []

    def __call__(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Yield the outcomes in the order in which they come; start no job after `stop`."""
        todo = deque(jobs)
        try:
            while todo or self._running:
                while todo and len(self._running) < self._workers and not stop():
                    self._start(todo.popleft())
                if stop():
                    todo.clear()
                    self._stop()
                for pipe in cast(list[Connection], wait(list(self._running), timeout=0.2)):
                    outcome = self._receive(pipe)
                    if not todo:
                        self._end()
                    if outcome is not None:
                        yield outcome
        finally:
            self._stop()
            self._end()

    def _start(self, job: Job) -> None:
        pipe, process = self._process()
        with suppress(BrokenPipeError):  # The process ended; `recv` finds that.
            pipe.send(job)
        self._running[pipe] = job, process

    def _process(self) -> tuple[Connection, subprocess.Popen[bytes]]:
        """Return a process without a job, a new one if there is none."""
        while self._idle:
            pipe, process = self._idle.pop()
            if process.poll() is None:
                return pipe, process
            pipe.close()  # It was killed.
        pipe, far_end = Pipe()
        # A fork of a process with OpenCV's threads may hang.
        process = start_worker(self._code, far_end)
        far_end.close()
        return pipe, process

    def _receive(self, pipe: Connection) -> Outcome | None:
        """Receive the outcome of a job, or its progress, for which the result is None."""
        job, process = self._running[pipe]
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError):  # OSError: it ended with the job or its outcome half read.
            del self._running[pipe]
            pipe.close()
            process.wait()
            return self._work.lost(job, LOST)
        if kind == "progress":
            self._progress(job, content)
            return None
        del self._running[pipe]
        self._idle.append((pipe, process))
        return cast(Outcome, content)

    def _stop(self) -> None:
        for pipe in self._running:
            with suppress(OSError):  # The process may have ended.
                pipe.send(None)

    def _end(self) -> None:
        """End the processes without a job; the others were told to stop, and end by themselves."""
        for pipe, process in self._idle:
            pipe.close()
            process.wait()
        self._idle.clear()


def serve(descriptor: str, module: str, name: str) -> None:
    """Do the jobs that come through a pipe; send their progress and their outcomes."""
    pipe = open_pipe(descriptor)
    import cv2

    cv2.setNumThreads(1)
    function = getattr(import_module(module), name)

    def progress(content: Any) -> None:
        with suppress(BrokenPipeError):  # The parent was killed, and `poll` returns True.
            pipe.send(("progress", content))

    with suppress(EOFError, ConnectionError):  # The parent needs no more, or was killed.
        while (job := pipe.recv()) is not None:
            pipe.send(("outcome", function(job, progress, pipe.poll)))
