# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cost of many recordings: one loop, a pool of processes and Ray, with 1 and 2 workers.

    .venv/bin/python benchmarks/fleet.py
    .venv/bin/python benchmarks/fleet.py --bags 20 --blocks 2 --fleet build/fleet

The recordings are those of `jasmine render --fleet`; about 5 % are truncated. They are divided into
blocks, and the engines take turns on each block, so that other programs affect all of them. Every
process has one thread. The first outcome of an engine contains its start; the rate after it does
not. Processor time is that of this process and of all below it. With `kill`, a worker is killed
after half of the recordings. The results are in benchmarks/results/fleet.json.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import cv2
import tyro

from jasmine_core.evaluate.report import write_json
from jasmine_core.prepare.options import PrepareOptions
from jasmine_ros.bags.find import Recording, find_recordings
from jasmine_ros.bags.fleet import write_fleet
from jasmine_ros.bags.to_sequence import Job
from jasmine_ros.commands.pools import Outcome, PoolOptions, Work, work_on
from jasmine_ros.commands.prepare_workers import prepare_one
from jasmine_ros.commands.ray_pool import RayPool
from jasmine_ros.commands.run_many import run_one
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.commands.worker_pool import WorkerPool
from jasmine_ros.node.parameters import DepthParameters

RESULTS = Path(__file__).parent / "results" / "fleet.json"
LOOP = "loop"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    bags: int = 200  # Number of recordings.
    frames: int = 6  # Number of images of a recording.
    blocks: int = 4  # Number of blocks in which the engines take turns.
    fleet: Path = Path("build/fleet")  # Folder of the recordings, which are rendered if missing.
    commands: tuple[str, ...] = ("prepare", "run")  # Commands to measure.
    checkpoint: str = "jasmine-tiny"  # Checkpoint of the run.


@dataclass
class Measured:
    """Sums over the blocks of one engine."""

    bags: int = 0
    failed: int = 0
    seconds: float = 0.0
    first: list[float] = field(default_factory=list)  # [s] until the first outcome of a block
    processor: float = 0.0  # [s]

    def row(self, loop: Measured) -> dict[str, Any]:
        """Return the figures, with ratios to those of the loop."""
        steady = (self.bags - len(self.first)) / (self.seconds - sum(self.first))
        base = (loop.bags - len(loop.first)) / (loop.seconds - sum(loop.first))
        return {
            "bags": self.bags,
            "failed": self.failed,
            "bags_per_second": self.bags / self.seconds,
            "first_outcome_seconds": sum(self.first) / len(self.first),
            "bags_per_second_after_first": steady,
            "rate_ratio_to_loop": steady / base,
            "processor_seconds_per_bag": self.processor / self.bags,
            "processor_ratio_to_loop": self.processor / loop.processor,
        }


Engine = Callable[[list[Any], Work[Any]], Iterator[Outcome]]


def engines() -> dict[str, Engine]:
    """Return the engines by name."""
    found: dict[str, Engine] = {
        LOOP: lambda jobs, work: work_on(jobs, work, 1, PoolOptions(), lambda: False)
    }
    for workers in (1, 2):
        found[f"processes {workers}"] = lambda jobs, work, n=workers: WorkerPool(
            work, n, lambda job, content: None
        )(jobs, lambda: False)
        found[f"ray {workers}"] = lambda jobs, work, n=workers: RayPool(
            work, n, PoolOptions("ray", cores=1), gpu=False
        )(jobs, lambda: False)
    return found


def jobs_of(command: str, recordings: list[Recording], output: Path, options: Options) -> list[Any]:
    """Return the jobs of a command."""
    if command == "prepare":
        return [Job(r.path, output / r.name, PrepareOptions()) for r in recordings]
    parameters = DepthParameters(checkpoint=options.checkpoint)
    return [RunRequest((r.path,), output / r.name, parameters=parameters) for r in recordings]


def work_of(command: str) -> Work[Any]:
    """Return the work of a command."""
    function: Any = prepare_one if command == "prepare" else run_one
    return Work(function, lambda job, reason: Outcome(f"{job.bag}: {reason}", failed=True))


class ProcessorTime:
    """Processor time of this process and of all below it, also of those that end meanwhile."""

    def __init__(self) -> None:
        self._spent: dict[tuple[int, int], float] = {}  # [s] by process and the time of its start
        self._before = 0.0
        self._stop = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> ProcessorTime:
        self._sample()
        self._before = sum(self._spent.values())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Return the time since the begin of the block."""
        self._sample()
        return sum(self._spent.values()) - self._before

    def _watch(self) -> None:
        while not self._stop.wait(0.25):
            self._sample()

    def _sample(self) -> None:
        for pid in (os.getpid(), *descendants(os.getpid())):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._spent[pid, int(words[19])] = (int(words[11]) + int(words[12])) / _TICKS


def descendants(pid: int) -> list[int]:
    """Return the processes below a process."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def kill_worker() -> None:
    """Kill a process that works on a recording, whose folder it has locked."""
    while True:
        below = descendants(os.getpid())
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] != "FLOCK" or int(words[4]) not in below:
                continue
            with suppress(OSError):
                command = Path(f"/proc/{words[4]}/cmdline").read_bytes()
                if command.startswith(b"ray::Worker") or b"worker_pool" in command:
                    os.kill(int(words[4]), signal.SIGKILL)
                    return


