# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Actions of a training between its steps: scale, warnings, progress images, validation."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from jasmine_core.dataset.samples import Sample
from jasmine_core.loss.known_motion import best_scale, votes
from jasmine_core.loss.objective import Loss
from jasmine_core.loss.velocity import measured_scale, velocity_ramp
from jasmine_core.train.feed import Batch, Feed, Images, without_augmentation
from jasmine_core.train.jasmine_learner import JasmineLearner
from jasmine_core.train.journal import depth_image, rgb
from jasmine_core.train.learner import Learner
from jasmine_core.train.state import saving

if TYPE_CHECKING:
    from jasmine_core.train.trainer import Trainer

logger = logging.getLogger(__name__)

VALIDATION_BATCHES = 8
SCALE_BATCHES = 8  # number of batches that the scale is measured on
# A median depth below COLLAPSED units after COLLAPSED_AFTER steps has reached the nearest depth
# of the network, where it has hardly any gradient.
COLLAPSED, COLLAPSED_AFTER = 0.15, 200


class Hook:
    """Action between the steps; every process calls it at the same steps."""

    def before_step(self, trainer: Trainer, step: int) -> None:
        """Act before a step in 0..steps-1."""

    def after_log(self, trainer: Trainer, done: int, terms: dict[str, float]) -> None:
        """Act on the logged terms after `done` steps; they are means over all processes."""

    def after_step(self, trainer: Trainer, done: int, loss: Loss, batch: Batch) -> None:
        """Act after `done` steps; the loss and batch are those of this process."""


class ScaleMeasurement(Hook):
    """Set metres per unit from odometry once, before the first step that uses the scale."""

    def __init__(self, trainer: Trainer, samples: list[Sample]) -> None:
        loss = trainer.recipe.loss
        self.samples = [s for s in samples if any(n.distance for n in s.sources)]
        # With motion: odometry, the images are warped by odometry's own poses from the first step.
        self.warps = loss.motion == "odometry"
        uses_odometry = loss.photometric > 0 and (self.warps or loss.velocity > 0)
        self.active = uses_odometry and bool(self.samples)
        self.steps, self.ramp_start = trainer.recipe.steps, loss.velocity_start
        self.done = False

    def is_metric(self, done: int) -> bool:
        """Return whether the scale has been trained with odometry by the end of `done` steps."""
        ramp = velocity_ramp(done / self.steps, self.ramp_start)
        return self.active and (self.warps or ramp == 1)

    def before_step(self, trainer: Trainer, step: int) -> None:
        """Measure the scale if it is unknown or an estimate, before the first step that uses it.

        An estimate learned from other cameras may be wrong by half. Corrected by training alone,
        it overshoots to depths so far that the images do not move, where the loss is almost flat.
        """
        ramp = velocity_ramp(step / self.steps, self.ramp_start)
        if self.done or not self.active or not (self.warps or ramp > 0):
            return
        self.done = True  # A second measurement on the same images would give the same scale.
        estimated = step == 0 and self.warps and trainer.learner.scale_spread is not None
        if estimated or trainer.learner.metres_per_unit.isnan():
            images = Images(self.samples, trainer.data, trainer.size, trainer.recipe.seed)
            self.measure(trainer, Feed(images, trainer.recipe.batch_size, *trainer.place))

    @torch.no_grad()
    def measure(self, trainer: Trainer, feed: Feed) -> None:
        """Compare odometry with the lengths of predicted motions, or with the depth if it warps."""
        learner, accelerator = trainer.learner, trainer.accelerator
        with trainer.evaluating():
            batches = (batch.to(accelerator.device) for batch in feed.batches(0, SCALE_BATCHES))
            if self.warps:
                scale = best_scale(accelerator.gather(_votes(learner, batches)).sum(0))
            else:
                scale = measured_scale(*accelerator.gather(_lengths(learner, batches)))
        if scale is not None:
            learner.metres_per_unit.fill_(scale)


