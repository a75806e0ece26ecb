# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Preparation of several recordings, one after the other or by several workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from jasmine_core.dataset.sequence import INDEX
from jasmine_core.errors import JasmineError
from jasmine_core.prepare.sequence_folder import PAGE, REPORT
from jasmine_core.store.results import staged
from jasmine_ros.bags.to_sequence import Interrupted, Job, prepare_bag
from jasmine_ros.commands.pools import Outcome, PoolOptions, Send, Stop, Work, work_on


def prepare_bags(jobs: list[Job], workers: int, pool: PoolOptions, stop: Stop) -> Iterator[Outcome]:
    """Prepare recordings until `stop` returns True, with a progress bar; yield each outcome."""
    work = Work(prepare_one, lambda job, reason: Outcome(f"{job.bag}: {reason}", failed=True))
    if pool.engine == "ray":  # Its workers send no progress.
        with tqdm(total=len(jobs), unit="recording", desc="prepare", leave=False) as recordings:
            for outcome in work_on(jobs, work, workers, pool, stop):
                recordings.update()
                yield outcome
        return
    with _Bar() as bar:
        yield from work_on(
            jobs, work, workers, pool, stop, progress=lambda job, counts: bar.update(job, *counts)
        )


def prepare_one(job: Job, send: Send, stop: Stop) -> Outcome:
    """Prepare one of many recordings; send the numbers of done and of all images."""
    whole = bool(job.masks or job.teacher)  # The labels are compared with the images.
    try:
        with staged(job.folder, INDEX, whole) as folder:
            outcome = prepare_bag(
                replace(job, folder=folder), lambda done, total: send((done, total)), stop
            )
            has_page = (folder / PAGE).is_file()
    except Interrupted:
        return Outcome(f"{job.folder}: interrupted", interrupted=True)
    except (JasmineError, OSError) as err:
        return Outcome(str(err), failed=True)
    if outcome is None:
        return Outcome(f"{job.folder}: already finished", folder=job.folder)
    health = outcome.health
    metric = "metric" if health["metric_scale_can_be_learned"] else "no metric scale"
    shown = job.folder / (PAGE if has_page else REPORT)
    return Outcome(
        f"{job.folder}: {outcome.samples} samples from {outcome.received} images, {metric}; "
        f"{health['verdict']}, see {shown}",
        folder=job.folder,
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
