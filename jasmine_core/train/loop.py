# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The training loop, for one process or many.

    jasmine train training/tiny.yaml -o runs/tiny                              # one process
    accelerate launch --num_processes 8 -m jasmine_ros.cli train training/kitti.yaml -o runs/kitti
    jasmine train training/tiny.yaml -o runs/tiny --resume                     # after kill -9

Every step is a pure function of its number and the weights before it, so that a resumed run ends in
the same weights, to the bit on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

from jasmine_core.errors import JasmineError
from jasmine_core.geometry.camera import Size
from jasmine_core.loss.objective import Loss
from jasmine_core.train.feed import Batch, Feed, Pictures, training_samples, without_augmentation
from jasmine_core.train.journal import Journal, depth_picture, rgb
from jasmine_core.train.learner import DisparityLearner, JasmineLearner, freeze, make_learner
from jasmine_core.train.recipe import Recipe
from jasmine_core.train.state import RunFolder

VALIDATION_BATCHES = 8


@dataclass
class Meter:
    """Measure where the time of the last steps went."""

    pictures: int = 0
    waited: float = 0.0  # [s] for data
    began: float = 0.0

    def reset(self) -> None:
        """Begin anew."""
        self.pictures, self.waited, self.began = 0, 0.0, perf_counter()

    def figures(self) -> dict[str, float]:
        """Return pictures per second, and the share of the time spent waiting for data."""
        passed = max(perf_counter() - self.began, 1e-9)
        return {"images_per_second": self.pictures / passed, "data_wait": self.waited / passed}


