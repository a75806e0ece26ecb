# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One case of the fuzz: a generated bag, a command on it, and the check of how that ended.

A command has to end with a result or with a JasmineError of one line. Every other error, a frame
that failed for an unknown reason, an output that cannot be read, and too much memory are findings.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from faults.fuzz.bags import DEPTH, Rng, choice, maybe, write_random_bag
from faults.fuzz.damage import damage
from faults.rig import SimulatedBackend
from helpers.camera_bags import ROS1, ROS2

from jasmine_core.errors import JasmineError
from jasmine_core.evaluate.flow_poses import with_flow_poses
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.runtime import predictor
from jasmine_ros.bags.ground_truth import BagSamples
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.to_sequence import Job, prepare_bag
from jasmine_ros.commands.console import one_line
from jasmine_ros.commands.evaluation_poses import read_odometry, with_poses
from jasmine_ros.commands.run import run_bag
from jasmine_ros.commands.run_report import exit_status
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.node.parameters import DepthParameters

RESULT, REFUSED, FINDING = "result", "refused with a line", "FINDING"
MAX_GROWTH = 1 << 30  # [bytes] by which a case may raise the peak memory of its process
LONGEST_LINE = 2000  # [characters] of an error


@dataclass
class Verdict:
    """End of one case."""

    index: int
    command: str = ""
    damages: list[str] = field(default_factory=list)
    end: str = FINDING
    text: str = ""  # the error, or a traceback
    seconds: float = 0.0


def prepare_process() -> None:
    """Use a simulated network in this process, and keep the messages of the log."""
    os.environ["TQDM_DISABLE"] = "1"
    predictor.load_backend = lambda *_: SimulatedBackend()
    logging.getLogger().handlers[:] = [_Keep()]
    for store in (ROS1, ROS2):  # the writers of rosbags describe the types of each bag again
        store.generate_msgdef = cache(store.generate_msgdef)  # type: ignore[method-assign]
        store.hash_rihs01 = cache(store.hash_rihs01)  # type: ignore[method-assign]


class _Keep(logging.Handler):
    """Handler that formats each message, so that a wrong format is an error, and keeps none."""

    def emit(self, record: logging.LogRecord) -> None:
        record.getMessage()


def run_case(seed: int, index: int, folder: Path) -> Verdict:
    """Make the bag of a case in a folder, which is emptied, use it, and return how that ended."""
    rng, verdict = np.random.default_rng([seed, index]), Verdict(index)
    with suppress(OSError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    bag, verdict.damages = damage(rng, write_random_bag(rng, folder))
    verdict.command = choice(rng, list(_COMMANDS))
    before = _peak_memory()
    try:
        _COMMANDS[verdict.command](rng, bag, folder / "out")
        verdict.end = RESULT
    except JasmineError as err:
        verdict.text = one_line(str(err))
        if verdict.text.strip() and len(verdict.text) < LONGEST_LINE:
            verdict.end = REFUSED
    except Exception:
        verdict.text = traceback.format_exc()
    if _peak_memory() - before > MAX_GROWTH:
        verdict.end = FINDING
        verdict.text = f"{_peak_memory() - before} bytes more memory; {verdict.text}"
    return verdict


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux


def save(verdict: Verdict) -> str:
    """Return a verdict as one line."""
    return json.dumps(asdict(verdict))


def load(line: str) -> Verdict:
    """Return the verdict of a line."""
    return Verdict(**json.loads(line))


# ---------------------------------------------------------------------- commands


def _run(rng: Rng, bag: Path, output: Path) -> None:
    options = (
        ("publish_points", True),
        ("publish_colorized", True),
        ("publish_confidence", True),
        ("bits", 12),
        ("scale_mode", "camera_height"),
    )
    parameters: dict[str, Any] = {"checkpoint": "jasmine-tiny", "device": "cpu"}
    parameters |= {name: value for name, value in options if maybe(rng, 0.2)}
    if parameters.get("scale_mode") == "camera_height":
        parameters["camera_height"] = 1.5
    request = RunRequest(
        (bag,),
        output,
        copy=maybe(rng, 0.4),
        storage=choice(rng, ("mcap", "sqlite3")),
        compress=maybe(rng, 0.2),
        start=choice(rng, (None, None, None, 0.0, 0.15, 1e6)),
        stop=choice(rng, (None, None, None, 0.4, 1e9)),
        every=choice(rng, (1, 1, 2)),
        parameters=DepthParameters().at_start(parameters),
    )
    try:
        report = run_bag(request)
    finally:
        written = output / "depth"
        if written.exists():
            with Bag(written) as result:
                depths = sum(1 for m in result.messages(["/depth/image_rect"]) if result.decode(m))
    frames = report["frames"]
    failed = frames["skipped"].get("failed")
    assert not failed, failed
    skipped = sum(kind["count"] for kind in frames["skipped"].values())
    assert frames["received"] == frames["processed"] + skipped, frames
    assert depths == frames["processed"] or "disk" in report["ended_by"], (depths, frames)
    json.loads((output / "report.json").read_text())
    exit_status(report, output)


def _prepare(rng: Rng, bag: Path, output: Path) -> None:
    options = PrepareOptions(width=64, height=32)
    job = Job(bag, output, options, odometry=choice(rng, (None, None, "none")))
    assert prepare_bag(job) is not None
    assert json.loads((output / "health.json").read_text())["verdict"]


def _evaluate(rng: Rng, bag: Path, output: Path) -> None:
    samples = BagSamples(bag, DEPTH)
    odometry = read_odometry(bag, None, None, None, None)
    read: Callable[[], Iterator[Any]] = samples
    if odometry is None:
        found = list(with_flow_poses(read, samples.camera))
    else:
        found = list(with_poses(read, odometry, samples.camera))
    assert len(found) <= samples.count
    samples.damaged.summary()


def _read(rng: Rng, bag: Path, output: Path) -> None:
    """Read every message, as `jasmine view` and `jasmine play` do, and decode those that can be."""
    with Bag(bag) as source:
        for message in source.messages():
            try:
                source.decode(message)
            except JasmineError:
                continue


_COMMANDS: dict[str, Callable[[Rng, Path, Path], None]] = {
    "run": _run,
    "prepare": _prepare,
    "evaluate": _evaluate,
    "read": _read,
}
