# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a model on samples with ground truth, and its report files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from jasmine_core.errors import FrameError
from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.evaluation import Evaluation, FrameScore
from jasmine_core.evaluate.figure import Exhibit, draw_figure
from jasmine_core.evaluate.protocols import Aligned
from jasmine_core.evaluate.report import latex_tables, markdown_tables, write_json

logger = logging.getLogger(__name__)

Depth = NDArray[np.float32]
Predict = Callable[[NDArray[np.uint8], float | None], Depth]  # image [H,W,3], f_x to depth [h,w]
# Filter over time: depth [h,w], its image, timestamp [ns] and camera to depth [h,w].
Steady = Callable[[Depth, NDArray[np.uint8], int, ClipPose | None], Depth]


@dataclass(frozen=True)
class Sample:
    """One image with ground-truth depth."""

    stamp: int  # [ns]
    image: NDArray[np.uint8]  # [H,W,3] RGB
    ground_truth: Depth  # [H,W] m, 0 where unknown
    focal: float | None = None  # [px] f_x of the image, None if unknown
    pose: ClipPose | None = None  # camera of the image in its clip, None if unknown


def evaluate(
    predict: Predict,
    samples: Callable[[], Iterable[Sample]],
    evaluation: Evaluation,
    total: int | None = None,
    baseline: Predict | None = None,
    show: int = 0,
    steady: Callable[[], Steady] | None = None,
    observe: Callable[[Aligned], None] | None = None,
) -> list[Exhibit]:
    """Score every sample and return some frames for the figure.

    Args:
        predict: returns the depth [h,w] of an image.
        samples: returns the samples; called twice, because images are not kept in memory.
        evaluation: collects the scores.
        total: number of samples, for the progress bar.
        baseline: another model to compare with.
        show: number of frames to return, evenly spaced; 0 returns the best, median and worst.
        steady: returns a new filter over time for the predictions; None for predictions as they
            are.
        observe: gets each prediction after its alignment, before the next one is made.
    """
    score(predict, samples(), evaluation, total, baseline, steady, observe)
    wanted = {frame.stamp: (name, frame) for name, frame in choose(evaluation, show)}
    exhibits = show_frames(predict, samples(), evaluation, wanted, baseline, steady)
    return [exhibits[name] for name, _ in wanted.values() if name in exhibits]


def score(
    predict: Predict,
    samples: Iterable[Sample],
    evaluation: Evaluation,
    total: int | None = None,
    baseline: Predict | None = None,
    steady: Callable[[], Steady] | None = None,
    observe: Callable[[Aligned], None] | None = None,
) -> None:
    """Add the scores of all samples to `evaluation`; the arguments are those of `evaluate`.

    A sample without usable ground truth is skipped.

    Raises:
        FrameError: all samples were skipped.
    """
    skipped: list[str] = []
    own_depth = _Prediction(predict, evaluation, steady and steady())
    for sample in tqdm(samples, total=total, unit="image", desc="evaluate"):
        try:
            other = _depth(baseline, sample, evaluation) if baseline else None
            own = own_depth(sample)
            aligned = evaluation.add(sample.stamp, own, sample.ground_truth, other, sample.pose)
        except FrameError as err:
            skipped.append(str(err))
            continue
        if observe is not None:
            observe(aligned)
    if skipped and not evaluation.frames:
        raise FrameError(f"no image was evaluated; the first of {len(skipped)}: {skipped[0]}")
    if skipped:
        logger.warning("%d frames were skipped; the first error: %s", len(skipped), skipped[0])


def choose(evaluation: Evaluation, show: int) -> list[tuple[str, FrameScore]]:
    """Return the frames of a figure, with their names."""
    if not show:
        return list(evaluation.extremes().items())
    frames = evaluation.frames
    places = np.linspace(0, len(frames) - 1, min(show, len(frames))).round().astype(int)
    return [(f"frame {place}", frames[place]) for place in places.tolist()]


