# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of the metric scale that a sensor, the camera height or odometry gives to depth.

    .venv/bin/python benchmarks/metric_scale.py                            # the bundled recording
    .venv/bin/python benchmarks/metric_scale.py --camera-height 1.65 \
        --bag BAG --ground-truth DIR
    .venv/bin/python benchmarks/metric_scale.py --world room               # five rendered scenes
    .venv/bin/python benchmarks/metric_scale.py --world street --exact

Every tenth pixel with known depth represents the sensor of `sparse_depth`. All figures are of the
other pixels, median / 90th percentile of the images. The best scale of an image is the median of
its ground truth divided by that of the network, and errors are relative to it. "After the filter"
is the scale that the node uses at an image, filtered over earlier images of a clip. "AbsRel at
best" is the AbsRel of images with their best scale, as in papers. "After 20 images" is the scale in
use at the 20th image of each clip, or at its last one, relative to the median of the best scales.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import recordings
import tyro
from tqdm import tqdm

from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.protocols import evaluate_depth, find_protocol
from jasmine_core.evaluate.report import write_json
from jasmine_core.evaluate.run import Sample
from jasmine_core.files import expect_writable
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.ground import up_of
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array, inverse
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import LEAST_CONFIDENCE, ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_measure import Measurement, from_depth, from_ground
from jasmine_core.runtime.scale_odometry import OdometryMeasurement
from jasmine_ros.node.parameters import DepthParameters

UNKNOWN = fixed_scale(None, None)
EXACT_UNIT = np.float32(20)  # Metres per unit of exact depth.
AFTER = 20  # Images of a clip.


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    bag: Path | None = None  # Bag, with ground_truth; by default the bundled recording.
    ground_truth: str | None = None  # Folder of depth images named by timestamp, or a topic.
    world: Literal["street", "room"] | None = None  # Rendered scenes in place of a bag.
    scenes: int = 5  # Number of rendered scenes.
    frames: int = 24  # Number of images of a rendered scene, at 10 Hz.
    exact: bool = False  # Whether exact depth in units of 20 m replaces that of the network.
    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    backend: str = "auto"  # Backend of the network.
    camera_height: float | None = None  # Height [m]; without it that mode is not tested.
    camera_pitch: float = 0.0  # Pitch of the camera [rad], positive if it looks down.
    every: int = 10  # Of so many known pixels, one represents the sensor.
    time_constant: float = DepthParameters().scale_time_constant  # Time constant [s].
    protocol: str | None = None  # Evaluation protocol, which selects the pixels; by default eigen
    # for a bag, and plain for rendered scenes.
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


def best_scale(depth: Depth, ground_truth: Depth, protocol: str) -> float:
    """Return the scale of depth [H,W] in model units that is best by ground truth [H,W] m."""
    valid = find_protocol(protocol).valid(ground_truth) & (depth > 0)
    return float(np.median(ground_truth[valid] / depth[valid]))


def score(depth: Depth, ground_truth: Depth, metres_per_unit: float, protocol: str) -> Score:
    """Compare a scale of depth [H,W] in model units with the best scale by ground truth [m]."""
    best = best_scale(depth, ground_truth, protocol)
    known = np.nan_to_num(depth, nan=0.0)
    metres = known * np.float32(metres_per_unit)
    return Score(
        metres_per_unit / best - 1,
        evaluate_depth(metres, ground_truth, protocol, "none").abs_rel,
        evaluate_depth(known, ground_truth, protocol, "median").abs_rel,
    )


def summary(scores: list[Score], images: int) -> dict[str, Any]:
    """Return the figures of a row of the table; an image without a scale has no score."""
    row: dict[str, Any] = {"images": images, "without a scale": images - len(scores)}
    if scores:
        error, found, best = np.array(scores).T
        row["bias"] = float(np.median(error))
        for name, values in (("error", np.abs(error)), ("abs_rel", found), ("at_best", best)):
            row[f"{name}_p50"], row[f"{name}_p90"] = (
                float(q) for q in np.quantile(values, (0.5, 0.9))
            )
    return row


class Way(Protocol):
    """Mode of the scale in one clip."""

    def due(self, stamp: int) -> bool:
        """Return whether an image with this timestamp [ns] is compared."""

    def __call__(self, sample: Sample, depth: Depth, seen: Depth) -> Measurement | None:
        """Measure the scale of the depth [H,W] of the network, with that of the sensor [H,W]."""


class SparseDepth:
    """Scale by every tenth pixel."""

    def due(self, stamp: int) -> bool:
        """Return True."""
        return True

    def __call__(self, sample: Sample, depth: Depth, seen: Depth) -> Measurement | None:
        """Compare the depths."""
        return from_depth(depth, seen)


class CameraHeight(SparseDepth):
    """Scale by the height of the camera."""

    def __init__(self, height: float, pitch: float) -> None:
        self._height, self._up = height, up_of(pitch)

    def __call__(self, sample: Sample, depth: Depth, seen: Depth) -> Measurement | None:
        """Search the ground."""
        return from_ground(depth, camera_of(sample), self._height, self._up)


