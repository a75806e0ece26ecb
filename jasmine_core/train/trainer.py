# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The training loop, for one process or many.

    jasmine train training/tiny.yaml -o runs/tiny                              # one process
    torchrun --nproc_per_node 8 -m jasmine_ros.cli train training/kitti.yaml -o runs/kitti
    jasmine train training/tiny.yaml -o runs/tiny --resume                     # after kill -9

Every step is a pure function of its number and of the weights before it, so that a resumed run
ends in the same weights, bit for bit on a CPU.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NoReturn

import torch
from safetensors.torch import save_file
from tqdm import tqdm

from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.interrupt import Interrupt
from jasmine_core.loss.objective import Loss, Objective, objective
from jasmine_core.report.page import save_page
from jasmine_core.store.mirror import mirrored
from jasmine_core.store.paths import is_remote, url_of
from jasmine_core.train.feed import Batch, Images
from jasmine_core.train.hooks import (
    CollapseWarning,
    Hook,
    ProgressImages,
    ScaleMeasurement,
    Validation,
)
from jasmine_core.train.inputs import (
    expect_cameras,
    expect_motion,
    expect_teacher,
    image_size,
    make_feed,
)
from jasmine_core.train.journal import Journal, Throughput
from jasmine_core.train.learner import freeze, parameter_groups
from jasmine_core.train.page import PAGE, training_page
from jasmine_core.train.processes import (
    any_process,
    make_accelerator,
    mean_terms,
    one_line_for_a_lost_process,
    sole_writer,
)
from jasmine_core.train.recipe import Phase, Recipe
from jasmine_core.train.split import split_samples
from jasmine_core.train.start import make_learner
from jasmine_core.train.state import PROGRESS, STATES, RunFolder, saving
from jasmine_core.train.wise_ft import interpolated, snapshot

logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    output: Path,
    resume: bool = False,
    interrupt: Interrupt | None = None,
    loss: Objective = objective,
) -> Path | None:
    """Train after a recipe; return the folder of the finished checkpoint, OUTPUT/final.

    The first Ctrl-C or SIGTERM saves the state after the current step, and None is returned; kill
    loses at most the steps since the newest state. `resume` continues from the newest state.
    `interrupt` records the signal; without it the signals are handled during the steps only. `loss`
    computes the loss of a batch; one with terms of its own is not part of the saved recipe, so that
    a resumed training must be given the same one.

    Raises:
        JasmineError: the loss is not finite (its batch is saved), another process has ended, or
            another training writes into the folder.
    """
    if is_remote(output) and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            f"{url_of(output)}: several processes need a folder that all of them see; choose one "
            "with -o, and copy it to the store afterwards"
        )
    with (
        one_line_for_a_lost_process(),
        mirrored(output, PROGRESS, STATES) as mirror,
        sole_writer(mirror.folder),
    ):
        final = Trainer(recipe, mirror.folder, resume, mirror.upload, loss).fit(interrupt)
    return final and output / final.name