def train(recipe: Recipe, output: Path, resume: bool = False) -> Path:
    """Train as a recipe says; return the folder of the finished checkpoint, OUTPUT/final.

    Ctrl-C and kill lose at most the steps since the last state; `resume` goes on from there.
    Raises JasmineError with the batch saved if the loss is not finite.
    """
    # 1. Processes, folder, data, networks.
    accelerator = Accelerator(
        mixed_precision=recipe.precision,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    folder = RunFolder(output, recipe, accelerator)
    folder.begin(resume)
    learner = make_learner(recipe)
    size = _picture_size(recipe, learner)
    training, validation = training_samples(recipe.data)
    rank, processes = accelerator.process_index, accelerator.num_processes
    workers = recipe.data.workers
    pictures = Pictures(training, recipe.data, size, recipe.seed)
    feed = Feed(pictures, recipe.batch_size, rank, processes, workers)
    plain = without_augmentation(recipe.data)
    unchanged = Pictures(validation, plain, size, recipe.seed, first_key=len(training))
    check = Feed(unchanged, recipe.batch_size, rank, processes)

    # 2. One optimiser for everything that some phase trains; frozen parameters have no gradient.
    everything = {name for phase in recipe.phases for name in phase.train}
    optimiser = torch.optim.AdamW(
        freeze(learner, everything),
        lr=recipe.optimiser.learning_rate,
        weight_decay=recipe.optimiser.weight_decay,
    )
    module, optimiser = accelerator.prepare(learner, optimiser)
    first, best = folder.load(module, optimiser)
    journal = Journal(output, first) if accelerator.is_main_process else None

    # 3. Steps.
    metric = False
    meter = Meter()
    generator = torch.Generator(accelerator.device)
    batches = feed.batches(first * recipe.accumulate, recipe.steps * recipe.accumulate)
    bar = tqdm(
        total=recipe.steps,
        initial=first,
        unit="step",
        desc=recipe.learner,
        disable=not accelerator.is_main_process,
    )
    phase = None
    meter.reset()
    for step in range(first, recipe.steps):
        if recipe.phase_at(step) is not phase:
            phase = recipe.phase_at(step)
            freeze(learner, phase.train)
        loss, batch = _step(
            recipe, accelerator, module, optimiser, batches, step, generator, meter, output
        )
        metric = metric or bool((batch.odometry > 0).any())
        done = step + 1
        bar.update()
        if journal and done % recipe.log_every == 0:
            rate = recipe.optimiser.rate(step, recipe.steps)
            terms = {name: float(value) for name, value in loss.terms.items()}
            journal.numbers(done, terms | {"learning_rate": rate} | meter.figures())
            bar.set_postfix({"loss": f"{terms['total']:.4f}"})
            meter.reset()
        if journal and done % recipe.picture_every == 0:
            _show(journal, done, learner, batch, loss)
        if validation and (done % recipe.validate_every == 0 or done == recipe.steps):
            score = _validate(accelerator, learner, module, check, len(validation), recipe, done)
            freeze(learner, recipe.phase_at(step).train)
            if journal:
                journal.numbers(done, {"validation": score})
            if score < best:
                best = score
                if accelerator.is_main_process:
                    learner.save(output / "best", metric and recipe.loss.velocity > 0)
        if done % recipe.save_every == 0 or done == recipe.steps:
            folder.save(done, module, optimiser, best)
    bar.close()

    # 4. The result.
    if accelerator.is_main_process:
        learner.save(output / "final", metric and recipe.loss.velocity > 0)
    if journal:
        journal.close()
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return output / "final"


def _step(
    recipe: Recipe,
    accelerator: Accelerator,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Iterator[Batch],
    step: int,
    generator: torch.Generator,
    meter: Meter,
    output: Path,
) -> tuple[Loss, Batch]:
    """Take one step of the optimiser; return the last batch and its loss."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.optimiser.rate(step, recipe.steps)
    # Ties of the auto-mask are broken alike in a resumed run, and differently on each process.
    generator.manual_seed(recipe.seed + 1_000_003 * step + accelerator.process_index)
    for _ in range(recipe.accumulate):
        asked = perf_counter()
        batch = next(batches).to(accelerator.device)
        meter.waited += perf_counter() - asked
        meter.pictures += len(batch.image) * accelerator.num_processes
        with accelerator.autocast():
            loss: Loss = module(batch, step / recipe.steps, generator)
        if not bool(torch.isfinite(loss.total)):
            file = output / f"bad_batch_{step}_{accelerator.process_index}.safetensors"
            save_file({k: v.cpu().contiguous() for k, v in vars(batch).items()}, file)
            terms = ", ".join(f"{k} {float(v):.4g}" for k, v in loss.terms.items())
            raise JasmineError(
                f"the loss is not finite at step {step} ({terms}); its batch is in {file}; lower "
                "the learning rate, or look at the pictures"
            )
        accelerator.backward(loss.total / recipe.accumulate)
    trained = [p for group in optimiser.param_groups for p in group["params"]]
    accelerator.clip_grad_norm_(trained, recipe.optimiser.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return loss, batch


@torch.no_grad()
def _validate(
    accelerator: Accelerator,
    learner: DisparityLearner | JasmineLearner,
    module: nn.Module,
    check: Feed,
    samples: int,
    recipe: Recipe,
    done: int,
) -> float:
    """Return the photometric loss on held-out pictures, over all processes."""
    freeze(learner, ())
    generator = torch.Generator(accelerator.device).manual_seed(recipe.seed)
    scores = []
    for batch in check.batches(0, min(VALIDATION_BATCHES, -(-samples // recipe.batch_size))):
        with accelerator.autocast():
            loss: Loss = learner(batch.to(accelerator.device), done / recipe.steps, generator)
        scores.append(loss.terms["photometric"].float())
    mean = accelerator.reduce(torch.stack(scores).mean(), reduction="mean")
    return float(mean)


@torch.no_grad()
def _show(
    journal: Journal,
    step: int,
    learner: DisparityLearner | JasmineLearner,
    batch: Batch,
    loss: Loss,
) -> None:
    """Keep pictures: input, depth, warped source, its error, auto-mask, trust, reconstruction."""
    depth = learner.depth(batch.image[:1])
    cells = [rgb(batch.image[0]), depth_picture(depth[0])]
    names = ("warped", "error", "moving", "trusted")
    cells += [rgb(loss.maps[name][0].float()) for name in names if name in loss.maps]
    if isinstance(learner, JasmineLearner) and learner.rebuild:
        cells.append(rgb(learner.model.reconstruct(batch.auxiliary[:1])[0]))
    journal.picture(step, cells)


def _picture_size(recipe: Recipe, learner: DisparityLearner | JasmineLearner) -> Size:
    net = learner.net if isinstance(learner, DisparityLearner) else learner.model
    width, height = recipe.data.width, recipe.data.height
    size = (width or net.config.width, height or net.config.height)
    if size[0] % 64 or size[1] % 64:
        raise JasmineError(
            f"training pictures of {size[0]}x{size[1]} px: both sides must be multiples of 64; "
            "set data.width and data.height"
        )
    return size
