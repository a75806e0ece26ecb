# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Consistency and accuracy of depth over time: raw, and with the filter's modes scale and fuse.

    .venv/bin/python benchmarks/over_time.py                            # rendered streets and rooms
    .venv/bin/python benchmarks/over_time.py --baseline DISPARITY_NET
    .venv/bin/python benchmarks/over_time.py --bag BAG --ground-truth DIR
    .venv/bin/python benchmarks/over_time.py --motion pose-net          # without odometry

The columns are those of `jasmine evaluate`. The filter gets the camera poses, unless --motion says
otherwise, and depth in metres if the network has a scale. Times are processor time of one thread,
median over the images: the network for the row off, the filter for the others. The mean-depth map
is the steadiest predictor, as it ignores the image; the row ground truth shows what is not an error
of the depth, and blurred ground truth what perfect depth has whose edges are as soft as those of a
network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any, Literal

import cv2
import numpy as np
import recordings
import tyro
from tqdm import tqdm

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import FrameError
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.report import write_json
from jasmine_core.evaluate.run import Sample
from jasmine_core.evaluate.steady import SteadyClips
from jasmine_core.files import expect_writable
from jasmine_core.geometry.points import Depth
from jasmine_core.runtime.pose_motion import pose_motion_of
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.stabiliser import MODES
from jasmine_ros.commands.evaluation import mean_map_of

COLUMNS = (
    ("tae", "TAE %", ".2f"),
    ("tae_static", "static TAE %", ".2f"),
    ("opw", "OPW %", ".2f"),
    ("scale_spread", "scale spread", ".3f"),
    ("abs_rel", "AbsRel", ".3f"),
    ("a1", "δ<1.25", ".3f"),
    ("ms", "ms", ".1f"),
)
BLUR = 1.0 / 320  # Standard deviation of blurred ground truth, as a share of the image's width.
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    baseline: str | None = None  # Second checkpoint, such as a disparity net.
    backend: str = "auto"  # Backend of the first checkpoint.
    bag: Path | None = None  # Bag, with ground_truth; by default rendered scenes.
    ground_truth: str | None = None  # Folder of depth images named by timestamp, or a topic.
    protocol: str | None = None  # Evaluation protocol; by default eigen for a bag, else plain.
    scenes: int = 5  # Number of rendered scenes of each kind.
    frames: int = 24  # Number of images of a rendered scene, at 10 Hz.
    most: int = 0  # Largest number of images of a bag; 0 takes all of them.
    # Motion that the filter gets: that of the camera poses, of the checkpoint's pose net, or none.
    motion: Literal["known", "pose-net", "none"] = "known"
    json: Path | None = None  # JSON file of the results.