class Trainer:
    """One training: its processes, data, networks and optimiser, and the loop over the steps.

    Whatever happens between two steps beside logging and saving is a `Hook`.
    """

    def __init__(
        self,
        recipe: Recipe,
        output: Path,
        resume: bool = False,
        saved: Callable[[], None] = lambda: None,
        loss: Objective = objective,
    ) -> None:
        # 1. Processes, data and networks.
        self.recipe, self.output = recipe, output
        self.saved = saved  # called after each saved state
        self.accelerator = make_accelerator(recipe.precision)
        self.place = self.accelerator.process_index, self.accelerator.num_processes
        learns_depth_alone = recipe.learner == "disparity"
        self.data = replace(recipe.data, auxiliary="") if learns_depth_alone else recipe.data
        split = split_samples(self.data)
        expect_teacher(recipe, split.training)
        self.learner = make_learner(recipe)
        self.learner.objective = loss
        expect_cameras(self.learner, split.training)
        expect_motion(recipe, self.learner, split.training)
        self.start = snapshot(self.learner) if recipe.wise_ft_weight < 1 else {}
        self.size = image_size(recipe, self.learner)
        self.images = Images(split.training, self.data, self.size, recipe.seed)
        self.feed = make_feed(recipe, self.data, self.images, self.learner, *self.place)

        # 2. What happens between the steps, in this order.
        self.scale = ScaleMeasurement(self, split.training)
        hooks: list[Hook] = [self.scale, CollapseWarning(), ProgressImages()]
        if split.validation:
            hooks.append(Validation(self, split.validation))
        self.hooks: Sequence[Hook] = hooks

        # 3. The folder of the run, and one optimiser for everything that some phase trains.
        self.folder = RunFolder(output, recipe, self.accelerator)
        self.folder.begin(resume)
        trained = {name for phase in recipe.phases for name in phase.train}
        optimiser = torch.optim.AdamW(
            parameter_groups(self.learner, trained, recipe.optimiser.pretrained_share),
            lr=recipe.optimiser.learning_rate,
            weight_decay=recipe.optimiser.weight_decay,
        )
        self.module, self.optimiser = self.accelerator.prepare(self.learner, optimiser)
        self.first, self.best = self.folder.load(self.module, self.optimiser)
        self.phase: Phase | None = None
        self.generator = torch.Generator(self.accelerator.device)
        self.throughput = Throughput()
        self.journal = Journal(output, self.first) if self.accelerator.is_main_process else None
        for sequence in split.unusable if self.journal else ():
            logger.warning(
                "%s is too short for an image with neighbours on both sides; it is left out",
                sequence,
            )

    def fit(self, interrupt: Interrupt | None = None) -> Path | None:
        """Take all steps that are left; return OUTPUT/final, or None after an interrupt."""
        recipe, last = self.recipe, self.recipe.steps
        batches = self.feed.batches(self.first * recipe.accumulate, last * recipe.accumulate)
        stopped = False
        self.throughput.reset()
        signals = nullcontext(interrupt) if interrupt else Interrupt()
        with signals as interrupt, self._progress_bar() as bar:
            for step in range(self.first, last):
                self._enter_phase(recipe.phase_at(step))
                for hook in self.hooks:
                    hook.before_step(self, step)
                loss, batch = self._step(step, batches)
                done = step + 1
                bar.update()
                if done % recipe.log_every == 0:
                    terms = self._log(done, loss)
                    bar.set_postfix({"loss": f"{terms['total']:.4f}"})
                    for hook in self.hooks:
                        hook.after_log(self, done, terms)
                for hook in self.hooks:
                    hook.after_step(self, done, loss, batch)
                stopped = any_process(self.accelerator, interrupt.requested) and done < last
                if stopped or done % recipe.save_every == 0 or done == last:
                    self.folder.save(done, self.module, self.optimiser, self.best)
                    self.saved()
                if stopped:
                    break
        final = self.output / "final"
        if self.journal:
            self.journal.close()
            if not stopped:
                with saving(final), self.interpolated():
                    self.save_checkpoint(final, last)
            reached = done if stopped else last
            save_page(self.output / PAGE, lambda: training_page(self.output, reached, last))
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
        return None if stopped else final

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Freeze all networks inside the block; running statistics must not see its images."""
        freeze(self.learner, ())
        try:
            yield
        finally:
            if self.phase:
                freeze(self.learner, self.phase.train)

    def interpolated(self) -> AbstractContextManager[None]:
        """Return a block in which the learner has the weights that a checkpoint gets (WiSE-FT)."""
        return interpolated(self.learner, self.start, self.recipe.wise_ft_weight)

    def save_checkpoint(self, path: Path, done: int) -> None:
        """Write the learner as it is after `done` steps as a checkpoint."""
        recipe = self.recipe
        count = f"{recipe.steps} steps on {len(self.images)} images"
        description = f"{recipe.learner} from {recipe.start}, {count}"
        self.learner.save(path, self.scale.is_metric(done), self.size, description)

    def _progress_bar(self) -> tqdm[NoReturn]:
        return tqdm(
            total=self.recipe.steps,
            initial=self.first,
            unit="step",
            desc=self.recipe.learner,
            disable=not self.accelerator.is_main_process,
        )

    def _enter_phase(self, phase: Phase) -> None:
        if phase is not self.phase:
            freeze(self.learner, phase.train)
            self.phase = phase

    def _step(self, step: int, batches: Iterator[Batch]) -> tuple[Loss, Batch]:
        """Take one step of the optimiser; return the last batch and its loss."""
        recipe, accelerator = self.recipe, self.accelerator
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * recipe.optimiser.rate(step, recipe.steps)
        # Ties of the auto-mask are broken alike in a resumed run, and differently on each process.
        self.generator.manual_seed(recipe.seed + 1_000_003 * step + accelerator.process_index)
        for _ in range(recipe.accumulate):
            asked = perf_counter()
            batch = next(batches).to(accelerator.device)
            images = len(batch.image) * accelerator.num_processes
            self.throughput.add(images, perf_counter() - asked)
            with accelerator.autocast():
                loss: Loss = self.module(batch, step / recipe.steps, self.generator)
            self._expect_finite(step, loss, batch)
            accelerator.backward(loss.total / recipe.accumulate)
        trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        accelerator.clip_grad_norm_(trained, recipe.optimiser.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss, batch

    def _log(self, done: int, loss: Loss) -> dict[str, float]:
        """Write the numbers of a step into the journal; return the means of its terms."""
        terms = mean_terms(self.accelerator, loss)
        if self.journal:
            numbers = terms | {
                "learning_rate": self.recipe.optimiser.rate(done - 1, self.recipe.steps)
            }
            scale = float(self.learner.metres_per_unit)
            if math.isfinite(scale):  # JSON has no NaN.
                numbers["metres_per_unit"] = scale
            with saving(self.output):
                self.journal.numbers(done, numbers | self.throughput.figures())
            self.throughput.reset()
        return terms

    def _expect_finite(self, step: int, loss: Loss, batch: Batch) -> None:
        """Stop all processes if the loss of one is not finite; that one saves its batch."""
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
