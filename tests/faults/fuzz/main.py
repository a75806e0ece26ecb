# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fuzz of generated bags in processes with limits; `make fuzz` starts it.

    PYTHONPATH=tests python -m faults.fuzz.main --seed 0 --count 20000 --output build/fuzz
    PYTHONPATH=tests python -m faults.fuzz.main --seed 0 --only 123 --keep bag

A case depends on its seed and index only. OUTPUT/verdicts-SEED.jsonl has a line for each case that
ended; the same command continues after Ctrl-C with the cases that are not in it.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from faults.fuzz.case import FINDING, Verdict, load, prepare_process, run_case, save
from tqdm import tqdm

SECONDS = 60.0  # longest CPU time of a case
PATIENCE = 900.0  # [s] after which a case has no end, on a machine that is busy with other work
MEMORY = 3 << 30  # [bytes] of address space that a case may add
FILE_SIZE = 1 << 28  # [bytes] of a file that a case may write
CASES_PER_PROCESS = 400  # the caches of parsed definitions grow
INTERRUPTED = 130
_spawn = get_context("spawn")


class _Worker:
    """Process that runs one case after another."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.pipe, far_end = _spawn.Pipe()
        self._process = _spawn.Process(target=_work, args=(far_end, seed, folder), daemon=True)
        self._process.start()
        far_end.close()
        self.folder, self.index, self.began, self.cases = folder, -1, 0.0, 0

    def start(self, index: int) -> None:
        """Start a case."""
        self.index, self.began, self.cases = index, time.monotonic(), self.cases + 1
        self._before = self._cpu_seconds()
        with suppress(BrokenPipeError):  # `result` finds that the process ended
            self.pipe.send(index)

    def result(self) -> Verdict | None:
        """Return the verdict of the case if it ended or takes too long."""
        seconds = time.monotonic() - self.began
        try:
            if self.pipe.poll():
                verdict = load(self.pipe.recv())
                verdict.seconds = round(seconds, 3)
                return verdict
        except (EOFError, OSError):
            self._process.join()
            text = f"the process ended with status {self._process.exitcode}"
            return Verdict(self.index, text=text, seconds=seconds)
        if seconds > PATIENCE or self._cpu_seconds() - self._before > SECONDS:
            return Verdict(self.index, text=f"no end after {seconds:.0f} s", seconds=seconds)
        return None

    def _cpu_seconds(self) -> float:
        """Return the CPU time that the process has used."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # `poll` finds that the process ended
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _work(pipe: Connection, seed: int, folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    prepare_process()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    with suppress(EOFError, BrokenPipeError):
        while True:
            pipe.send(save(run_case(seed, pipe.recv(), folder)))


def fuzz(seed: int, indices: Iterable[int], processes: int) -> Iterator[Verdict]:
    """Run cases in several processes; yield their verdicts as they end."""
    todo, workers = iter(indices), []
    with tempfile.TemporaryDirectory(prefix="jasmine-fuzz-") as folder:
        try:
            for number in range(processes):
                if (index := next(todo, None)) is not None:
                    workers.append(_Worker(seed, Path(folder, str(number))))
                    workers[-1].start(index)
            while workers:
                wait([w.pipe for w in workers], timeout=1.0)
                for number, worker in enumerate(workers):
                    if (verdict := worker.result()) is None:
                        continue
                    yield verdict
                    index = next(todo, None)
                    ended = verdict.end == FINDING or worker.cases >= CASES_PER_PROCESS
                    if index is None or ended:
                        worker.end()
                        workers[number] = None if index is None else _Worker(seed, worker.folder)
                    if index is not None:
                        workers[number].start(index)
                workers = [w for w in workers if w is not None]
        finally:
            for worker in workers:
                if worker is not None:
                    worker.end()


def summary(verdicts: Iterable[Verdict]) -> str:
    """Return the numbers of cases by command and end, and the findings."""
    verdicts = list(verdicts)
    counts = Counter((v.command or "?", v.end) for v in verdicts)
    lines = [f"{command:10} {end:20} {count:6}" for (command, end), count in sorted(counts.items())]
    lines.append(
        f"{len(verdicts)} cases, longest {max((v.seconds for v in verdicts), default=0)} s"
    )
    for verdict in sorted(verdicts, key=lambda v: v.index):
        if verdict.end == FINDING:
            last = (verdict.text.strip().splitlines() or [""])[-1]
            lines.append(f"finding {verdict.index} {verdict.command} {verdict.damages}: {last}")
    return "\n".join(lines)


def main() -> int:
    """Run the cases that have no verdict yet; the status is 1 with findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--only", type=int, help="run this case in this process")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz/case"), help="its folder")
    request = parser.parse_args()
    if request.only is not None:
        prepare_process()
        verdict = run_case(request.seed, request.only, request.keep)
        print(verdict.command, verdict.damages, verdict.end, verdict.text, sep="\n")
        return int(verdict.end == FINDING)
    request.output.mkdir(parents=True, exist_ok=True)
    journal = request.output / f"verdicts-{request.seed}.jsonl"
    verdicts = read_journal(journal)
    journal.write_text("".join(save(v) + "\n" for v in verdicts.values()))
    wanted = range(request.first, request.first + request.count)
    todo = [i for i in wanted if i not in verdicts]
    interrupted = False
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell lets its background jobs ignore SIGINT
        signal.signal(number, signal.default_int_handler)
    try:
        with (
            journal.open("a") as file,
            tqdm(total=request.count, initial=request.count - len(todo), unit="bag") as bar,
        ):
            for verdict in fuzz(request.seed, todo, request.processes):
                verdicts[verdict.index] = verdict
                file.write(save(verdict) + "\n")
                file.flush()
                bar.update()
                bar.set_postfix(findings=sum(v.end == FINDING for v in verdicts.values()))
    except KeyboardInterrupt:
        interrupted = True
    print(summary(verdicts.values()))
    if interrupted:
        print("interrupted; the same command continues")
        return INTERRUPTED
    return int(any(v.end == FINDING for v in verdicts.values()))


def read_journal(journal: Path) -> dict[int, Verdict]:
    """Return the verdicts of earlier runs by index; a line that was cut off is left out."""
    verdicts: dict[int, Verdict] = {}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        with suppress(ValueError, TypeError):
            verdict = load(line)
            verdicts[verdict.index] = verdict
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