class Network:
    """Network with an evaluation for each mode of the filter."""

    def __init__(self, name: str, backend: str, mean_map: Any, protocol: str, motion: str) -> None:
        self.predict = DepthPredictor.from_pretrained(name, backend=backend)
        self.evaluations = {mode: Evaluation(mean_map, protocol) for mode in MODES}
        scale = self.predict.scale
        self.metres_per_unit = np.float32(scale.metres_per_unit)
        known, estimated = scale.state != "up-to-scale", scale.state == "estimated"
        pose_net = pose_motion_of(name) if motion == "pose-net" else None
        if motion == "pose-net" and pose_net is None:
            raise SystemExit(f"--motion is pose-net; {name} has no pose net that can be used")
        # The poses are in metres, and the motion of a pose net is in the unit of the network.
        self.given = np.float32(1) if pose_net else self.metres_per_unit
        metric = known and not pose_net
        given = {"known_motion": motion == "known", "pose_net": pose_net}
        self.filters = {mode: SteadyClips(mode, metric, estimated, **given) for mode in MODES[1:]}
        self.seconds: dict[str, list[float]] = {mode: [] for mode in MODES}

    def add(self, sample: Sample) -> None:
        """Predict the depth of an image, and score it raw and filtered."""
        rules, pose = self.evaluations["off"].protocol, sample.pose
        shown = rules.image(sample.image)
        height, width = sample.ground_truth.shape
        own = pose and pose.within(rules.window((width, height)))
        began = thread_time()
        depth = self.predict(shown, sample.focal).depth * self.given
        self.seconds["off"].append(thread_time() - began)
        for mode, evaluation in self.evaluations.items():
            found = depth
            if mode != "off":
                began = thread_time()
                found = self.filters[mode](depth, shown, sample.stamp, own)
                self.seconds[mode].append(thread_time() - began)
            known = np.nan_to_num(found * (self.metres_per_unit / self.given), nan=0.0)
            evaluation.add(sample.stamp, known, sample.ground_truth, pose=pose)

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the scores of each mode."""
        for mode, evaluation in self.evaluations.items():
            yield mode, evaluation.summary()["model"] | {"ms": 1000 * median(self.seconds[mode])}


def blurred(depth: Depth) -> Depth:
    """Return depth [H,W] whose inverse is blurred; 0 is unknown."""
    inverse = np.divide(1, depth, out=np.zeros_like(depth), where=depth > 0)
    sums, weights = (
        cv2.GaussianBlur(part.astype(np.float32), (0, 0), BLUR * depth.shape[1])
        for part in (inverse, depth > 0)
    )
    return np.divide(weights, sums, out=np.zeros_like(depth), where=(depth > 0) & (sums > 0))


def measure(recording: recordings.Recording, options: Options) -> Rows:
    """Return the rows of one recording."""
    checkpoint = Checkpoint.resolve(options.checkpoint)
    mean_map, _ = mean_map_of(checkpoint, recording.kind)
    protocol = options.protocol or recording.protocol
    named = {"": (options.checkpoint, options.backend)}
    if options.baseline:
        named["baseline "] = (options.baseline, "torch")
    soft = Evaluation(mean_map, protocol)
    networks = {
        name: Network(*who, mean_map, protocol, options.motion) for name, who in named.items()
    }
    for index, sample in enumerate(tqdm(recording.read(), total=recording.count, unit="image")):
        if options.most and index >= options.most:
            break
        exact = sample.ground_truth.astype(np.float32)
        try:  # Without ground truth in the range of the protocol there is a FrameError.
            soft.add(sample.stamp, blurred(exact), sample.ground_truth, pose=sample.pose)
            for network in networks.values():
                network.add(sample)
        except FrameError:
            continue
    rows: Rows = {}
    for name, network in networks.items():
        rows |= {f"{name}{mode}": row for mode, row in network.rows()}
    first = networks[""].evaluations["off"]
    rows["mean-depth map"] = first.summary()["trivial_mean_map"]
    rows["blurred ground truth"] = soft.summary()["model"]
    rows["ground truth"] = first.clips.summary().get("ground_truth", {})
    return rows


def table(results: dict[str, Rows]) -> str:
    """Return the rows of all recordings as Markdown."""
    lines = [
        f"| | | {' | '.join(heading for _, heading, _ in COLUMNS)} |",
        f"|---|---|{'---|' * len(COLUMNS)}",
    ]
    for recording, rows in results.items():
        for name, row in rows.items():
            values = ((row.get(key), form) for key, _, form in COLUMNS)
            cells = ["" if value is None else f"{value:{form}}" for value, form in values]
            lines.append(f"| {recording} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    """Print the table."""
    if options.json:
        expect_writable(options.json, "--json")
    cv2.setNumThreads(1)
    if options.bag:
        data = [recordings.recorded(options.bag, options.ground_truth)]
    else:
        kinds = ("street", "room")
        data = [recordings.rendered(kind, options.scenes, options.frames) for kind in kinds]
    results = {recording.name: measure(recording, options) for recording in data}
    if options.json:
        write_json(options.json, results | {"checkpoint": options.checkpoint})
    print(table(results))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
