# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Journal of a training: a JSON line per logged step, TensorBoard events, progress images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from jasmine_core.files import atomic_file
from jasmine_core.image_files import write_png
from jasmine_core.runtime.colorize import colorize
from jasmine_core.train.curves import draw_curves

RgbImage = NDArray[np.uint8]


@dataclass
class Throughput:
    """Images per second and the share of waiting since the last reset."""

    images: int = 0
    waited: float = 0.0  # [s] for data
    began: float = 0.0

    def reset(self) -> None:
        """Start a new interval."""
        self.images, self.waited, self.began = 0, 0.0, perf_counter()

    def add(self, images: int, waited: float) -> None:
        """Count a batch of all processes, and the seconds that this process waited for it."""
        self.images += images
        self.waited += waited

    def figures(self) -> dict[str, float]:
        """Return images per second, and the share of the time spent waiting for data."""
        passed = max(perf_counter() - self.began, 1e-9)
        return {"images_per_second": self.images / passed, "data_wait": self.waited / passed}


class Journal:
    """Writer of `log.jsonl`, `curves.png`, `images/`, and TensorBoard events if installed."""

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        self._forget_after(first_step)
        self._file = (path / "log.jsonl").open("a", buffering=1)
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._board = SummaryWriter(path / "tensorboard", purge_step=first_step)

    def close(self) -> None:
        """Flush the files, and draw the curves of all numbers as `curves.png`."""
        self._file.close()
        draw_curves(self.path / "log.jsonl", self.path / "curves.png")
        if self._board:
            self._board.close()

    def numbers(self, step: int, values: dict[str, float]) -> None:
        """Log numbers after `step` steps."""
        rounded = {name: float(f"{value:.6g}") for name, value in values.items()}
        self._file.write(json.dumps({"step": step} | rounded) + "\n")
        if self._board:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def image(self, step: int, rows: list[RgbImage]) -> None:
        """Save an image of rows, one below the other."""
        width = min(row.shape[1] for row in rows)
        sheet = np.concatenate([row[:, :width] for row in rows])
        bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
        write_png(self.path / "images" / f"{step:07d}.png", bgr)
        if self._board:
            self._board.add_image("progress", sheet, step, dataformats="HWC")

    def _forget_after(self, step: int) -> None:
        """Drop the lines of steps that a killed run did not save; they are repeated."""
        file = self.path / "log.jsonl"
        if not file.is_file():
            return
        kept = []
        for line in file.read_text().splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line)
            except (ValueError, KeyError):
                continue  # The kill cut this line short.
        with atomic_file(file) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))


def rgb(image: Tensor) -> RgbImage:
    """Return an image [3,H,W] or [1,H,W] in [0,1] as uint8 RGB [H,W,3]."""
    planes = image.detach().float().clamp(0, 1).expand(3, -1, -1)
    return np.asarray((255 * planes).permute(1, 2, 0).cpu().to(torch.uint8).numpy(), np.uint8)


def depth_image(depth: Tensor) -> RgbImage:
    """Return a depth map [1,H,W] in false colours, uint8 RGB [H,W,3]."""
    return colorize(depth.detach()[0].float().cpu().numpy())
