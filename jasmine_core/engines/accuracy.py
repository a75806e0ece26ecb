# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors of a backend's outputs relative to fp32 reference outputs, per stage and end to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jasmine_core.engines.reference_outputs import IMAGE, Reference

DEPTH = "depth"
_NEAREST = 0.01  # as a share of the largest depth
WORST = float(np.finfo(np.float32).max)  # JSON has no infinity
Tensors = Mapping[str, NDArray[np.float32]]


class Stage(Protocol):
    """Graph that can be run on named tensors; `inputs` and `outputs` are their names."""

    inputs: list[str]
    outputs: list[str]

    def __call__(self, tensors: Tensors) -> Tensors:
        """Return the outputs for the inputs."""
        ...


@dataclass(frozen=True)
class Tolerance:
    """Largest errors that an engine may have; see `Error` for the units."""

    mean: float = 0.01
    p99: float = 0.05
    abs_rel: float = 0.005


@dataclass(frozen=True)
class Error:
    """Errors of a map, as shares of the mean magnitude of the reference map.

    `abs_rel` is the mean of |D - D_ref| / D_ref over the pixels whose depth D_ref is more than one
    hundredth of the largest depth. It estimates how much AbsRel against ground truth can change. It
    is 0 for maps that are not depth. All errors are `WORST` if the map has values that are not
    finite.
    """

    max: float
    mean: float
    p99: float
    abs_rel: float = 0.0

    def excess(self, tolerance: Tolerance) -> float:
        """Return the largest ratio of an error to its tolerance; it must be at most 1."""
        shares = (
            self.mean / tolerance.mean,
            self.p99 / tolerance.p99,
            self.abs_rel / tolerance.abs_rel,
        )
        return max(shares)


@dataclass(frozen=True)
class Accuracy:
    """Accuracy report of a set of engines; saved beside them."""

    passed: bool
    images: int
    tolerance: Tolerance
    stages: dict[str, dict[str, Error]]  # of each stage run on the reference's tensors, by output
    whole: dict[str, Error]  # of all stages run one after another on the image, by output
    precision: dict[str, str] = field(default_factory=dict)  # of each stage

    def excess(self, stage: str) -> float:
        """Return the largest ratio of an error of a stage to its tolerance."""
        return max(error.excess(self.tolerance) for error in self.stages[stage].values())

    def summary(self) -> str:
        """Return the end-to-end errors of depth as part of a sentence."""
        error = self.whole[DEPTH]
        return (
            f"depth within {100 * error.p99:.2g} % for 99 % of the pixels, "
            f"AbsRel within {error.abs_rel:.2g}"
        )


def measure(
    stages: Mapping[str, Stage], reference: Reference, tolerance: Tolerance | None = None
) -> Accuracy:
    """Compare stages with the reference on its images; `stages` are in the order they run in."""
    tolerance = tolerance or Tolerance()
    alone: dict[str, dict[str, list[NDArray[np.float32]]]] = {
        name: {output: [] for output in stage.outputs} for name, stage in stages.items()
    }
    chained: dict[str, list[NDArray[np.float32]]] = {}
    for i in range(len(reference)):
        expected = reference.tensors(i)
        tensors = {IMAGE: expected[IMAGE]}
        for name, stage in stages.items():
            for output, values in stage({key: expected[key] for key in stage.inputs}).items():
                alone[name][output].append(values)
            tensors.update(stage({key: tensors[key] for key in stage.inputs}))
        for output in [*stages.values()][-1].outputs:
            chained.setdefault(output, []).append(tensors[output])

    def errors(outputs: Mapping[str, list[NDArray[np.float32]]]) -> dict[str, Error]:
        return {key: error_of(key, np.stack(v), reference.maps[key]) for key, v in outputs.items()}

    by_stage = {name: errors(outputs) for name, outputs in alone.items()}
    whole = errors(chained)
    every = [*whole.values(), *(error for stage in by_stage.values() for error in stage.values())]
    passed = all(error.excess(tolerance) <= 1 for error in every)
    return Accuracy(passed, len(reference), tolerance, by_stage, whole)


def error_of(name: str, output: NDArray[np.float32], expected: NDArray[np.float32]) -> Error:
    """Return the errors of an output called `name` against the reference's, both [n,...]."""
    if not np.isfinite(output).all():
        return Error(*(4 * [WORST]))
    difference = np.abs(output.astype(np.float64) - expected)
    scale = max(float(np.abs(expected).mean()), float(np.finfo(np.float32).tiny))
    abs_rel = 0.0
    if name == DEPTH and (valid := expected > _NEAREST * expected.max()).any():
        abs_rel = float((difference[valid] / expected[valid]).mean())
    return Error(
        max=float(difference.max()) / scale,
        mean=float(difference.mean()) / scale,
        p99=float(np.percentile(difference, 99)) / scale,
        abs_rel=abs_rel,
    )
