# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of an evaluation for people: scores, error maps, and the worst images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.evaluation import Evaluation, FrameScore
from jasmine_core.evaluate.figure import ERROR_END, Exhibit, depth_range, dotted, known_pixels
from jasmine_core.evaluate.metrics import FloatArray
from jasmine_core.evaluate.report import (
    COLUMNS,
    TEMPORAL_COLUMNS,
    Column,
    Rows,
    header_of,
    rows_of,
)
from jasmine_core.report.blocks import (
    Block,
    Chart,
    Facts,
    Level,
    Page,
    Section,
    Series,
    Slider,
    Table,
    Text,
    Tiles,
)
from jasmine_core.report.chart import robust_limits
from jasmine_core.report.images import RgbImage, data_uri, paint, resized

MOST_EXHIBITS, WORST = 12, 10  # images, and rows of the table of the worst images
_NAMES = ("AbsRel", "δ < 1.25")


def evaluation_page(
    title: str,
    evaluation: Evaluation,
    exhibits: Sequence[Exhibit],
    facts: Mapping[str, object],
    reliability: Mapping[str, Any],
) -> Page:
    """Return the page of an evaluation.

    Args:
        title: heading of the page.
        evaluation: scores of all images.
        exhibits: some images with prediction and ground truth.
        facts: facts about the evaluation; only texts, numbers and lists of texts are shown.
        reliability: `Reliability.summary` of the confidence; empty without one.
    """
    level, verdict, lead = verdict_of(evaluation)
    shown = [(name.replace("_", " "), str(v)) for name, v in facts.items() if _is_short(v)]
    sections = [
        *score_sections(evaluation, exhibits),
        *_confidence(reliability),
        Section("Model and data", (Facts(tuple(shown)),), wide=True),
    ]
    return Page(title, lead, tuple(sections), level, verdict)


def verdict_of(evaluation: Evaluation) -> tuple[Level, str, str]:
    """Return the level, verdict and first sentence about a model beside the trivial predictors."""
    summary = evaluation.summary()
    own = summary["model"]["abs_rel"]
    trivial = min(summary[name]["abs_rel"] for name in ("trivial_constant", "trivial_mean_map"))
    lead = (
        f"The depth differs from the ground truth by {own:.1%} on average; the better of two "
        f"predictors that ignore the image differs by {trivial:.1%}."
    )
    if own < 0.8 * trivial:
        return "good", "better than trivial", lead
    if own < trivial:
        return "warning", "hardly better than trivial", lead
    return "problem", "not better than trivial", lead


def score_sections(evaluation: Evaluation, exhibits: Sequence[Exhibit]) -> list[Section]:
    """Return the scores, the error maps, the scores over time, and the worst images."""
    summary, temporal = evaluation.summary(), evaluation.clips.summary()
    model = summary["model"]
    tiles = Tiles(
        (
            (f"{model['abs_rel']:.3f}", "AbsRel: mean relative error, lower is better"),
            (f"{model['a1']:.1%}", "pixels within 25 % (δ < 1.25), higher is better"),
            (f"{model['rmse']:.2f} m", "RMSE, lower is better"),
            (f"{model['frames']}", "images"),
        )
    )
    tables = [score_table(summary)]
    tables += [score_table(temporal, TEMPORAL_COLUMNS)] if temporal else []
    maps = [slider for exhibit in exhibits[:MOST_EXHIBITS] for slider in exhibit_sliders(exhibit)]
    sections = [
        Section("Accuracy against ground truth", (tiles, *tables), wide=True),
        Section("Error maps", (Text(_MAPS), *maps)),
        Section("Error of each image", (_errors(evaluation.frames),), wide=True),
        Section("Worst images", (worst_table(evaluation.frames),), wide=True),
    ]
    return [section for section in sections if maps or section.title != "Error maps"]


_MAPS = (
    "Left: the image over the predicted depth. Right: the ground truth over the relative error, "
    f"from dark (0 %) to yellow ({ERROR_END:.0f} % and more). Depth is bright where it is near; "
    "grey pixels have no ground truth or do not count."
)


