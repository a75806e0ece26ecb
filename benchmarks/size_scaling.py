# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Growth of time and operations with the image size, with fitted exponents.

    .venv/bin/python benchmarks/size_scaling.py
    .venv/bin/python benchmarks/size_scaling.py --preset medium --factors 0.5 1 2

The cost of a convolution is proportional to the number of pixels (exponent 1), that of
self-attention to its square. Sizes alternate, so that other programs affect all of them equally.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import tyro
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from jasmine_core.export.specialise import SpecialisedJasmine, specialise
from jasmine_core.model.jasmine import JasmineModel

WARM_UP = 1  # [images]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    preset: str = "tiny"  # Preset of the network.
    factors: tuple[float, ...] = (1, 2, 3, 4)  # Factors of both sides of the preset's size.
    frames: int = 3  # Number of images per size.


def measure(options: Options) -> dict[str, Any]:
    """Return a row for each size, and the exponents of the cost as a function of pixels."""
    model = JasmineModel.from_preset(options.preset)
    network = specialise(model)
    rows = []
    for factor in options.factors:
        width, height = (
            max(1, round(side * factor / model.multiple)) * model.multiple
            for side in (model.config.width, model.config.height)
        )
        rows.append({"width": width, "height": height, "gflop": _gflop(network, width, height)})
    seconds: list[list[tuple[float, float]]] = [[] for _ in rows]
    with torch.inference_mode():
        for _ in range(WARM_UP + options.frames):
            for row, own in zip(rows, seconds, strict=True):
                image = torch.zeros(1, 3, row["height"], row["width"])
                began, used = perf_counter(), process_time()
                network(image)
                own.append((perf_counter() - began, process_time() - used))
    for row, own in zip(rows, seconds, strict=True):
        row["seconds"], row["processor_seconds"] = np.median(own[WARM_UP:], axis=0).tolist()
    return {
        "preset": options.preset,
        "rows": rows,
        "exponent_time": _exponent(rows, "processor_seconds"),
        "exponent_operations": _exponent(rows, "gflop"),
    }


def _gflop(network: SpecialisedJasmine, width: int, height: int) -> float:
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        image = torch.zeros(1, 3, height, width)
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            network(image)
    return counter.get_total_flops() / 1e9


def _exponent(rows: list[dict[str, Any]], cost: str) -> float:
    """Return a of cost = c pixels^a by least squares of the logarithms."""
    pixels = [row["width"] * row["height"] for row in rows]
    return float(np.polyfit(np.log(pixels), np.log([row[cost] for row in rows]), 1)[0])


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = ["| size | GFLOP | s per frame | CPU s per frame |", "|---|---|---|---|"]
    lines += [
        f"| {row['width']}x{row['height']} | {row['gflop']:.1f} | {row['seconds']:.2f} | "
        f"{row['processor_seconds']:.2f} |"
        for row in result["rows"]
    ]
    lines += [
        "",
        f"{result['preset']}, folded, torch: CPU time grows with pixels to the power of "
        f"{result['exponent_time']:.2f}, operations {result['exponent_operations']:.2f}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure(tyro.cli(Options, description=__doc__))))
