# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far a backend's answers are from the reference's, stage by stage and from end to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jasmine_core.engines.reference_outputs import IMAGE, Reference

DEPTH = "depth"
_NEAREST = 0.01  # of the farthest depth
WORST = float(np.finfo(np.float32).max)  # JSON knows no infinity
Tensors = Mapping[str, NDArray[np.float32]]


class Stage(Protocol):
    """Run one graph on named tensors; `inputs` and `outputs` are their names."""

    inputs: list[str]
    outputs: list[str]

    def __call__(self, tensors: Tensors) -> Tensors:
        """Return the outputs for the inputs."""
        ...


@dataclass(frozen=True)
class Tolerance:
    """Bound the errors of an engine that may be used; see `Error` for the units."""

    mean: float = 0.01
    p99: float = 0.05
    abs_rel: float = 0.005


@dataclass(frozen=True)
class Error:
    """Measure a map against the reference, in shares of the reference's mean magnitude.

    `abs_rel` is the mean of |D - D_ref| / D_ref over all pixels but the very nearest (within a
    hundredth of the farthest): AbsRel against ground truth is within about that of the reference's
    own. It is 0 for maps that are not depth. All are `WORST` where the map is not finite.
    """

    max: float
    mean: float
    p99: float
    abs_rel: float = 0.0

    def excess(self, tolerance: Tolerance) -> float:
        """Return how many times the error is what is tolerated; up to 1 is good."""
        shares = (
            self.mean / tolerance.mean,
            self.p99 / tolerance.p99,
            self.abs_rel / tolerance.abs_rel,
        )
        return max(shares)


@dataclass(frozen=True)
class Accuracy:
    """Report on one way of running the model; saved beside its engines."""

    passed: bool
    images: int
    tolerance: Tolerance
    stages: dict[str, dict[str, Error]]  # each fed with the reference's own tensors
    whole: dict[str, Error]  # from the image on
    precision: dict[str, str] = field(default_factory=dict)  # of each stage

    def excess(self, stage: str) -> float:
        """Return how many times the worst error of a stage is what is tolerated."""
        return max(error.excess(self.tolerance) for error in self.stages[stage].values())

    def summary(self) -> str:
        """Return the end-to-end errors of depth in a few words."""
        error = self.whole[DEPTH]
        return (
            f"depth within {100 * error.p99:.2g} % for 99 % of the pixels, "
            f"AbsRel within {error.abs_rel:.2g}"
        )


def measure(
    stages: Mapping[str, Stage], reference: Reference, tolerance: Tolerance | None = None
) -> Accuracy:
    """Compare stages, given in the order they run in, with the reference on its images."""
    tolerance = tolerance or Tolerance()
    alone: dict[str, dict[str, list[NDArray[np.float32]]]] = {
        name: {output: [] for output in stage.outputs} for name, stage in stages.items()
    }
    chained: dict[str, list[NDArray[np.float32]]] = {}
    for i in range(len(reference)):
        ground_truth = reference.tensors(i)
        passed_on = {IMAGE: ground_truth[IMAGE]}
        for name, stage in stages.items():
            for output, answer in stage({key: ground_truth[key] for key in stage.inputs}).items():
                alone[name][output].append(answer)
            passed_on.update(stage({key: passed_on[key] for key in stage.inputs}))
        for output in [*stages.values()][-1].outputs:
            chained.setdefault(output, []).append(passed_on[output])

    def errors(answers: Mapping[str, list[NDArray[np.float32]]]) -> dict[str, Error]:
        return {key: error_of(key, np.stack(a), reference.maps[key]) for key, a in answers.items()}

    by_stage = {name: errors(answers) for name, answers in alone.items()}
    whole = errors(chained)
    every = [*whole.values(), *(error for stage in by_stage.values() for error in stage.values())]
    passed = all(error.excess(tolerance) <= 1 for error in every)
    return Accuracy(passed, len(reference), tolerance, by_stage, whole)


def error_of(name: str, answer: NDArray[np.float32], ground_truth: NDArray[np.float32]) -> Error:
    """Measure an output, both [n,...]."""
    if not np.isfinite(answer).all():
        return Error(*(4 * [WORST]))
    difference = np.abs(answer.astype(np.float64) - ground_truth)
    scale = max(float(np.abs(ground_truth).mean()), float(np.finfo(np.float32).tiny))
    abs_rel = 0.0
    if name == DEPTH and (seen := ground_truth > _NEAREST * ground_truth.max()).any():
        abs_rel = float((difference[seen] / ground_truth[seen]).mean())
    return Error(
        max=float(difference.max()) / scale,
        mean=float(difference.mean()) / scale,
        p99=float(np.percentile(difference, 99)) / scale,
        abs_rel=abs_rel,
    )