def measure(
    engine: Engine, jobs: list[Any], work: Work[Any], total: Measured, kill_after: int = 0
) -> None:
    """Do the jobs of a block; kill a worker after some outcomes."""
    with ProcessorTime() as spent:
        began = perf_counter()
        for number, outcome in enumerate(engine(jobs, work), 1):
            if number == 1:
                total.first.append(perf_counter() - began)
            if number == kill_after:
                kill_worker()
            total.bags += 1
            total.failed += outcome.failed
        total.seconds += perf_counter() - began
        total.processor += spent.seconds


@contextmanager
def quiet() -> Iterator[None]:
    """Discard the errors of broken recordings inside the block."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        before, sys.stderr = sys.stderr, nowhere
        try:
            yield
        finally:
            sys.stderr = before


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of all prepared sequences."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def compare(command: str, recordings: list[Recording], options: Options) -> dict[str, Any]:
    """Measure all engines with a command; return a row for each."""
    work, found = work_of(command), engines()
    totals = {name: Measured() for name in found}
    killed = {name: Measured() for name in ("processes 2", "ray 2")}
    equal = True
    with TemporaryDirectory(dir=options.fleet.parent) as folder:
        warm = jobs_of(command, recordings[:2], Path(folder, "warm"), options)
        list(found[LOOP](warm, work))
        for block in range(options.blocks):
            share = recordings[block :: options.blocks]
            expected: dict[str, bytes] = {}
            names = list(found)
            for name in names[block % len(names) :] + names[: block % len(names)]:
                output = Path(folder, name)
                measure(found[name], jobs_of(command, share, output, options), work, totals[name])
                if command == "prepare":
                    made = contents(output)
                    equal &= made == (expected := expected or made)
                shutil.rmtree(output)
        share = recordings[:: options.blocks]
        for name, total in killed.items():
            output = Path(folder, name)
            jobs = jobs_of(command, share, output, options)
            measure(found[name], jobs, work, total, kill_after=len(jobs) // 2)
            again = Measured()
            measure(found[LOOP], jobs, work, again)  # The same command repeated.
            total.first = [again.failed]
            shutil.rmtree(output)
    loop = totals[LOOP]
    rows: dict[str, Any] = {name: total.row(loop) for name, total in totals.items()}
    for name, total in killed.items():
        rows[f"{name}, kill"] = {
            "bags": total.bags,
            "failed": total.failed,
            "failed_after_repetition": total.first[0],
            "bags_per_second": total.bags / total.seconds,
        }
    if command == "prepare":
        rows["equal_bytes"] = equal
    return rows


def show(command: str, rows: dict[str, Any]) -> None:
    """Print a table."""
    print(f"\njasmine {command}")
    print("| engine | bags/s | first outcome [s] | bags/s after it | to the loop | processor "
          "s/bag | to the loop | failed |")  # fmt: skip
    print("|:--|--:|--:|--:|--:|--:|--:|--:|")
    for name, row in rows.items():
        if not isinstance(row, dict):
            print(f"\n{name}: {row}")
        elif "rate_ratio_to_loop" in row:
            print(
                f"| {name} | {row['bags_per_second']:.2f} | {row['first_outcome_seconds']:.1f} | "
                f"{row['bags_per_second_after_first']:.2f} | {row['rate_ratio_to_loop']:.2f} | "
                f"{row['processor_seconds_per_bag']:.3f} | {row['processor_ratio_to_loop']:.2f} | "
                f"{row['failed']} of {row['bags']} |"
            )
        else:
            print(
                f"| {name} | {row['bags_per_second']:.2f} | | | | | | {row['failed']} of "
                f"{row['bags']}, {row['failed_after_repetition']:.0f} after a repetition |"
            )


def main() -> None:
    """Render the fleet, measure, print the tables and write the results."""
    options = tyro.cli(Options, description=__doc__)
    cv2.setNumThreads(1)
    load = os.getloadavg()[0]
    if not write_fleet(options.bags, 0, options.frames, options.fleet):
        raise SystemExit("interrupted")
    recordings = find_recordings([options.fleet])[: options.bags]
    results: dict[str, Any] = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "load_average": load,
        "cores": len(os.sched_getaffinity(0)),
        "images_of_a_bag": options.frames,
    }
    for command in options.commands:
        with quiet():
            rows = compare(command, recordings, options)
        show(command, rows)
        results[command] = rows
    write_json(RESULTS, results)


if __name__ == "__main__":
    main()
