# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run` over many recordings, one after the other or in parallel processes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from jasmine_core.errors import ConfigError, JasmineError, LockedError
from jasmine_core.files import read_json
from jasmine_core.interrupt import INTERRUPTED, Interrupt
from jasmine_ros.bags.find import Recording
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.console import one_line
from jasmine_ros.commands.run import identity, run_bag
from jasmine_ros.commands.run_report import END_OF_BAG, LIMIT, REPORT, exit_status
from jasmine_ros.commands.run_request import RunRequest, options_of
from jasmine_ros.commands.run_summary import (
    SUMMARY,
    clear_failure,
    expect_room,
    write_failure,
    write_summary,
)
from jasmine_ros.commands.worker_pool import LOST, Stop, WorkerPool, serve

# Several progress bars of processes would be unreadable, and threads for all processor cores in
# each process would be slower. These are the environment variables of tqdm and OpenMP.
_WORK = """import os
os.environ['TQDM_DISABLE'] = '1'
os.environ.setdefault('OMP_NUM_THREADS', '{threads}')
from jasmine_ros.commands.run_many import work; work(sys.argv[1])
"""
_SHARE = 0.05  # of the time, at most, that the summaries during a run of thousands take
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Outcome of one recording, with a line for the user."""

    text: str
    status: int  # 0, 1 or INTERRUPTED


def run_many(request: RunRequest, recordings: list[Recording]) -> int:
    """Run the node over recordings; the status is 1 if one failed.

    A recording that fails does not stop the others. A finished one is skipped, unless its options
    were others. A result that an interruption left incomplete is made again.
    """
    for found in recordings:
        if found.name in SUMMARY:
            raise ConfigError(f"{found.path}: its results would be {found.name}; rename it")
    expect_room(request.output)
    jobs = [
        replace(
            request, bags=(found.path,), output=request.output / found.name, shard="1/1", workers=1
        )
        for found in recordings
    ]
    status, next_summary = 0, monotonic()
    with (
        Interrupt() as interrupt,
        tqdm(total=len(jobs), unit="recording", desc="run", leave=False) as bar,
    ):
        for outcome in _outcomes(jobs, request.workers, lambda: interrupt.requested):
            bar.update()
            failed = outcome.status not in (0, INTERRUPTED)
            line = f"error: {outcome.text}" if failed else outcome.text
            tqdm.write(one_line(line), file=sys.stderr if failed else sys.stdout)
            status = max(status, outcome.status)
            if (began := monotonic()) >= next_summary:
                _try_summary(request.output)
                next_summary = monotonic() + (monotonic() - began) / _SHARE
    if not _try_summary(request.output):
        status = max(status, 1)
    if status == INTERRUPTED or interrupt.requested:
        _log.info("interrupted; the same command continues from here")
        return INTERRUPTED
    print(f"see {request.output / 'summary.html'} and {request.output / 'summary.json'}")
    return status


def _try_summary(folder: Path) -> bool:
    """Write the summary; return whether it could be written. The recordings go on without it."""
    try:
        write_summary(folder)
    except (JasmineError, OSError) as err:
        _log.error("the summary is not written: %s", err)
        return False
    return True


def _outcomes(jobs: list[RunRequest], workers: int, stop: Stop) -> Iterator[Outcome]:
    if workers > 1 and len(jobs) > 1:
        threads = max(1, len(os.sched_getaffinity(0)) // workers)
        pool: WorkerPool[RunRequest, Outcome] = WorkerPool(
            _WORK.format(threads=threads),
            workers,
            lambda job, _: None,
            _lost,
        )
        yield from pool(jobs, stop)
        return
    for job in jobs:
        if stop():
            return
        outcome = run_one(job, stop)
        yield outcome
        if outcome.status == INTERRUPTED:
            return


def _lost(job: RunRequest) -> Outcome:
    write_failure(job.output, job.bag, LOST)
    return Outcome(f"{job.bag}: {LOST}", 1)


def work(descriptor: str) -> None:
    """Run the node over the recording of a job in a process of its own."""
    serve(descriptor, lambda job, _, stop: run_one(job, stop))


def run_one(request: RunRequest, stop: Stop) -> Outcome:
    """Run the node over one of many recordings."""
    output = request.output
    try:
        finished = _finished(output / REPORT)
        if finished is not None and not request.overwrite:
            _expect_same(finished, request)
            clear_failure(output)
            return Outcome(f"{output}: already finished", 0)
        report = run_bag(replace(request, overwrite=True), stop)  # of an incomplete result
        status = exit_status(report, output)
    except LockedError as err:  # Another process writes the result, and reports its failure.
        return Outcome(str(err), 1)
    except (JasmineError, OSError) as err:
        write_failure(output, request.bag, str(err))
        return Outcome(str(err), 1)
    clear_failure(output)
    if status == INTERRUPTED:
        return Outcome(f"{output}: interrupted", status)
    frames = report["frames"]
    return Outcome(f"{output}: {frames['processed']} of {frames['received']} images", 0)


def _expect_same(report: dict[str, Any], request: RunRequest) -> None:
    """Raise JasmineError if a finished result is not that of the same request."""
    if report["options"] != options_of(request):
        raise JasmineError(
            f"{request.output} was made with other options; add --overwrite, or choose another "
            "folder with -o"
        )
    with Bag(request.bag) as bag:
        if report.get("recording", identity(bag)) != identity(bag):
            raise JasmineError(
                f"{request.output} was made from another recording ({report.get('bag')}) than "
                f"{request.bag}; choose another folder with -o, or add --overwrite"
            )


def _finished(file: Path) -> dict[str, Any] | None:
    """Return the report of a complete result; None if there is none."""
    try:
        report = read_json(file)
        if report["ended_by"] in (END_OF_BAG, LIMIT) and report["frames"]["processed"]:
            return dict(report) if isinstance(report["options"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
