# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run` over many recordings, one after the other."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from jasmine_core.errors import JasmineError
from jasmine_core.files import read_json
from jasmine_core.interrupt import INTERRUPTED
from jasmine_core.outputs import expect_own
from jasmine_ros.bags.find import Recording
from jasmine_ros.commands.console import one_line
from jasmine_ros.commands.run import REPORT, run_bag
from jasmine_ros.commands.run_report import END_OF_BAG, LIMIT, exit_status
from jasmine_ros.commands.run_request import RunRequest, options_of
from jasmine_ros.commands.run_summary import SUMMARY, clear_failure, write_failure, write_summary

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
    expect_own(request.output, *SUMMARY)
    statuses = []
    with tqdm(recordings, unit="recording", desc="run", leave=False) as bar:
        for recording in bar:
            bar.set_postfix_str(recording.name)
            one = replace(
                request, bags=(recording.path,), output=request.output / recording.name, shard="1/1"
            )
            outcome = run_one(one)
            failed = outcome.status not in (0, INTERRUPTED)
            line = f"error: {outcome.text}" if failed else outcome.text
            tqdm.write(one_line(line), file=sys.stderr if failed else sys.stdout)
            statuses.append(outcome.status)
            write_summary(request.output)
            if outcome.status == INTERRUPTED:
                _log.info("interrupted; the same command continues from here")
                return INTERRUPTED
    print(f"see {request.output / 'summary.html'} and {request.output / 'summary.json'}")
    return max(statuses, default=0)


def run_one(request: RunRequest) -> Outcome:
    """Run the node over one of many recordings."""
    output = request.output
    try:
        finished = _finished(output / REPORT)
        if finished is not None and not request.overwrite:
            if finished != options_of(request):
                raise JasmineError(
                    f"{output} was made with other options; add --overwrite, or choose another "
                    "folder with -o"
                )
            return Outcome(f"{output}: already finished", 0)
        report = run_bag(replace(request, overwrite=True))  # of an incomplete result
        status = exit_status(report, output)
    except JasmineError as err:
        write_failure(output, request.bag, str(err))
        return Outcome(str(err), 1)
    clear_failure(output)
    if status == INTERRUPTED:
        return Outcome(f"{output}: interrupted", status)
    frames = report["frames"]
    return Outcome(f"{output}: {frames['processed']} of {frames['received']} images", 0)


def _finished(file: Path) -> dict[str, object] | None:
    """Return the options of a complete result; None if there is none."""
    try:
        report = read_json(file)
        if report["ended_by"] in (END_OF_BAG, LIMIT) and report["frames"]["processed"]:
            return dict(report["options"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
