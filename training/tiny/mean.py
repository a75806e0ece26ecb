# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mean of the weights of several checkpoints of one training.

    python training/tiny/mean.py OUT RUN/final RUN/final...

Checkpoints of one chain of trainings lie close to each other. The mean of their weights is often
better on recordings that no training has seen than each of them ("model soup", Wortsman et al.,
ICML 2022). A checkpoint that is named twice counts twice.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def mean_of(files: list[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of all floating-point weights; other tensors are those of the first file.

    Raises:
        SystemExit: The files have weights of different names or shapes.
    """
    loaded = [load_file(file) for file in files]
    shapes = [{name: weight.shape for name, weight in weights.items()} for weights in loaded]
    for file, found in zip(files, shapes, strict=True):
        if found != shapes[0]:
            raise SystemExit(
                f"{file} has other weights than {files[0]}; give checkpoints of one kind"
            )
    means = {}
    for name, weight in loaded[0].items():
        if weight.is_floating_point():
            stacked = torch.stack([weights[name].float() for weights in loaded])
            weight = stacked.mean(0).to(weight.dtype)
        means[name] = weight.contiguous()
    return means


def main(output: Path, checkpoints: list[Path]) -> None:
    """Write the mean of the checkpoints to `output`, with the configuration of the first."""
    if output.exists():
        raise SystemExit(f"{output} exists already; choose another folder")
    part = output.with_name(f".{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(checkpoints[0], part)
    for file in sorted(part.rglob("*.safetensors")):
        save_file(mean_of([c / file.relative_to(part) for c in checkpoints]), file)
    part.rename(output)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit("usage: mean.py OUT CHECKPOINT CHECKPOINT...")
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
