# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trainings and evaluations in Rerun: curves over steps or time, figures and tables."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from jasmine_core.evaluate.report import is_report
from jasmine_core.evaluate.score_file import SCORES, Scores, read_scores
from jasmine_core.files import read_small
from jasmine_core.image_files import MAX_BYTES, size_in_header
from jasmine_core.store.paths import is_file, names_in, read_limited
from jasmine_ros.commands.view_bag import Show
from jasmine_ros.commands.view_sampling import MOST_ENTITIES, spread
from jasmine_ros.commands.view_target import Target, label

LOG = "log.jsonl"  # of a training
MOST_STEPS = 20_000  # of a curve
_LARGEST_LOG = 1 << 28  # [bytes]
_MOST_RECORDINGS = 100  # of an evaluation
_METRICS = ("abs_rel", "a1")
_log = logging.getLogger(__name__)


def training_view(folder: Path) -> Show:
    """Return a function that shows the curves and the progress images of `jasmine train`."""
    lines = read_limited(folder / LOG, _LARGEST_LOG).splitlines()

    def show(target: Target) -> None:
        curves: set[str] = set()
        for line in spread(lines, MOST_STEPS):
            for step, name, value in _numbers(line):
                if name in curves or len(curves) < MOST_ENTITIES:
                    curves.add(name)
                    target.at_step(step)
                    target.curve(label(["curves", name]), value)
        images = [name for name in names_in(folder / "images") if Path(name).stem.isdigit()]
        for name in spread(images, target.max_frames):
            target.at_step(int(Path(name).stem))
            _log_image(target, "/progress", folder / "images" / name)

    return show


def _numbers(line: bytes) -> Iterator[tuple[int, str, float]]:
    """Yield step, name and value of the finite numbers in a line; a damaged line has none."""
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        values: dict[str, Any] = json.loads(line)
        step = int(values["step"])
        for name, value in values.items():
            if name != "step" and isinstance(value, int | float) and math.isfinite(value):
                yield step, name, float(value)


def evaluation_files(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the reports at a path or in a folder, and the files of scores that belong to them."""
    if path.is_file():
        return ([path], _scores_in(path.with_suffix(""))) if is_report(path) else ([], [])
    reports = [file for file in sorted(path.glob("*.json")) if is_report(file)]
    scores = [file for report in reports for file in _scores_in(report.with_suffix(""))]
    return reports, scores or _scores_in(path)


def _scores_in(folder: Path) -> list[Path]:
    return [folder / name / SCORES for name in names_in(folder) if is_file(folder / name / SCORES)]


def evaluation_view(path: Path) -> Show:
    """Return a function that shows the tables, figures and scores of `jasmine evaluate`."""
    reports, found = evaluation_files(path)

    def show(target: Target) -> None:
        for report in reports:
            with suppress(OSError, ValueError):
                table = target.rr.TextDocument(
                    read_small(report.with_suffix(".md")), media_type="text/markdown"
                )
                target.log(label(["table", report.stem]), table, 0, static=True)
            if report.with_suffix(".png").is_file():
                figure = label(["figure", report.stem])
                _log_image(target, figure, report.with_suffix(".png"), static=True)
        files = spread(found, _MOST_RECORDINGS)
        if len(files) < len(found):
            _log.info("the scores of %d of %d recordings are shown", len(files), len(found))
        for file in files:
            try:
                _log_scores(target, file.parent.name, read_scores(file))
            except (OSError, ValueError) as err:
                target.warn(str(file), f"{file} cannot be read: {err}")

    return show


def _log_scores(target: Target, name: str, scores: Scores) -> None:
    """Log the errors of each image of a recording."""
    for frame in sorted(spread(scores.frames, MOST_STEPS), key=lambda frame: frame.stamp):
        target.at(frame.stamp)
        for predictor in ("model", "baseline", "trivial_constant", "trivial_mean_map"):
            metrics = getattr(frame, predictor)
            for metric in _METRICS if metrics is not None else ():
                value = getattr(metrics, metric)
                if math.isfinite(value):
                    target.curve(label([metric, name, predictor]), value)


def _log_image(target: Target, entity: str, file: Path, static: bool = False) -> None:
    try:
        data = read_limited(file, MAX_BYTES)
    except OSError as err:
        target.warn(str(file), f"{file} cannot be read: {err}")
        return
    if size_in_header(data) is None:
        target.warn(str(file), f"{file} cannot be decoded as an image")
        return
    target.images.append(entity)
    target.image(entity, data, static)