class Odometry:
    """Scale by the motion of the camera."""

    def __init__(self) -> None:
        self._measure, self._poses = OdometryMeasurement(), dict[int, Array]()

    def due(self, stamp: int) -> bool:
        """Return whether the node would compare this image."""
        return self._measure.due(stamp)

    def __call__(self, sample: Sample, depth: Depth, seen: Depth) -> Measurement | None:
        """Triangulate points."""
        self._poses[sample.stamp] = pose_of(sample).T_world_camera
        camera = camera_of(sample)
        return self._measure(depth, sample.image, camera, sample.stamp, self._motion)

    def _motion(self, target: int, source: int) -> Array:
        return inverse(self._poses[target]) @ self._poses[source]


def pose_of(sample: Sample) -> ClipPose:
    """Return the camera of a sample; only those that have one are compared."""
    assert sample.pose is not None
    return sample.pose


def camera_of(sample: Sample) -> Camera:
    """Return the camera of a sample's image."""
    height, width = sample.ground_truth.shape
    return Camera(width, height, pose_of(sample).K)


def ways(options: Options) -> dict[str, Way]:
    """Return the modes of the scale that can be measured with these options, for a new clip."""
    found: dict[str, Way] = {"sparse_depth": SparseDepth(), "odometry": Odometry()}
    if options.camera_height is not None:
        found["camera_height"] = CameraHeight(options.camera_height, options.camera_pitch)
    return found


@dataclass
class Clip:
    """Filters of the modes in one clip, and the best scales of its images."""

    ways: dict[str, Way]
    best: list[float] = field(default_factory=list)
    after: dict[str, float] = field(default_factory=dict)  # scale in use after AFTER images

    def __post_init__(self) -> None:
        self.filters = {way: ScaleFilter(way) for way in self.ways}


def measure(options: Options) -> dict[str, dict[str, Any]]:
    """Run the network over the images; return a row of figures for each mode and filter setting."""
    if options.world:
        recording = recordings.rendered(options.world, options.scenes, options.frames)
    else:
        recording = recordings.recorded(options.bag, options.ground_truth)
    protocol = options.protocol or recording.protocol
    predictor = None
    if not options.exact:
        predictor = DepthPredictor.from_pretrained(options.checkpoint, backend=options.backend)
    names = [
        f"{way}, {kind}" for way in ways(options) for kind in ("each image", "after the filter")
    ]
    scores: dict[str, list[Score]] = {name: [] for name in names}
    images = dict.fromkeys(names, 0)
    clips: dict[int, Clip] = {}
    for sample in tqdm(recording.read(), total=recording.count, unit="image"):
        if sample.pose is None:
            continue
        if predictor is None:
            known = np.where(sample.ground_truth > 0, sample.ground_truth, np.float32(np.nan))
            depth = known / EXACT_UNIT
        else:
            depth = predictor(sample.image, sample.focal).depth
        seen, rest = split(sample.ground_truth, options.every)
        if sample.pose.clip not in clips:
            clips[sample.pose.clip] = Clip(ways(options))
        clip = clips[sample.pose.clip]
        clip.best.append(best_scale(depth, rest, protocol))
        for way, compare in clip.ways.items():
            each, filtered = f"{way}, each image", f"{way}, after the filter"
            scale_filter = clip.filters[way]
            if compare.due(sample.stamp):
                images[each] += 1
                measured = compare(sample, depth, seen)
                scale_filter.add(sample.stamp, measured, options.time_constant)
                if measured is not None and measured.confidence >= LEAST_CONFIDENCE:
                    scores[each].append(score(depth, rest, measured.metres_per_unit, protocol))
            images[filtered] += 1
            if (scale := scale_filter.at(sample.stamp, UNKNOWN)).state != UNKNOWN.state:
                scores[filtered].append(score(depth, rest, scale.metres_per_unit, protocol))
                if len(clip.best) <= AFTER:
                    clip.after[way] = scale.metres_per_unit
    rows = {name: summary(some, images[name]) for name, some in scores.items()}
    for name, row in rows.items():
        way, kind = name.split(", ")
        if kind == "after the filter":
            pairs = [(clip.after.get(way), clip.best) for clip in clips.values()]
            row["after_20"] = [s and float(s / np.median(best) - 1) for s, best in pairs]
    return rows


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| scale by | images | without a scale | bias | error | AbsRel | AbsRel at best "
        "| after 20 images |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        figures = "| | | "
        if "bias" in row:
            pairs = (
                f"{row[f'{key}_p50']:{form}} / {row[f'{key}_p90']:{form}}"
                for key, form in (("error", ".1%"), ("abs_rel", ".3f"), ("at_best", ".3f"))
            )
            figures = f"{row['bias']:+.1%} | {' | '.join(pairs)}"
        after = ", ".join("-" if x is None else f"{x:+.1%}" for x in row.get("after_20", ()))
        cells = f"{row['images']} | {row['without a scale']} | {figures} | {after}"
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    """Print the table."""
    if options.json:
        expect_writable(options.json, "--json")
    rows = measure(options)
    if options.json:
        write_json(options.json, rows | {"checkpoint": options.checkpoint})
    print(table(rows))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
