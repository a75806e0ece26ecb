# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""File of the scores of one recording, from which the report of many recordings is computed.

It has the scores of each image, so that the mean over many recordings is exactly that of one
evaluation of all their images in the same order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jasmine_core.evaluate.evaluation import Evaluation, FrameScore
from jasmine_core.evaluate.metrics import DepthMetrics, EdgeSharpness, TemporalMetrics
from jasmine_core.evaluate.reliability import Reliability
from jasmine_core.files import atomic_file, read_json

SCORES = "scores.json"  # name of the file, in a folder for each recording
_LARGEST_FILE = 1 << 30  # [bytes], of some hundred thousand images
_COLLECTED = ("frames", "clips", "reliability")
_PREDICTORS = ("model", "trivial_constant", "trivial_mean_map", "baseline")


def write_scores(
    path: Path, about: Mapping[str, Any], evaluation: Evaluation, reliability: Reliability
) -> None:
    """Write the scores of a recording; a reader sees the old file or the complete new one.

    Args:
        path: JSON file.
        about: facts about the evaluation of the recording, added to the top level.
        evaluation: scores of all images.
        reliability: reliability of the confidence in all images.
    """
    content = {
        **about,
        "frames": [_plain(frame._asdict()) for frame in evaluation.frames],
        "clips": _plain(evaluation.clips.scores),
        "reliability": reliability.state,
    }
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Scores:
    """Content of a file of scores."""

    about: dict[str, Any]
    frames: list[FrameScore]
    clips: list[dict[str, TemporalMetrics]]
    reliability: Reliability

    def add_to(self, evaluation: Evaluation, reliability: Reliability) -> None:
        """Add the scores to those of other recordings."""
        evaluation.frames.extend(self.frames)
        evaluation.clips.extend(self.clips)
        reliability.extend(self.reliability)


def read_scores(path: Path) -> Scores:
    """Return the content of a file of scores.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is damaged.
    """
    content = read_json(path, _LARGEST_FILE)
    try:
        return Scores(
            {name: value for name, value in content.items() if name not in _COLLECTED},
            [_frame(row) for row in content["frames"]],
            [
                {name: TemporalMetrics(*map(_number, row)) for name, row in clip.items()}
                for clip in content["clips"]
            ],
            Reliability.of(content["reliability"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as err:
        raise ValueError(f"it is not a file of scores: {err!r}") from err


def _frame(row: Mapping[str, Any]) -> FrameScore:
    metrics = {
        name: DepthMetrics(*map(_number, row[name]))
        for name in _PREDICTORS
        if row[name] is not None
    }
    margin, within = map(_number, row["regions"])
    edges = row["edges"]
    return FrameScore(
        int(row["stamp"]),
        ratio=_number(row["ratio"]),
        edges=None if edges is None else EdgeSharpness(*map(_number, edges)),
        regions=(margin, within),
        **metrics,
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON values; NaN becomes null."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
