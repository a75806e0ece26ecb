# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine evaluate` over many recordings: a file of scores for each, and one report of all.

evaluation.json                    report, computed from the scores of all recordings
evaluation/NAME/scores.json        scores of each image of a recording
evaluation/NAME/failure.json       reason why a recording has no scores
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from jasmine_core import __version__
from jasmine_core.errors import ConfigError, JasmineError, LockedError
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.figure import Exhibit
from jasmine_core.evaluate.reliability import Reliability
from jasmine_core.evaluate.run import Sample
from jasmine_core.evaluate.score_file import SCORES, Scores, read_scores, write_scores
from jasmine_core.files import read_json
from jasmine_core.interrupt import INTERRUPTED, Interrupt
from jasmine_core.locks import exclusive
from jasmine_core.outputs import expect_own, record
from jasmine_core.shard import Shard
from jasmine_core.store.paths import is_remote
from jasmine_ros.bags.find import Recording
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.evaluate import EvaluateRequest, print_page
from jasmine_ros.commands.evaluation import Evaluator, frames_to_show, samples_of
from jasmine_ros.commands.pools import Outcome, PoolOptions, Send, Stop, Work, work_on
from jasmine_ros.commands.run import identity
from jasmine_ros.commands.run_summary import FAILURE, clear_failure, write_failure

_NOTICED = ("camera_motion", "input_values", "damaged_messages")
_BUSY = "writes the report of all recordings"
# Fields of a request on which the scores of an image do not depend.
_NOT_OPTIONS = ("bag", "shard", "workers", "pool", "show", "json", "checkpoint", "baseline")
_ALONE: dict[str, Any] = {"shard": "1/1", "workers": 1, "pool": PoolOptions()}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoreJob:
    """Evaluation of one recording."""

    request: EvaluateRequest  # with this recording alone
    folder: Path  # of its scores

    @property
    def bag(self) -> Path:
        """Return the path of the recording."""
        return self.request.bag[0]


class _Interrupted(Exception):
    """The user interrupted the evaluation of a recording."""


def evaluate_many(request: EvaluateRequest, recordings: list[Recording]) -> int:
    """Evaluate a share of the recordings, and write the report of all that are evaluated.

    A recording that fails does not stop the others. One with scores of the same checkpoint and
    options is skipped.
    """
    folder = request.file.with_suffix("")
    if folder == request.file:
        raise ConfigError(f"--json is {request.file}; for several recordings it must end in .json")
    for path in (r.path for r in recordings if not is_remote(r.path)):
        if path.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"--json is {request.file}, so that the scores would be written into {folder}, the "
                f"folder of the recording {path}; choose another file with --json"
            )
    _evaluator.cache_clear()  # of an earlier command in this process
    _evaluator_of(request).evaluation("eigen")  # Errors of the request come before any work.
    jobs = {r.name: _job(request, r, folder / r.name) for r in recordings}
    todo = [jobs[r.name] for r in Shard.parse(request.shard)(recordings)]
    failed = interrupted = False
    with (
        Interrupt() as interrupt,
        tqdm(total=len(todo), unit="recording", desc="evaluate", leave=False) as bar,
    ):
        for outcome in work_on(
            todo,
            Work(score_one, _lost),
            request.workers,
            request.pool,
            lambda: interrupt.requested,
            gpu=True,
        ):
            bar.update()
            outcome.show()
            failed |= outcome.failed
            interrupted |= outcome.interrupted
    if interrupted or interrupt.requested:
        _log.info("interrupted; the same command continues from here")
        return INTERRUPTED
    with exclusive(folder, waiting_for=_BUSY):
        tables = _report(request, jobs)
    if tables is None:
        print("no recording is evaluated yet, so that there is no report")
    else:
        print(f"{tables}see {request.file} and {request.file.with_suffix('.png')}")
        print_page(request.file)
    return int(failed)


def _job(request: EvaluateRequest, recording: Recording, folder: Path) -> ScoreJob:
    ground_truth = request.ground_truth or ""
    if (own := Path(ground_truth, recording.name)).is_dir():
        ground_truth = str(own)
    alone = replace(request, bag=(recording.path,), ground_truth=ground_truth, **_ALONE)
    return ScoreJob(alone, folder)


def _lost(job: ScoreJob, reason: str) -> Outcome:
    write_failure(job.folder, job.bag, reason)
    return Outcome(f"{job.bag}: {reason}", failed=True)


@lru_cache(maxsize=1)
def _evaluator(request: EvaluateRequest) -> Evaluator:
    """Load the networks of a request, once for all recordings of this process."""
    return Evaluator(request)


def _evaluator_of(request: EvaluateRequest) -> Evaluator:
    return _evaluator(replace(request, bag=(Path(),), ground_truth="any", **_ALONE))


