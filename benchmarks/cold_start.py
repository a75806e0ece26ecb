# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time from the start of `jasmine run` to the first depth, for each backend.

    .venv/bin/python benchmarks/cold_start.py
    .venv/bin/python benchmarks/cold_start.py --rounds 10 --backends torch onnxruntime openvino

Each run is a new process that reads one image of the bundled recording, writes its depth and ends.
The backends take turns. The first round is not counted, because it makes missing exports and fills
the page cache. Processor time is that of all threads; memory is the peak of the process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import tyro

# No module of the project is imported here, because the peak memory of a child process starts with
# the memory of its parent.
DRIVE = Path(str(resources.files("jasmine_core"))) / "samples" / "street" / "drive"


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    backends: tuple[str, ...] = ("torch", "onnxruntime")  # Backends; ratios refer to the first.
    rounds: int = 5  # Number of counted rounds.


def first_depth(checkpoint: str, backend: str, output: Path) -> tuple[float, float, float]:
    """Return wall time [s], processor time [s] and peak memory [MiB] of one run."""
    command = [sys.executable, "-I", "-m", "jasmine_ros.cli", "run", str(DRIVE)]
    command += ["-o", str(output)]
    command += ["--limit", "1", "--overwrite", "--checkpoint", checkpoint, "--backend", backend]
    log, began = output.with_suffix(".log"), perf_counter()
    with log.open("w") as words:
        process = subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{log.read_text()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(options: Options) -> list[dict[str, Any]]:
    """Measure every backend; return a row for each."""
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in options.backends}
    with TemporaryDirectory() as folder:
        for _ in range(options.rounds + 1):
            for name, found in runs.items():
                found.append(first_depth(options.checkpoint, name, Path(folder) / name))
    rows = []
    for name, found in runs.items():
        walls, processor, memory = zip(*found[1:], strict=True)
        rows.append(
            {
                "backend": name,
                "seconds": median(walls),
                "seconds_least": min(walls),
                "processor_seconds": median(processor),
                "processor_seconds_least": min(processor),
                "memory_mib": max(memory),
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = ["| backend | wall: median, least [s] | processor: median, least [s] | ratio | MiB |"]
    lines.append("|---|---|---|---|---|")
    for row in rows:
        ratio = rows[0]["processor_seconds"] / row["processor_seconds"]
        lines.append(
            f"| {row['backend']} | {row['seconds']:.1f}, {row['seconds_least']:.1f} | "
            f"{row['processor_seconds']:.1f}, {row['processor_seconds_least']:.1f} | "
            f"{ratio:.2f}x | {row['memory_mib']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure(tyro.cli(Options, description=__doc__))))
