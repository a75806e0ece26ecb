# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time of a training step, compared with the plain form of the same step in one process.

    .venv/bin/python benchmarks/training_step.py                          # jasmine-tiny on a CPU
    .venv/bin/python benchmarks/training_step.py --width 192 --height 64
    .venv/bin/python benchmarks/training_step.py --preset random:sd2 --checkpointing --device cuda

The plain form runs depth and reconstruction in two passes and runs the frozen encoder each time.
This project runs both in one batch and caches the latents of the encoder. The benchmark checks that
the losses are equal. Steps alternate, so that other programs affect both forms equally. Only the
ratios can be transferred to other machines.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import tyro
from torch import Tensor

from jasmine_core.loss.objective import LossConfig
from jasmine_core.loss.reconstruction import reconstruction_loss
from jasmine_core.model.disparity_net import SMALL_DISPARITY_NET, DisparityNet
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.posenet import SMALL_POSENET, PoseNet, PoseNetConfig
from jasmine_core.train.feed import Batch
from jasmine_core.train.jasmine_learner import JasmineLearner
from jasmine_core.train.latents import LatentCache
from jasmine_core.train.learner import freeze
from jasmine_core.train.recipe import PARTS

WARM_UP = 2  # [steps], which fill the cache and the state of the optimiser


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    preset: str = "random:tiny"  # Preset of the network.
    width: int = 0  # Width [px]; 0 is that of the preset.
    height: int = 0  # Height [px]; 0 is that of the preset.
    batch_size: int = 4  # Images of each task.
    steps: int = 6  # Number of counted steps of each form.
    checkpointing: bool = False  # Use gradient checkpointing in the step of this project.
    device: str = "cpu"  # Device of the training.


def main(options: Options) -> None:
    """Run both forms in turn and print a table."""
    torch.manual_seed(0)
    device = torch.device(options.device)
    model = JasmineModel.from_pretrained(options.preset)
    size = options.width or model.config.width, options.height or model.config.height
    tiny = model.config.height < 320
    posenet = PoseNet(SMALL_POSENET if tiny else PoseNetConfig())
    teacher = DisparityNet(SMALL_DISPARITY_NET)
    learner = JasmineLearner(model, posenet, LossConfig(), teacher=teacher).to(device)
    optimiser = torch.optim.AdamW(freeze(learner, PARTS["jasmine"]), lr=0.0)
    batch = _batch(options.batch_size, size).to(device)
    cache = LatentCache()

    def product() -> Tensor:
        learner.rebuild, learner.cache = True, cache
        _checkpointing(model, options.checkpointing)
        total = _loss(learner, batch)
        total.backward()
        return total

    def plain() -> Tensor:
        learner.rebuild, learner.cache = False, None
        _checkpointing(model, False)
        depth = _loss(learner, batch)
        surrogate = reconstruction_loss(batch.auxiliary, model.reconstruct(batch.auxiliary))
        total = depth + surrogate
        total.backward()
        return total

    forms: dict[str, Callable[[], Tensor]] = {"plain": plain, "product": product}
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    peaks: dict[str, list[float]] = {name: [] for name in forms}
    losses: dict[str, float] = {}
    for _ in range(WARM_UP + options.steps):
        for name, form in forms.items():
            meter = _Memory(device)
            began = perf_counter()
            losses[name] = float(form().detach())
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(perf_counter() - began)
            peaks[name].append(meter.peak())
    if abs(losses["plain"] - losses["product"]) > 1e-3 * abs(losses["plain"]):
        raise SystemExit(f"the two forms differ: {losses}")

    parts = {"U-Net": model.unet, "VAE": model.vae, "SSG": model.ssg, "PoseNet": posenet}
    counts = {k: sum(p.numel() for p in v.parameters()) for k, v in parts.items()}
    print(", ".join(f"{name} {count:,}" for name, count in counts.items()), "parameters")
    print(f"{size[0]}x{size[1]} px, batch {options.batch_size} of each task, {device}")
    print("| step | seconds | images/s | peak beyond the weights [MB] |")
    print("|---|---|---|---|")
    medians = {name: float(np.median(s[WARM_UP:])) for name, s in seconds.items()}
    tops = {name: float(np.median(p[WARM_UP:])) for name, p in peaks.items()}
    for name, s in medians.items():
        print(f"| {name} | {s:.3f} | {options.batch_size / s:.2f} | {tops[name]:.0f} |")
    ratios = [a / b for a, b in zip(seconds["plain"], seconds["product"], strict=True)][WARM_UP:]
    print(
        f"plain / product: time {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"memory {tops['plain'] / tops['product']:.2f}"
    )


def _loss(learner: JasmineLearner, batch: Batch) -> Tensor:
    generator = torch.Generator(batch.image.device).manual_seed(0)
    return learner(batch, 0.0, generator).total


def _checkpointing(model: JasmineModel, wanted: bool) -> None:
    for part in (model.unet, model.vae):
        (part.enable_gradient_checkpointing if wanted else part.disable_gradient_checkpointing)()


def _batch(count: int, size: tuple[int, int]) -> Batch:
    """Return smooth noise that is shifted slightly between the images."""
    w, h = size
    coarse = torch.rand(count, 3, h // 8, w // 8)
    image = torch.nn.functional.interpolate(coarse, (h, w), mode="bicubic").clamp(0, 1)
    sources = torch.stack([image.roll(s, -1) for s in (-2, 2)], dim=1)
    K = torch.tensor([[0.58 * w, 0, w / 2], [0, 0.58 * w, h / 2], [0, 0, 1]])
    none = torch.zeros(count, 1, h, w, dtype=torch.bool)
    return Batch(
        image=image,
        sources=sources,
        K=K.expand(count, 3, 3).contiguous(),
        motion=torch.full((count, 2, 4, 4), torch.nan),
        auxiliary=image.flip(0),
        teacher=torch.zeros(count, 1, h, w),
        relative=torch.zeros(count, dtype=torch.bool),
        moving=none,
        sky=none,
        seen=~none,
        pose_image=image,
        pose_sources=sources,
        key=torch.stack([torch.arange(count), torch.arange(count).flip(0)], dim=1),
    )


class _Memory:
    """Measurement of the peak memory beyond the memory in use at the start."""

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated() / 1e6
        else:
            # On Linux, return free memory and reset the peak resident set.
            ctypes.CDLL("libc.so.6").malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")
            self.before = _resident("VmRSS")

    def peak(self) -> float:
        """Return the peak in megabytes."""
        now = torch.cuda.max_memory_allocated() / 1e6 if self.cuda else _resident("VmHWM")
        return now - self.before


def _resident(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1e3


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
