# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of a trained checkpoint to a bundled one, with its plain graphs.

    python training/tiny/bundle.py RUN/final POSENET SPREAD jasmine_core/checkpoints/jasmine-tiny
    python training/tiny/bundle.py --graph jasmine_core/checkpoints/jasmine-tiny  # the graphs alone

SPREAD is the relative error of the learned scale on recordings that no training has seen, as
`jasmine evaluate --alignment none` prints it. The node publishes it with the scale.

The graphs share their weights with the checkpoint. The live node runs them in OpenCV, with neither
torch nor ONNX Runtime.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import EXPORTS
from jasmine_core.export.checkpoint import export_checkpoint
from jasmine_core.export.shared import share_weights
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.posenet import PoseNet

LARGEST = 16_000_000  # [bytes] without the graphs
TALL = (192, 160)  # [px] of a second graph, for cameras of 4:3, which training/tiny trains as well


def main(source: Path, posenet: Path, spread: float, target: Path) -> None:
    """Write the checkpoint `source` and a pose net to `target`, and keep its model card."""
    model = JasmineModel.from_pretrained(source, torch.float16)
    model.config = replace(
        model.config, scale_spread=spread, description=f"{target.name}, see its MODEL_CARD.md"
    )
    card = target / "MODEL_CARD.md"
    text = card.read_text() if card.is_file() else None
    shutil.rmtree(target, ignore_errors=True)
    save_checkpoint(model, target)
    PoseNet.from_pretrained(posenet).half().save_pretrained(target / "posenet")
    if text:
        card.write_text(text)
    size = size_of(target)
    print(f"{target}: {size / 1e6:.1f} MB")
    if size > LARGEST:
        raise SystemExit(
            f"{target} is larger than {LARGEST / 1e6:.0f} MB, too large for the package; "
            "train a smaller network"
        )
    write_graphs(target)


def write_graphs(target: Path) -> None:
    """Write the plain graphs of a bundled checkpoint, which share its weights, into its folder."""
    shutil.rmtree(target / EXPORTS, ignore_errors=True)
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint.resolve(target)
        made = [
            export_checkpoint(checkpoint, Path(folder), size=size, plain=True)
            for size in (None, TALL)
        ]
        for export in made:
            place = target / EXPORTS / export.name
            share_weights(export, target, place)
            print(f"{place}: {size_of(place) / 1e6:.2f} MB")


def size_of(folder: Path) -> int:
    """Return the size of all files in a folder [bytes]."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    if sys.argv[1] == "--graph":
        write_graphs(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
