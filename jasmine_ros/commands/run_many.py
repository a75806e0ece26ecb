# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run` over many recordings, one after the other or by several workers."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from jasmine_core.errors import ConfigError, JasmineError, LockedError
from jasmine_core.files import read_json
from jasmine_core.interrupt import INTERRUPTED, Interrupt
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.store.paths import url_of
from jasmine_core.store.results import staged
from jasmine_ros.bags.find import Recording
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.pools import Outcome, PoolOptions, Send, Stop, Work, work_on
from jasmine_ros.commands.run import identity, run_bag
from jasmine_ros.commands.run_report import END_OF_BAG, LIMIT, REPORT, exit_status
from jasmine_ros.commands.run_request import RunRequest, options_of
from jasmine_ros.commands.run_summary import (
    FAILURE,
    SUMMARY,
    clear_failure,
    expect_room,
    write_failure,
    write_summary,
)

_SHARE = 0.05  # of the time, at most, that the summaries during a run of thousands take
_log = logging.getLogger(__name__)


def run_many(request: RunRequest, recordings: list[Recording]) -> int:
    """Run the node over recordings; the status is 1 if one failed.

    A recording that fails does not stop the others. A finished one is skipped, unless its options
    were others. A result that an interruption left incomplete is made again.
    """
    for found in recordings:
        if found.name in SUMMARY:
            raise ConfigError(f"{found.path}: its results would be {found.name}; rename it")
    expect_room(request.output)
    _load.cache_clear()  # of an earlier command in this process
    jobs = [
        replace(
            request,
            bags=(found.path,),
            output=request.output / found.name,
            shard="1/1",
            workers=1,
            pool=PoolOptions(),
        )
        for found in recordings
    ]
    failed, interrupted, next_summary = False, False, monotonic()
    work, gpu = Work(run_one, _lost), request.parameters.device != "cpu"
    with (
        Interrupt() as interrupt,
        tqdm(total=len(jobs), unit="recording", desc="run", leave=False) as bar,
    ):
        for outcome in work_on(
            jobs, work, request.workers, request.pool, lambda: interrupt.requested, gpu=gpu
        ):
            bar.update()
            outcome.show()
            failed |= outcome.failed
            interrupted |= outcome.interrupted
            if (began := monotonic()) >= next_summary:
                _try_summary(request.output)
                next_summary = monotonic() + (monotonic() - began) / _SHARE
    failed |= not _try_summary(request.output)
    if interrupted or interrupt.requested:
        _log.info("interrupted; the same command continues from here")
        return INTERRUPTED
    html, report = (url_of(request.output / name) for name in ("summary.html", "summary.json"))
    print(f"see {html} and {report}")
    return int(failed)


def _try_summary(folder: Path) -> bool:
    """Write the summary; return whether it could be written. The recordings go on without it."""
    try:
        write_summary(folder)
    except (JasmineError, OSError) as err:
        _log.error("the summary is not written: %s", err)
        return False
    return True


def _lost(job: RunRequest, reason: str) -> Outcome:
    with suppress(JasmineError, OSError), staged(job.output, REPORT, failure=FAILURE) as folder:
        write_failure(folder, job.bag, reason)
    return Outcome(f"{job.bag}: {reason}", failed=True)


@lru_cache(maxsize=1)
def _load(*arguments: Any, **options: Any) -> DepthPredictor:
    """Load a network, once for all recordings of this process."""
    return DepthPredictor.from_pretrained(*arguments, **options)


def run_one(request: RunRequest, _: Send, stop: Stop) -> Outcome:
    """Run the node over one of many recordings; its result may be in a store."""
    try:
        with staged(request.output, REPORT, failure=FAILURE) as folder:
            outcome = _run_one(replace(request, output=folder), stop)
    except (JasmineError, OSError) as err:
        return Outcome(str(err), failed=True)
    return replace(outcome, text=outcome.text.replace(str(folder), url_of(request.output)))


def _run_one(request: RunRequest, stop: Stop) -> Outcome:
    output = request.output
    try:
        finished = _finished(output / REPORT)
        if finished is not None and not request.overwrite:
            _expect_same(finished, request)
            clear_failure(output)
            return Outcome(f"{output}: already finished")
        report = run_bag(replace(request, overwrite=True), stop, _load)  # of an incomplete result
        status = exit_status(report, output)
    except LockedError as err:  # Another process writes the result, and reports its failure.
        return Outcome(str(err), failed=True)
    except (JasmineError, OSError) as err:
        write_failure(output, request.bag, str(err))
        return Outcome(str(err), failed=True)
    clear_failure(output)
    if status == INTERRUPTED:
        return Outcome(f"{output}: interrupted", interrupted=True)
    frames = report["frames"]
    return Outcome(f"{output}: {frames['processed']} of {frames['received']} images")


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
