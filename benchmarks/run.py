# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""All benchmarks of inference in one process, with results in benchmarks/results/.

    make bench
    .venv/bin/python benchmarks/run.py --quick      # a short run of one or two minutes

latest.json contains all results, and MACHINE-DATE.md the tables.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import against_diffusers
import frame_overhead
import operations
import side_by_side
import size_scaling
import tyro

from jasmine_core.files import atomic_file

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "onnxruntime",
    "openvino",
    "numpy",
    "opencv-python-headless",
)


@dataclass(frozen=True)
class Options:
    """Options of the benchmarks."""

    quick: bool = False  # Use few images, and the preset tiny instead of medium.
    exports: Path | None = None  # Folder with exports of the preset medium.
    output: Path = RESULTS  # Folder of the results.


def machine() -> dict[str, Any]:
    """Return the machine, its load and the versions of the packages."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith(("model name", "Model"))
        ),
        platform.machine(),
    )
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],  # Load average at the start.
        "python": platform.python_version(),
        "versions": versions,
    }


def main(options: Options) -> None:
    """Run all benchmarks; print and write the results."""
    preset = "tiny" if options.quick else "medium"
    result: dict[str, Any] = {"machine": machine()}
    sections = []

    def section(title: str, table: str) -> None:
        sections.append(f"## {title}\n\n{table}\n")
        print(f"\n{sections[-1]}", flush=True)

    # This runs first: a node makes its process keep freed memory, which speeds up diffusers.
    compared = against_diffusers.measure(
        against_diffusers.Options(
            preset=preset, frames=2 if options.quick else 5, exports=options.exports
        )
    )
    ours = compared["ways"]["onnxruntime"]
    result |= {
        f"speedup_vs_diffusers_{preset}": ours["speedup"],
        f"processor_ratio_vs_diffusers_{preset}": ours["processor_ratio"],
        "against_diffusers": compared,
    }
    section("The network beside diffusers", against_diffusers.table(compared))

    rows = frame_overhead.measure(frame_overhead.Options(frames=3 if options.quick else 20))
    result |= frame_overhead.summarise(rows) | {"frame": rows}
    section("A frame without its network", frame_overhead.table(rows))

    peers = side_by_side.measure(
        side_by_side.Options(rounds=3, sizes=((320, 96),))
        if options.quick
        else side_by_side.Options()
    )
    result |= side_by_side.summarise(peers) | {"side_by_side": peers}
    section("Jasmine beside its peers", side_by_side.table(peers))

    counted = [row for name in operations.Options().presets for row in operations.measure(name)]
    result["operations"] = counted
    section("Operations before and after folding", operations.table(counted))

    grown = size_scaling.measure(size_scaling.Options(frames=1 if options.quick else 3))
    result["size_scaling"] = grown
    section("Cost as the image grows", size_scaling.table(grown))

    options.output.mkdir(parents=True, exist_ok=True)
    with atomic_file(options.output / "latest.json") as file:
        file.write_text(json.dumps(result, indent=2) + "\n")
    about = result["machine"]
    head = f"{about['cpu']}, {about['cores']} cores, load {about['load']:.1f}, {about['date']}"
    packages = ", ".join(f"{name} {v}" for name, v in about["versions"].items() if v)
    name = f"{platform.machine()}-{about['cores']}-{about['date'][:10]}.md"
    (options.output / name).write_text("\n".join([f"{head}\n\n{packages}\n", *sections]))
    print(f"see {options.output / name} and {options.output / 'latest.json'}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
