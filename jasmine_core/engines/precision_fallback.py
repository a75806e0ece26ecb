# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which precision each stage gets: the fastest that passes the accuracy check."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from jasmine_core.engines.accuracy import Accuracy
from jasmine_core.errors import EngineError

HALF, FP32_LAYERS, SINGLE = "fp16", "mixed", "fp32"
LEVELS = (HALF, FP32_LAYERS, SINGLE)
Levels = dict[str, str]  # stage to level
_log = logging.getLogger(__name__)


def settle(
    stages: Sequence[str],
    judge: Callable[[Mapping[str, str]], Accuracy],
    start: str = HALF,
    available: Sequence[str] = LEVELS,
) -> tuple[Levels, Accuracy]:
    """Return the levels that pass `judge`, and its report; EngineError if none do.

    A stage that fails alone goes one level down, of those that are `available`. If all pass alone
    but not together, the one with the largest error does.
    """
    ladder = [level for level in LEVELS if level in available]
    if start not in ladder:
        raise EngineError(
            f"there are no {start} graphs, only {', '.join(ladder) or 'none'}; export them with "
            f"`jasmine export CHECKPOINT --onnx --split --precision {start}`"
        )
    levels = dict.fromkeys(stages, start)
    while True:
        report = judge(levels)
        if report.passed:
            return levels, report
        open_to = [stage for stage in stages if levels[stage] != ladder[-1]]
        to_blame = [stage for stage in open_to if report.excess(stage) > 1]
        if not to_blame and open_to:
            to_blame = [max(open_to, key=report.excess)]
        if not to_blame:
            raise EngineError(
                f"the engines fail their accuracy check ({report.summary()}) even in {ladder[-1]}; "
                "they are not used: --backend torch or onnxruntime runs the same model"
            )
        for stage in to_blame:
            below = ladder[ladder.index(levels[stage]) + 1]
            _log.warning(
                "%s in %s has %.2g times the tolerated error; trying %s",
                stage,
                levels[stage],
                report.excess(stage),
                below,
            )
            levels[stage] = below