def worst(evaluation: Evaluation, count: int) -> list[tuple[str, FrameScore]]:
    """Return the frames with the largest errors, with their names."""
    ranked = sorted(evaluation.frames, key=lambda frame: -frame.model.abs_rel)
    return [(f"worst {place}", frame) for place, frame in enumerate(ranked[:count], 1)]


def show_frames(
    predict: Predict,
    samples: Iterable[Sample],
    evaluation: Evaluation,
    wanted: Mapping[int, tuple[str, FrameScore]],
    baseline: Predict | None = None,
    steady: Callable[[], Steady] | None = None,
) -> dict[str, Exhibit]:
    """Return some frames for a figure, by their names.

    Args:
        predict: returns the depth [h,w] of an image.
        samples: the samples that were scored.
        evaluation: protocol and alignment of the scores.
        wanted: names and scores of the frames, by timestamp [ns].
        baseline: another model, whose depth is shown beside.
        steady: returns a new filter over time for the predictions.
    """
    exhibits: dict[str, Exhibit] = {}
    own_depth = _Prediction(predict, evaluation, steady and steady())
    for sample in samples:
        if len(exhibits) == len(wanted):
            break
        shown = sample.stamp in wanted
        if not shown and steady is None:  # A filter needs the frames before those that are shown.
            continue
        try:
            own = own_depth(sample)
        except FrameError:
            continue
        if shown:
            name, frame = wanted[sample.stamp]
            again = Evaluation(evaluation.mean_map, evaluation.protocol, evaluation.alignment)
            aligned = again.add(sample.stamp, own, sample.ground_truth)
            beside = None
            if baseline:
                other = _depth(baseline, sample, evaluation)
                beside = again.add(sample.stamp, other, sample.ground_truth).depth
            exhibits[name] = Exhibit(
                f"{name}: AbsRel {frame.model.abs_rel:.3f}",
                evaluation.protocol.image(sample.image),
                aligned.depth,
                np.where(aligned.valid, aligned.ground_truth, 0),
                beside,
            )
    return exhibits


def write_report(
    evaluation: Evaluation, exhibits: list[Exhibit], about: dict[str, Any], path: Path
) -> str:
    """Write a report as JSON, Markdown, LaTeX and PNG, and return the Markdown tables.

    Args:
        evaluation: scores of all frames.
        exhibits: frames of the figure.
        about: facts about the evaluation, added to the top level of the JSON.
        path: JSON file; the other files differ in the suffix.
    """
    summary = evaluation.summary()
    temporal = evaluation.clips.summary()
    facts: dict[str, Any] = {"frames": len(evaluation.frames), "clips": evaluation.clips.count}
    if temporal:
        facts |= {"ground_truth": temporal["ground_truth"]}
    write_json(path, summary | facts | about)
    tables = markdown_tables(summary, temporal)
    path.with_suffix(".md").write_text(tables)
    path.with_suffix(".tex").write_text(latex_tables(summary, temporal))
    draw_figure(exhibits, path.with_suffix(".png"))
    return tables


@dataclass(frozen=True)
class _Prediction:
    """Depth of the samples of a test set, in their order."""

    predict: Predict
    evaluation: Evaluation
    steady: Steady | None

    def __call__(self, sample: Sample) -> Depth:
        depth = _depth(self.predict, sample, self.evaluation)
        if self.steady is None:
            return depth
        rules = self.evaluation.protocol
        pose = sample.pose
        if pose is not None:
            pose = pose.within(rules.window((sample.image.shape[1], sample.image.shape[0])))
        if rules.intermediate is not None:
            pose = None  # The image is resized, so that its camera is not that of the sample.
        return self.steady(depth, rules.image(sample.image), sample.stamp, pose)


def _depth(predict: Predict, sample: Sample, evaluation: Evaluation) -> Depth:
    """Return the predicted depth; unknown depth (NaN) becomes 0, which counts as the nearest."""
    shown = evaluation.protocol.image(sample.image)
    return np.nan_to_num(predict(shown, sample.focal), nan=0.0)