class CollapseWarning(Hook):
    """Warn once if the depth has collapsed to the nearest depth of the network."""

    def __init__(self) -> None:
        self.warned = False

    def after_log(self, trainer: Trainer, done: int, terms: dict[str, float]) -> None:
        """Compare the median depth with the nearest one."""
        depth = terms.get("median_depth", 1.0)
        if self.warned or done < COLLAPSED_AFTER or depth >= COLLAPSED or not trainer.journal:
            return
        self.warned = True
        logger.warning(
            "the median depth is %.3f units at step %d: the depth has collapsed to its lower limit "
            "and will hardly learn; start again with a lower learning rate, or a later "
            "loss.velocity_start",
            depth,
            done,
        )


class ProgressImages(Hook):
    """Save an image of inputs, predictions and masks every `image_every` steps."""

    @torch.no_grad()
    def after_step(self, trainer: Trainer, done: int, loss: Loss, batch: Batch) -> None:
        """Save input, D_SSI, D_SI, warp, error, auto-mask, teacher's filter, reconstruction."""
        if not trainer.journal or done % trainer.recipe.image_every:
            return
        learner = trainer.learner
        with trainer.evaluating(), saving(trainer.output):
            rows = [rgb(batch.image[0])]
            if isinstance(learner, JasmineLearner):
                rows.append(rgb(learner.model.predict_depth(batch.image[:1]).ssi[0]))
            rows.append(depth_image(learner.depth(batch.image[:1])[0]))
            names = ("warped", "error", "moving", "trusted")
            rows += [rgb(loss.maps[name][0].float()) for name in names if name in loss.maps]
            if isinstance(learner, JasmineLearner) and learner.rebuild:
                rows.append(rgb(learner.model.reconstruct(batch.auxiliary[:1])[0]))
            trainer.journal.image(done, rows)


class Validation(Hook):
    """Score the weights that a checkpoint gets on held-out images, and keep the best checkpoint."""

    def __init__(self, trainer: Trainer, samples: list[Sample]) -> None:
        plain = without_augmentation(trainer.data)
        images = Images(
            samples, plain, trainer.size, trainer.recipe.seed, first_key=len(trainer.images)
        )
        self.feed = Feed(images, trainer.recipe.batch_size, *trainer.place)
        self.batches = min(VALIDATION_BATCHES, -(-len(samples) // trainer.recipe.batch_size))

    def after_step(self, trainer: Trainer, done: int, loss: Loss, batch: Batch) -> None:
        """Validate every `validate_every` steps and after the last one."""
        if done % trainer.recipe.validate_every and done != trainer.recipe.steps:
            return
        with trainer.evaluating(), trainer.interpolated():
            score = self.score(trainer, done)
            if trainer.journal:
                with saving(trainer.output):
                    trainer.journal.numbers(done, {"validation": score})
                    if score < trainer.best:
                        trainer.save_checkpoint(trainer.output / "best", done)
        trainer.best = min(trainer.best, score)

    @torch.no_grad()
    def score(self, trainer: Trainer, done: int) -> float:
        """Return the mean photometric loss, or the total if nothing is warped."""
        recipe, accelerator = trainer.recipe, trainer.accelerator
        generator = torch.Generator(accelerator.device).manual_seed(recipe.seed)
        scores = []
        for batch in self.feed.batches(0, self.batches):
            with accelerator.autocast():
                loss: Loss = trainer.learner(
                    batch.to(accelerator.device), done / recipe.steps, generator
                )
            scores.append(loss.terms.get("photometric", loss.terms["total"]).float())
        return float(accelerator.reduce(torch.stack(scores).mean(), reduction="mean"))


def _lengths(learner: Learner, batches: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Return predicted motions [N,S,3] in units, and odometry's distances [N,S] in metres."""
    pairs = [(torch.stack([T[:, :3, 3] for T in learner.poses(b)], 1), b) for b in batches]
    return torch.cat([t for t, _ in pairs]), torch.cat([b.odometry for _, b in pairs])


def _votes(learner: Learner, batches: Iterable[Batch]) -> Tensor:
    """Return the `votes` of all pixels of the batches [1,M]."""
    counts = []
    for b in batches:
        depth, ratio = learner.depth(b.image), learner.ratio(b)
        depth = depth if ratio is None else depth * ratio  # of the real camera, as its motion
        counts.append(votes(b.image, b.sources.unbind(1), b.K, depth, b.motion))
    return torch.stack(counts).sum(0, keepdim=True)