def score_table(rows: Rows, columns: Sequence[Column] = COLUMNS) -> Table:
    """Return the table of metrics that `markdown_table` has as text."""
    header = header_of(rows, [column.markdown for column in columns])
    cells = rows_of(rows, columns)
    return Table(tuple(header), tuple(map(tuple, cells)), tuple(range(1, len(header))))


def worst_table(frames: Sequence[FrameScore]) -> Table:
    """Return the images with the largest errors."""
    ranked = sorted(frames, key=lambda frame: -frame.model.abs_rel)[:WORST]
    rows = tuple(
        (
            f"{frame.stamp * 1e-9:.3f}",
            f"{frame.model.abs_rel:.3f}",
            f"{frame.trivial_mean_map.abs_rel:.3f}",
            f"{frame.model.rmse:.2f}",
            f"{frame.model.a1:.1%}",
            f"{frame.ratio:.4g}",
        )
        for frame in ranked
    )
    header = ("timestamp [s]", "AbsRel", "AbsRel of the mean map", "RMSE [m]", "δ < 1.25", "scale")
    return Table(header, rows, tuple(range(6)))


def exhibit_sliders(exhibit: Exhibit) -> tuple[Slider, Slider]:
    """Return the image over its depth, and the ground truth over the relative error."""
    near, far = depth_range(exhibit.ground_truth)
    known = known_pixels(exhibit.ground_truth)
    ground_truth = np.where(known, exhibit.ground_truth, np.nan)
    error = np.where(known, 100 * np.abs(exhibit.depth - ground_truth) / ground_truth, np.nan)
    size = np.zeros(exhibit.ground_truth.shape)
    shown = _painted(exhibit.depth, near, far)
    measured = _painted(-dotted(-exhibit.ground_truth, known), near, far)  # the nearest on top
    errors = paint(dotted(error, known), 0, ERROR_END)
    image = resized(exhibit.image, size)
    return (
        Slider(data_uri(image), data_uri(shown), exhibit.title),
        Slider(
            data_uri(measured),
            data_uri(errors),
            f"depth from {near:.3g} m to {far:.3g} m",
            "ground truth",
            "error",
        ),
    )


def _painted(depth: NDArray[Any], near: float, far: float) -> RgbImage:
    """Return depth [H,W] m in false colours on a logarithmic scale; near is bright."""
    positive = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)
    return paint(-np.log(positive), -np.log(far), -np.log(near), cv2.COLORMAP_INFERNO)


def _errors(frames: Sequence[FrameScore]) -> Chart:
    """Return the error of each image, in the order of the test set."""
    names = [("model", "model"), ("trivial_mean_map", "mean-depth map (trivial)")]
    names += [("baseline", "baseline")] if frames and frames[0].baseline else []
    series = []
    for field, name in names:
        scores = [getattr(frame, field) for frame in frames]
        errors = [score.abs_rel if score else np.nan for score in scores]
        series.append(Series(name, range(len(frames)), errors))
    every: FloatArray = np.concatenate([np.asarray(s.y, np.float64) for s in series])
    limits = robust_limits(every, from_zero=True)
    return Chart("AbsRel of each image", "number of the image", tuple(series), limits)


def _confidence(summary: Mapping[str, Any]) -> list[Section]:
    if not summary or not summary.get("bins"):
        return []
    bins = summary["bins"]
    confidence = [row["confidence"] for row in bins]
    ideal = Series("ideal", (0, 1), (0, 1))
    measured = Series("measured", confidence, [row["correct"] for row in bins])
    title = "Share of correct pixels over the confidence of the network"
    blocks: tuple[Block, ...] = (
        Chart(title, "confidence", (measured, ideal), (0, 1)),
        Facts(
            (
                ("calibration error", f"{summary['ece']:.3f} (ECE; 0 is ideal)"),
                ("ordering of errors", f"{summary['ause']:.3f} (AUSE; 0 is ideal)"),
                ("gain over chance", f"{summary['aurg']:.3f} (AURG; positive helps)"),
                ("correct pixels", f"{summary['correct']:.1%}"),
            )
        ),
    )
    return [Section("Confidence", blocks, wide=True)]


def _is_short(value: object) -> bool:
    return isinstance(value, str | int | float) and str(value) not in ("", "False")
