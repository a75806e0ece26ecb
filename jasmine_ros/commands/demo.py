# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine demo`: the node on the bundled drive, and how far its depth is from the ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.protocols import read_depth_image
from jasmine_core.evaluate.report import markdown_table, write_json
from jasmine_core.evaluate.run import Depth
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.evaluate import mean_map_of
from jasmine_ros.msgs.images import decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH


def sample_drive() -> tuple[Path, Path]:
    """Return the bundled drive: its bag, and the folder of its exact depth."""
    folder = Path(str(resources.files("jasmine_core") / "samples" / "street"))
    return folder / "drive", folder / "ground_truth"


def score_depth_bag(bag: Path, ground_truth: Path, checkpoint: str, file: Path) -> str:
    """Compare a bag of depth with ground truth ; write JSON, return a Markdown table."""
    evaluation = Evaluation(mean_map_of(Checkpoint.resolve(checkpoint), "street")[0], "plain")
    for stamp, depth in _depths(bag):
        image = ground_truth / f"{stamp}.png"
        if image.is_file():
            known = np.nan_to_num(depth, nan=0)
            evaluation.add(stamp, known, read_depth_image(image))
    summary = evaluation.summary()
    write_json(file, summary | {"frames": len(evaluation.frames)})
    return markdown_table(summary)


def _depths(path: Path) -> Iterator[tuple[int, Depth]]:
    with Bag(path) as bag:
        for message in bag.messages([f"/{DEPTH}"]):
            image = bag.decode(message)
            yield stamp_ns(image.header.stamp), decode_depth(image)
