# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Preparation of several recordings, one after the other or in parallel processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from jasmine_core.dataset.sequence import INDEX
from jasmine_core.errors import JasmineError
from jasmine_core.store.results import staged
from jasmine_ros.bags.to_sequence import Interrupted, Job, prepare_bag
from jasmine_ros.commands.worker_pool import LOST, Stop, WorkerPool, serve

_WORK = "from jasmine_ros.commands.prepare_workers import work; work(sys.argv[1])"


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
            pool: WorkerPool[Job, Result] = WorkerPool(
                _WORK,
                workers,
                lambda job, counts: bar.update(job, *counts),
                lambda job: Result(f"{job.bag}: {LOST}", failed=True),
            )
            yield from pool(jobs, stop)
            return
        for job in jobs:
            if stop():
                return
            yield _prepare(job, partial(bar.update, job), stop)


def _prepare(job: Job, progress: Callable[[int, int], None], stop: Stop) -> Result:
    whole = bool(job.masks or job.teacher)  # The labels are compared with the images.
    try:
        with staged(job.folder, INDEX, whole) as folder:
            outcome = prepare_bag(replace(job, folder=folder), progress, stop)
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


def work(descriptor: str) -> None:
    """Prepare the recording of a job in a process of its own."""
    serve(descriptor, lambda job, send, stop: _prepare(job, lambda *counts: send(counts), stop))
