# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Precision fallback: the fastest precision of each stage that passes the accuracy check."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from jasmine_core.engines.accuracy import Accuracy
from jasmine_core.errors import EngineError

HALF, FP32_LAYERS, SINGLE = "fp16", "mixed", "fp32"
LEVELS = (HALF, FP32_LAYERS, SINGLE)
Levels = dict[str, str]  # stage to level
_log = logging.getLogger(__name__)


def choose_levels(
    stages: Sequence[str],
    check: Callable[[Mapping[str, str]], Accuracy],
    start: str = HALF,
    available: Sequence[str] = LEVELS,
) -> tuple[Levels, Accuracy]:
    """Return the level of each stage that passes the accuracy check, and the report of the check.

    Each stage whose own error is too large gets the next more precise level of `available`. If all
    stages pass alone but the whole network fails, the stage with the largest error does.

    Args:
        stages: Names of the stages.
        check: Measures the accuracy of the network with the given level of each stage.
        start: Level of all stages at first.
        available: Levels for which graphs exist or can be exported.

    Raises:
        EngineError: There are no graphs at the level `start`, or no levels pass.
    """
    ordered = [level for level in LEVELS if level in available]
    if start not in ordered:
        raise EngineError(
            f"there are no {start} graphs, only {', '.join(ordered) or 'none'}; export them with "
            f"`jasmine export CHECKPOINT --onnx --split --precision {start}`"
        )
    levels = dict.fromkeys(stages, start)
    while True:
        report = check(levels)
        if report.passed:
            return levels, report
        improvable = [stage for stage in stages if levels[stage] != ordered[-1]]
        failing = [stage for stage in improvable if report.excess(stage) > 1]
        if not failing and improvable:
            failing = [max(improvable, key=report.excess)]
        if not failing:
            raise EngineError(
                f"the engines fail the accuracy check ({report.summary()}) even in {ordered[-1]} "
                "and are not used; --backend torch or onnxruntime runs the same model"
            )
        for stage in failing:
            more_precise = ordered[ordered.index(levels[stage]) + 1]
            _log.warning(
                "%s in %s has %.2g times the tolerated error; falling back to %s",
                stage,
                levels[stage],
                report.excess(stage),
                more_precise,
            )
            levels[stage] = more_precise
