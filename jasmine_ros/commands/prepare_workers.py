# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Preparation of several recordings, one after the other or in parallel processes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NoReturn, cast

from tqdm import tqdm

from jasmine_core.child import open_pipe, start_worker
from jasmine_core.errors import JasmineError
from jasmine_ros.bags.to_sequence import Interrupted, Job, prepare_bag

_WORK = "from jasmine_ros.commands.prepare_workers import work; work(sys.argv[1])"
Stop = Callable[[], bool]
_Running = dict[Connection, tuple[Job, subprocess.Popen[bytes]]]


@dataclass(frozen=True)
class Result:
    """Outcome of one recording, with a line for the user."""

    text: str
    failed: bool = False
    interrupted: bool = False
    sequence: Path | None = None  # folder of the complete sequence


def prepare_bags(jobs: list[Job], workers: int, stop: Stop) -> Iterator[Result]:
    """Prepare recordings until `stop` returns True, with a progress bar; yield each result."""
    with _Bar() as bar:
        if workers > 1 and len(jobs) > 1:
            yield from _in_parallel(jobs, workers, stop, bar)
            return
        for job in jobs:
            if stop():
                return
            yield _prepare(job, partial(bar.update, job), stop)


def _prepare(job: Job, progress: Callable[[int, int], None], stop: Stop) -> Result:
    try:
        outcome = prepare_bag(job, progress, stop)
    except Interrupted:
        return Result(f"{job.folder}: interrupted", interrupted=True)
    except JasmineError as err:
        return Result(str(err), failed=True)
    if outcome is None:
        return Result(f"{job.folder}: already finished", sequence=job.folder)
    health = outcome.health
    metric = "metric" if health["metric_scale_can_be_learned"] else "no metric scale"
    return Result(
        f"{job.folder}: {outcome.samples} samples from {outcome.received} images, {metric}; "
        f"{health['verdict']}, see {job.folder / 'report.png'}",
        sequence=job.folder,
    )


class _Bar:
    """Progress bar over the images of all recordings that were opened so far."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] = tqdm(unit="image", desc="prepare", leave=False)
        self._counts: dict[Path, tuple[int, int]] = {}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, job: Job, done: int, total: int) -> None:
        self._counts[job.folder] = done, total
        done, total = (sum(count) for count in zip(*self._counts.values(), strict=True))
        self._bar.total = total
        self._bar.update(done - self._bar.n)


def _in_parallel(jobs: list[Job], workers: int, stop: Stop, bar: _Bar) -> Iterator[Result]:
    """Prepare several recordings at once, each in its own process.

    A pipe connects each process with this one. The process sends its progress and its result; it
    stops when it receives anything or when the pipe is closed, as if this process is killed.
    """
    todo = list(jobs)
    running: _Running = {}
    try:
        while todo or running:
            while todo and len(running) < workers and not stop():
                job = todo.pop(0)
                pipe, far_end = Pipe()
                # A fork of a process with OpenCV's threads may hang.
                process = start_worker(_WORK, far_end)
                far_end.close()
                with suppress(BrokenPipeError):  # the process ended; `recv` below finds that
                    pipe.send(job)
                running[pipe] = job, process
            if stop():
                todo.clear()
                _stop(running)
            for pipe in cast(list[Connection], wait(list(running), timeout=0.2)):
                job, worker = running[pipe]
                try:
                    message = pipe.recv()
                except EOFError:
                    message = Result(
                        f"{job.bag}: its process ended unexpectedly, perhaps because memory ran "
                        "out; repeat the command, perhaps with fewer --workers",
                        failed=True,
                    )
                if isinstance(message, Result):
                    worker.wait()
                    del running[pipe]
                    yield message
                else:
                    bar.update(job, *message)
    finally:
        _stop(running)


def _stop(running: _Running) -> None:
    for pipe in running:
        with suppress(OSError):  # the process may have ended
            pipe.send("stop")


def work(descriptor: str) -> None:
    """Prepare the recording of the job from a pipe; send the progress and the result."""
    pipe = open_pipe(descriptor)
    import cv2

    cv2.setNumThreads(1)
    job = pipe.recv()

    def progress(done: int, total: int) -> None:
        with suppress(BrokenPipeError):  # the parent was killed, and `poll` returns True
            pipe.send((done, total))

    result = _prepare(job, progress, pipe.poll)
    with suppress(BrokenPipeError):
        pipe.send(result)
