# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of a trained checkpoint to a bundled one: bundle.py RUN/final FOLDER."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.posenet import PoseNet

LARGEST = 15_000_000  # [bytes]


def main(source: Path, target: Path) -> None:
    """Write the checkpoint `source` and its pose net to `target`, and keep its model card."""
    model = JasmineModel.from_pretrained(source, torch.float16)
    model.config = replace(model.config, description=f"{target.name}, see its MODEL_CARD.md")
    card = target / "MODEL_CARD.md"
    text = card.read_text() if card.is_file() else None
    shutil.rmtree(target, ignore_errors=True)
    save_checkpoint(model, target)
    PoseNet.from_pretrained(source / "posenet").half().save_pretrained(target / "posenet")
    if text:
        card.write_text(text)
    size = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")
    if size > LARGEST:
        raise SystemExit(
            f"{target} is larger than {LARGEST / 1e6:.0f} MB, too large for the package; "
            "train a smaller network"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
