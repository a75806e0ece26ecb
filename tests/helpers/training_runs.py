# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sequence folders for training tests, and access to the files of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from jasmine_core.dataset.sequence import (
    VERSION,
    FrameRecord,
    Index,
    SampleRecord,
    image_name,
    write_index,
)
from jasmine_core.geometry.rigid import inverse, to_numbers
from jasmine_core.model.resnet import EncoderConfig
from jasmine_core.synthetic.drive import Drive

WIDTH, HEIGHT = 128, 64
SMALLEST = EncoderConfig((8, 8, 16, 16, 16), (1, 1, 1, 1), norm="group")


def write_sequence(drive: Drive, folder: Path, frames: int | None = None) -> Path:
    """Write a rendered sequence as `jasmine prepare` does; neighbours of an image are adjacent."""
    stamps = [10**18 + s for s in drive.stamps[:frames]]
    (folder / "images").mkdir(parents=True)
    records = []
    for index, stamp in enumerate(stamps):
        rgb = (255 * drive.images[index].permute(1, 2, 0).numpy()).round().astype(np.uint8)
        cv2.imwrite(str(folder / image_name(stamp, "png")), rgb[..., ::-1])
        records.append(FrameRecord(stamp, 0, image_name(stamp, "png")))
    poses = drive.T_world_camera.double().numpy()
    samples = [
        SampleRecord(
            i,
            (i - 1, i + 1),
            (0.05, 0.05),
            (0.05, 0.05),
            tuple(to_numbers(inverse(poses[i]) @ poses[s]) for s in (i - 1, i + 1)),
        )
        for i in range(1, len(stamps) - 1)
    ]
    index = Index(VERSION, {}, {}, WIDTH, HEIGHT, drive.K.double().tolist(), True, records, samples)
    write_index(index, folder)
    return folder


def weights(folder: Path) -> dict[str, Tensor]:
    """Return all tensors below a checkpoint or state."""
    files = sorted(folder.rglob("*.safetensors"))
    return {f"{f.relative_to(folder)}:{k}": v for f in files for k, v in load_file(f).items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Return whether two sets of tensors are equal bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's journal."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
