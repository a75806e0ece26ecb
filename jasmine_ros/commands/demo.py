# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine demo`: the depth node on the bundled drive, with its error against ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from jasmine_core.commands.options import option
from jasmine_core.outputs import record
from jasmine_core.report.blocks import Section
from jasmine_core.synthetic.config import expect_seed
from jasmine_ros.bags.find import DEPTH_BAG
from jasmine_ros.bags.ground_truth import BagSamples
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.run import ACCURACY, run
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.msgs.images import decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import DEPTH

if TYPE_CHECKING:
    from jasmine_core.evaluate.evaluation import Evaluation
    from jasmine_core.evaluate.figure import Exhibit
    from jasmine_core.evaluate.run import Depth

WORST = 4  # images that are shown in the report beside the best and the median one


@dataclass(frozen=True)
class DemoRequest:
    """Run the depth node over the bundled recording, or render a new one with --write-bag."""

    #: Folder of the results; earlier results are replaced.
    output: Annotated[Path, option("OUT", "-o")] = Path("demo")
    #: Folder for a newly rendered recording, as DIR/drive (a bag) and DIR/ground_truth (exact
    #: depth); the node does not run.
    write_bag: Annotated[Path | None, option("DIR")] = None
    #: World of the new recording.
    kind: Literal["street", "room"] = "street"
    #: Seed of the new recording.
    seed: int = 0
    #: Number of images of the new recording, at 10 Hz.
    frames: Annotated[int, option("N")] = 40

    def __post_init__(self) -> None:
        expect_seed(self.seed, "--seed")


def demo(request: DemoRequest) -> int:
    """Run the node and print its errors, or render a drive."""
    if request.write_bag:
        _write_drive(request, request.write_bag)
        return 0
    bag, ground_truth = sample_drive()
    parameters = DepthParameters(
        publish_points=True, publish_colorized=True, publish_confidence=True
    )
    output = request.output
    tables: list[str] = []

    def score() -> list[Section]:
        table, sections = score_depth_bag(output, bag, ground_truth, parameters.checkpoint)
        record(output, ACCURACY)
        tables.append(table)
        return sections

    return run(
        RunRequest((bag,), output, copy=True, overwrite=True, parameters=parameters),
        score,
        lambda: "".join(tables),
    )


def sample_drive() -> tuple[Path, Path]:
    """Return the bag of the bundled drive, and the folder of its exact depth."""
    folder = Path(str(resources.files("jasmine_core") / "samples" / "street"))
    return folder / "drive", folder / "ground_truth"


def score_depth_bag(
    output: Path, drive: Path, ground_truth: Path, checkpoint: str
) -> tuple[str, list[Section]]:
    """Compare the depth in a result with ground truth, and write `accuracy.json`.

    Returns:
        A Markdown table, and the sections of the report.
    """
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.evaluate.evaluation import Evaluation
    from jasmine_core.evaluate.page import score_sections
    from jasmine_core.evaluate.protocols import read_depth_image
    from jasmine_core.evaluate.report import markdown_table, write_json
    from jasmine_ros.commands.evaluation import mean_map_of

    mean_map, _ = mean_map_of(Checkpoint.resolve(checkpoint), "street")
    evaluation = Evaluation(mean_map, "plain")
    for stamp, depth in _depths(output / DEPTH_BAG):
        image = ground_truth / f"{stamp}.png"
        if image.is_file():
            evaluation.add(stamp, depth, read_depth_image(image))
    scores = evaluation.summary()
    write_json(output / ACCURACY, scores | {"frames": len(evaluation.frames)})
    exhibits = _exhibits(output / DEPTH_BAG, BagSamples(drive, str(ground_truth)), evaluation)
    return markdown_table(scores), score_sections(evaluation, exhibits)


def _exhibits(bag: Path, samples: BagSamples, evaluation: Evaluation) -> list[Exhibit]:
    """Return the best, the median and the worst images of a result."""
    from jasmine_core.evaluate.run import choose, show_frames, worst

    frames = [*worst(evaluation, WORST), *choose(evaluation, 0)]
    wanted = {frame.stamp: (name, frame) for name, frame in frames}
    depths = {stamp: depth for stamp, depth in _depths(bag) if stamp in wanted}
    found: dict[str, Exhibit] = {}
    for sample in samples():
        if sample.stamp in depths:
            known = partial(_same, depths[sample.stamp])
            found |= show_frames(known, [sample], evaluation, {sample.stamp: wanted[sample.stamp]})
    names = dict.fromkeys(name for name, _ in [*choose(evaluation, 0), *frames])
    return [found[name] for name in names if name in found]


def _same(depth: Depth, image: NDArray[np.uint8], focal: float | None) -> Depth:
    """Return a depth map that is known already, as the prediction for its image."""
    return depth


def _depths(path: Path) -> Iterator[tuple[int, Depth]]:
    """Yield the timestamps [ns] and depths of a result; unknown depth is 0."""
    with Bag(path) as bag:
        for message in bag.messages([f"/{DEPTH}"]):
            image = bag.decode(message)
            yield stamp_ns(image.header.stamp), np.nan_to_num(decode_depth(image), nan=0)


def _write_drive(request: DemoRequest, folder: Path) -> None:
    from jasmine_core.synthetic.drive import WorldConfig
    from jasmine_ros.bags.synthetic import write_world_bag

    height = 192 if request.kind == "street" else 480
    world = WorldConfig(kind=request.kind, width=640, height=height, frames=request.frames)
    write_world_bag(request.seed, world, folder / "drive", folder / "ground_truth")
    print(f"to run the node on it: jasmine run {folder / 'drive'} -o OUT")
