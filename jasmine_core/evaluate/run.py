# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run a model over samples with truth, and write down how it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from jasmine_core.errors import FrameError
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.report import (
    Exhibit,
    figure,
    latex_table,
    markdown_table,
    write_json,
)

Depth = NDArray[np.float32]
Predict = Callable[[NDArray[np.uint8]], Depth]  # picture [H,W,3] to depth [h,w]


@dataclass(frozen=True)
class Sample:
    """Hold one picture and what is known about its depth."""

    stamp: int  # [ns]
    image: NDArray[np.uint8]  # [H,W,3] RGB
    truth: Depth  # [H,W] metres, 0 where unknown


def evaluate(
    predict: Predict,
    samples: Callable[[], Iterable[Sample]],
    evaluation: Evaluation,
    total: int | None = None,
) -> list[Exhibit]:
    """Score every sample; return the best, the median and the worst one to look at.

    `samples` is called twice, for pictures are not kept. One without usable truth is left out.
    """
    unusable: list[str] = []
    for sample in tqdm(samples(), total=total, unit="frame", desc="evaluate"):
        try:
            evaluation.add(sample.stamp, _depth(predict, sample, evaluation), sample.truth)
        except FrameError as err:
            unusable.append(str(err))
    if unusable:
        tqdm.write(f"warn: {len(unusable)} frames left out; the first: {unusable[0]}")

    wanted = {frame.stamp: (name, frame) for name, frame in evaluation.extremes().items()}
    exhibits: dict[str, Exhibit] = {}
    for sample in samples():
        if sample.stamp in wanted and len(exhibits) < len(wanted):
            name, frame = wanted[sample.stamp]
            again = Evaluation(evaluation.mean_map, evaluation.protocol, evaluation.alignment)
            aligned = again.add(sample.stamp, _depth(predict, sample, evaluation), sample.truth)
            exhibits[name] = Exhibit(
                f"{name}: AbsRel {frame.model.abs_rel:.3f}",
                evaluation.protocol.picture(sample.image),
                aligned.depth,
                np.where(aligned.valid, aligned.truth, 0),
            )
    return [exhibits[name] for name in ("best", "median", "worst") if name in exhibits]


def write_report(
    evaluation: Evaluation, exhibits: list[Exhibit], about: dict[str, Any], path: Path
) -> str:
    """Write PATH (JSON), and beside it a Markdown and a LaTeX table and a figure; return the table.

    `about` joins the JSON at its top level, beside `model`, the trivial predictors and `frames`.
    """
    summary = evaluation.summary()
    write_json(path, summary | {"frames": len(evaluation.frames)} | about)
    table = markdown_table(summary)
    path.with_suffix(".md").write_text(table)
    path.with_suffix(".tex").write_text(latex_table(summary))
    figure(exhibits, path.with_suffix(".png"))
    return table


def _depth(predict: Predict, sample: Sample, evaluation: Evaluation) -> Depth:
    """Predict; what the model leaves unknown counts as the nearest depth there is."""
    return np.nan_to_num(predict(evaluation.protocol.picture(sample.image)), nan=0.0)