def score_one(job: ScoreJob, _: Send, stop: Stop) -> Outcome:
    """Evaluate one of many recordings, and write its scores."""
    request, folder = job.request, job.folder
    try:
        evaluator = _evaluator_of(request)
        options = _options(request, evaluator)
        with exclusive(folder):
            expect_own(folder, SCORES)
            with Bag(job.bag) as bag:
                source = identity(bag)
            earlier = _finished(folder, options)
            if earlier is not None and earlier.about["recording"] == source:
                clear_failure(folder)
                return Outcome(f"{folder}: already finished")
            samples = samples_of(request)
            evaluation = evaluator.evaluation(samples.protocol)
            read = samples.read
            reliability = evaluator.score(
                replace(samples, read=lambda: _until(stop, read())), evaluation
            )
            abs_rel = evaluation.summary()["model"]["abs_rel"]
            about = {"options": options, "recording": source, **samples.facts()}
            write_scores(folder / SCORES, about, evaluation, reliability)
            record(folder, SCORES)
            clear_failure(folder)
    except _Interrupted:
        return Outcome(f"{folder}: interrupted", interrupted=True)
    except LockedError as err:  # Another process writes the scores, and reports its failure.
        return Outcome(str(err), failed=True)
    except (JasmineError, OSError) as err:
        reason = str(err) if str(job.bag) in str(err) else f"{job.bag}: {err}"
        write_failure(folder, job.bag, reason)
        return Outcome(reason, failed=True)
    return Outcome(f"{folder}: {len(evaluation.frames)} images, AbsRel {abs_rel:.3f}")


def _until(stop: Stop, samples: Any) -> Iterator[Sample]:
    for sample in samples:
        if stop():
            raise _Interrupted
        yield sample


def _options(request: EvaluateRequest, evaluator: Evaluator) -> dict[str, Any]:
    """Return everything that the scores depend on, but the recording, as JSON values."""
    names = [spec.name for spec in fields(request) if spec.name not in _NOT_OPTIONS]
    values = {name: getattr(request, name) for name in names}
    plain = {n: str(v) if isinstance(v, Path) else v for n, v in values.items()}
    return {"jasmine_ros": __version__, "model": evaluator.identity, **plain}


def _finished(folder: Path, options: dict[str, Any]) -> Scores | None:
    """Return the scores of a recording with the same options; None if there are none."""
    try:
        found = read_scores(folder / SCORES)
        return found if found.about["options"] == options else None
    except (OSError, ValueError, KeyError):
        return None


def _report(request: EvaluateRequest, jobs: dict[str, ScoreJob]) -> str | None:
    """Write the report of all recordings that are evaluated; return its tables, None without."""
    evaluator = _evaluator_of(request)
    evaluation, reliability = evaluator.evaluation("eigen"), Reliability()
    rows: dict[str, dict[str, Any]] = {}
    recording_of: dict[int, str] = {}  # name of the recording by the id of the score of an image
    for name, job in jobs.items():
        found = _finished(job.folder, _options(job.request, evaluator))
        if found is None:
            rows[name] = {"images": 0, "reason": _reason(job.folder)}
            continue
        found.add_to(evaluation, reliability)
        recording_of |= dict.fromkeys(map(id, found.frames), name)
        mean = float(np.mean([frame.model.abs_rel for frame in found.frames]))
        noticed = {key: found.about[key] for key in _NOTICED if key in found.about}
        rows[name] = {"images": len(found.frames), "abs_rel": mean, **noticed}
    if not evaluation.frames:
        return None
    wanted: dict[str, dict[int, Any]] = {}
    for label, frame in frames_to_show(evaluation, request):
        wanted.setdefault(recording_of[id(frame)], {})[frame.stamp] = label, frame
    exhibits: dict[str, Exhibit] = {}
    for name, frames in wanted.items():
        exhibits |= _shown(evaluator, evaluation, jobs[name], frames)
    evaluated = sum("abs_rel" in row for row in rows.values())
    about: dict[str, object] = {
        "data": f"{evaluated} of {len(rows)} recordings with {request.ground_truth}",
        "recordings": rows,
    }
    return evaluator.report(evaluation, reliability, exhibits, about)


def _shown(
    evaluator: Evaluator, evaluation: Evaluation, job: ScoreJob, frames: dict[int, Any]
) -> dict[str, Exhibit]:
    """Return images of one recording for the figure; none if it cannot be read any more."""
    try:
        return evaluator.show(samples_of(job.request), evaluation, frames)
    except (JasmineError, OSError) as err:
        _log.warning("the figure has no image of %s: %s", job.bag, err)
        return {}


def _reason(folder: Path) -> str:
    """Return why a recording has no scores."""
    try:
        return str(read_json(folder / FAILURE)["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return "it is not evaluated yet"
