# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of the metric scale that a sensor or the camera height gives to the depth of a network.

    .venv/bin/python benchmarks/metric_scale.py                            # the bundled recording
    .venv/bin/python benchmarks/metric_scale.py --camera-height 1.65 \
        --bag BAG --ground-truth DIR

Every tenth pixel with known depth represents the sensor of `sparse_depth`. All figures are of the
other pixels, median / 90th percentile of the images. The best scale of an image is the median of
its ground truth divided by that of the network, and errors are relative to it. "After the filter"
is the scale that the node uses at an image, filtered over earlier images. "AbsRel at best" is the
AbsRel of images with their best scale, as in papers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro
from tqdm import tqdm

from jasmine_core.evaluate.protocols import evaluate_depth, find_protocol
from jasmine_core.evaluate.report import write_json
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.ground import up_of
from jasmine_core.geometry.points import Depth
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import LEAST_CONFIDENCE, ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_measure import Measurement, from_depth, from_ground
from jasmine_ros.bags.ground_truth import BagSamples
from jasmine_ros.commands.demo import sample_drive
from jasmine_ros.node.parameters import DepthParameters

UNKNOWN = fixed_scale(None, None)
Measure = Callable[[Depth, Depth], Measurement | None]  # Depth of network and sensor [H,W].


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    bag: Path | None = None  # Bag, with ground_truth; by default the bundled recording.
    ground_truth: str | None = None  # Folder of depth images named by timestamp, or a topic.
    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    backend: str = "auto"  # Backend of the network.
    camera_height: float | None = None  # Height [m]; without it that mode is not tested.
    camera_pitch: float = 0.0  # Pitch of the camera [rad], positive if it looks down.
    every: int = 10  # Of so many known pixels, one represents the sensor.
    time_constant: float = DepthParameters().scale_time_constant  # Time constant [s].
    protocol: str = "eigen"  # Evaluation protocol, which selects the pixels.
    json: Path | None = None  # JSON file of the results.


class Score(NamedTuple):
    """Accuracy of a scale for one image."""

    error: float  # Relative to the best scale.
    abs_rel: float  # AbsRel of the depth in metres with this scale.
    abs_rel_at_best: float  # AbsRel with the best scale, as in papers.


def split(ground_truth: Depth, every: int) -> tuple[Depth, Depth]:
    """Split ground truth [H,W] into that of a sensor, NaN elsewhere, and the rest, 0 elsewhere."""
    known = ground_truth > 0
    seen = known & (np.cumsum(known).reshape(ground_truth.shape) % every == 0)
    return np.where(seen, ground_truth, np.float32(np.nan)), np.where(
        seen, np.float32(0), ground_truth
    )


def score(depth: Depth, ground_truth: Depth, metres_per_unit: float, protocol: str) -> Score:
    """Compare a scale of depth [H,W] in model units with the best scale by ground truth [m]."""
    valid = find_protocol(protocol).valid(ground_truth) & (depth > 0)
    best = float(np.median(ground_truth[valid] / depth[valid]))
    known = np.nan_to_num(depth, nan=0.0)
    metres = known * np.float32(metres_per_unit)
    return Score(
        metres_per_unit / best - 1,
        evaluate_depth(metres, ground_truth, protocol, "none").abs_rel,
        evaluate_depth(known, ground_truth, protocol, "median").abs_rel,
    )


def summary(scores: list[Score], images: int) -> dict[str, float]:
    """Return the figures of a row of the table; an image without a scale has no score."""
    row: dict[str, float] = {"images": images, "without a scale": images - len(scores)}
    if scores:
        error, found, best = np.array(scores).T
        row["bias"] = float(np.median(error))
        for name, values in (("error", np.abs(error)), ("abs_rel", found), ("at_best", best)):
            row[f"{name}_p50"], row[f"{name}_p90"] = (
                float(q) for q in np.quantile(values, (0.5, 0.9))
            )
    return row


def ways(options: Options, camera: Camera) -> dict[str, Measure]:
    """Return the modes of the scale that can be measured with these options."""
    measures: dict[str, Measure] = {"sparse_depth": from_depth}
    if (height := options.camera_height) is not None:
        up = up_of(options.camera_pitch)
        measures["camera_height"] = lambda depth, seen: from_ground(depth, camera, height, up)
    return measures


def measure(options: Options) -> dict[str, dict[str, float]]:
    """Run the network over the bag; return a row of figures for each mode and filter setting."""
    bag, ground_truth = (options.bag, options.ground_truth) if options.bag else sample_drive()
    samples = BagSamples(Path(bag), str(ground_truth))
    predictor = DepthPredictor.from_pretrained(options.checkpoint, backend=options.backend)
    measures = ways(options, samples.camera)
    filters = {way: ScaleFilter(way) for way in measures}
    names = [f"{way}, {kind}" for way in measures for kind in ("each image", "after the filter")]
    scores: dict[str, list[Score]] = {name: [] for name in names}
    images = 0
    for sample in tqdm(samples(), total=samples.count, unit="image"):
        depth = predictor(sample.image, sample.focal).depth
        seen, rest = split(sample.ground_truth, options.every)
        images += 1
        for way, compare in measures.items():
            measured = compare(depth, seen)
            filters[way].add(sample.stamp, measured, options.time_constant)
            if measured is not None and measured.confidence >= LEAST_CONFIDENCE:
                found = score(depth, rest, measured.metres_per_unit, options.protocol)
                scores[f"{way}, each image"].append(found)
            if (scale := filters[way].at(sample.stamp, UNKNOWN)).state != UNKNOWN.state:
                found = score(depth, rest, scale.metres_per_unit, options.protocol)
                scores[f"{way}, after the filter"].append(found)
    return {name: summary(some, images) for name, some in scores.items()}


def table(rows: dict[str, dict[str, float]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| scale by | images | without a scale | bias | error | AbsRel | AbsRel at best |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        figures = "| | | "
        if "bias" in row:
            pairs = (
                f"{row[f'{key}_p50']:{form}} / {row[f'{key}_p90']:{form}}"
                for key, form in (("error", ".1%"), ("abs_rel", ".3f"), ("at_best", ".3f"))
            )
            figures = f"{row['bias']:+.1%} | {' | '.join(pairs)}"
        lines.append(f"| {name} | {row['images']} | {row['without a scale']} | {figures} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    """Print the table."""
    rows = measure(options)
    if options.json:
        write_json(options.json, rows | {"checkpoint": options.checkpoint})
    print(table(rows))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
