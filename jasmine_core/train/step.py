# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One step of training, and what else all processes do together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from safetensors.torch import save_file
from torch import Tensor, nn

from jasmine_core.errors import JasmineError
from jasmine_core.loss.known_motion import best_scale, votes
from jasmine_core.loss.objective import Loss
from jasmine_core.loss.velocity import measured_scale
from jasmine_core.train.feed import Batch, Feed
from jasmine_core.train.jasmine_learner import JasmineLearner
from jasmine_core.train.learner import DisparityLearner, freeze
from jasmine_core.train.recipe import Recipe
from jasmine_core.train.state import saving

VALIDATION_BATCHES = 8
SCALE_BATCHES = 8  # that a scale is measured on


@dataclass
class Meter:
    """Measure where the time of the last steps went."""

    images: int = 0
    waited: float = 0.0  # [s] for data
    began: float = 0.0

    def reset(self) -> None:
        """Begin anew."""
        self.images, self.waited, self.began = 0, 0.0, perf_counter()

    def figures(self) -> dict[str, float]:
        """Return images per second, and the share of the time spent waiting for data."""
        passed = max(perf_counter() - self.began, 1e-9)
        return {"images_per_second": self.images / passed, "data_wait": self.waited / passed}


@dataclass
class Run:
    """What stays the same from step to step."""

    recipe: Recipe
    accelerator: Accelerator
    learner: DisparityLearner | JasmineLearner
    module: nn.Module  # the learner as its processes share it
    optimiser: torch.optim.Optimizer
    output: Path

    def __post_init__(self) -> None:
        self.meter = Meter()
        self.generator = torch.Generator(self.accelerator.device)

    def step(self, step: int, batches: Iterator[Batch]) -> tuple[Loss, Batch]:
        """Take one step of the optimiser; return the last batch and its loss."""
        recipe, accelerator = self.recipe, self.accelerator
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * recipe.optimiser.rate(step, recipe.steps)
        # Ties of the auto-mask are broken alike in a resumed run, and differently on each process.
        self.generator.manual_seed(recipe.seed + 1_000_003 * step + accelerator.process_index)
        for _ in range(recipe.accumulate):
            asked = perf_counter()
            batch = next(batches).to(accelerator.device)
            self.meter.waited += perf_counter() - asked
            self.meter.images += len(batch.image) * accelerator.num_processes
            with accelerator.autocast():
                loss: Loss = self.module(batch, step / recipe.steps, self.generator)
            self._expect_finite(step, loss, batch)
            accelerator.backward(loss.total / recipe.accumulate)
        trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        accelerator.clip_grad_norm_(trained, recipe.optimiser.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss, batch

    @torch.no_grad()
    def validate(self, check: Feed, samples: int, done: int) -> float:
        """Return the photometric loss on held-out images, over all processes."""
        recipe, accelerator = self.recipe, self.accelerator
        freeze(self.learner, ())
        generator = torch.Generator(accelerator.device).manual_seed(recipe.seed)
        scores = []
        count = min(VALIDATION_BATCHES, -(-samples // recipe.batch_size))
        for batch in check.batches(0, count):
            with accelerator.autocast():
                loss: Loss = self.learner(
                    batch.to(accelerator.device), done / recipe.steps, generator
                )
            scores.append(loss.terms.get("photometric", loss.terms["total"]).float())
        return float(accelerator.reduce(torch.stack(scores).mean(), reduction="mean"))

    @torch.no_grad()
    def measure_scale(self, feed: Feed) -> None:
        """Set the learner's metres per unit to what odometry says of it as it is.

        Either of the lengths of its motions, or of its depth under odometry's motions.
        """
        freeze(self.learner, ())
        batches = (batch.to(self.accelerator.device) for batch in feed.batches(0, SCALE_BATCHES))
        if self.recipe.loss.motion == "odometry":
            scale = best_scale(self.accelerator.gather(self._votes(batches)).sum(0))
        else:
            scale = measured_scale(*self.accelerator.gather(self._lengths(batches)))
        if scale is not None:
            self.learner.metres_per_unit.fill_(scale)

    def _lengths(self, batches: Iterable[Batch]) -> tuple[Tensor, Tensor]:
        """Return motions [N,S,3] as the learner sees them, and odometry's lengths [N,S]."""
        pairs = [(torch.stack([T[:, :3, 3] for T in self.learner.poses(b)], 1), b) for b in batches]
        return torch.cat([t for t, _ in pairs]), torch.cat([b.odometry for _, b in pairs])

    def _votes(self, batches: Iterable[Batch]) -> Tensor:
        """Return the `votes` of all pixels of the batches [1,M]."""
        counts = [
            votes(b.image, b.sources.unbind(1), b.K, self.learner.depth(b.image), b.motion)
            for b in batches
        ]
        return torch.stack(counts).sum(0, keepdim=True)

    def _expect_finite(self, step: int, loss: Loss, batch: Batch) -> None:
        """Stop all processes if the loss of one is not finite; that one keeps its batch."""
        here = not math.isfinite(float(loss.total.detach()))
        if not any_process(self.accelerator, here):
            return
        if not here:
            raise JasmineError(f"the loss of another process is not finite at step {step}")
        file = self.output / f"bad_batch_{step}_{self.accelerator.process_index}.safetensors"
        with saving(file):
            save_file({k: v.cpu().contiguous() for k, v in vars(batch).items()}, file)
        terms = ", ".join(f"{k} {float(v):.4g}" for k, v in loss.terms.items())
        raise JasmineError(
            f"the loss is not finite at step {step} ({terms}); its batch is in {file}; lower the "
            "learning rate, or look at the images"
        )


def any_process(accelerator: Accelerator, flag: bool) -> bool:
    """Return whether some process says so; every process must ask at the same time."""
    if accelerator.num_processes == 1:
        return flag
    raised = torch.tensor(float(flag), device=accelerator.device)
    return bool(accelerator.reduce(raised, reduction="sum") > 0)


def mean_terms(accelerator: Accelerator, loss: Loss) -> dict[str, float]:
    """Return every term's mean over the processes; one that a process lacks counts as 0 there."""
    everyone = gather_object([{name: float(value) for name, value in loss.terms.items()}])
    names = dict.fromkeys(name for terms in everyone for name in terms)
    return {name: sum(t.get(name, 0.0) for t in everyone) / len(everyone) for name in names}
