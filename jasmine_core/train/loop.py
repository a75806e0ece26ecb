# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The training loop, for one process or many.

    jasmine train training/tiny.yaml -o runs/tiny                              # one process
    torchrun --nproc_per_node 8 -m jasmine_ros.cli train training/kitti.yaml -o runs/kitti
    jasmine train training/tiny.yaml -o runs/tiny --resume                     # after kill -9

Every step is a pure function of its number and the weights before it, so that a resumed run ends in
the same weights, to the bit on a CPU.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from torch import distributed
from tqdm import tqdm

from jasmine_core.dataset.samples import Sample
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.errors import JasmineError
from jasmine_core.geometry.camera import Size
from jasmine_core.interrupt import Interrupt
from jasmine_core.loss.objective import Loss
from jasmine_core.loss.velocity import velocity_ramp
from jasmine_core.train.feed import Batch, Feed, Images, split_samples, without_augmentation
from jasmine_core.train.jasmine_learner import JasmineLearner
from jasmine_core.train.journal import Journal, depth_image, rgb
from jasmine_core.train.learner import DisparityLearner, Learner, freeze, parameter_groups
from jasmine_core.train.mixed_feed import MixedFeed
from jasmine_core.train.recipe import TEACHER_MAPS, DataConfig, Phase, Recipe
from jasmine_core.train.start import make_learner
from jasmine_core.train.state import RunFolder, first_line, saving
from jasmine_core.train.step import Run, any_process, mean_terms
from jasmine_core.train.wise_ft import interpolated, snapshot

# A process that waits longer than this for the others gives up. Writing the largest state, for
# which all wait, takes a few minutes.
PATIENCE = timedelta(minutes=15)
ONE_CAMERA = 1.1  # largest ratio of the focal lengths of what counts as one camera
SUNKEN, SUNKEN_AFTER = 0.15, 200  # units and steps: a depth this near by then is at its stop


def train(recipe: Recipe, output: Path, resume: bool = False) -> Path | None:
    """Train as a recipe says; return the folder of the finished checkpoint, OUTPUT/final.

    Ctrl-C saves the state after the current step and returns None; kill loses at most the steps
    since the last state. `resume` goes on from there. Raises JasmineError with the batch saved if
    the loss is not finite.
    """
    try:
        return _train(recipe, output, resume)
    except RuntimeError as err:
        if not distributed.is_initialized() or not _is_loss_of_a_process(err):
            raise
        raise JasmineError(
            f"another process of this training ended ({first_line(err)[:120]}); see what it said, "
            "then go on with --resume"
        ) from err


def _train(recipe: Recipe, output: Path, resume: bool) -> Path | None:
    # 1. Processes, folder, data, networks.
    accelerator = Accelerator(
        mixed_precision=recipe.precision,
        kwargs_handlers=[
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=PATIENCE),
        ],
    )
    data = recipe.data if recipe.learner == "jasmine" else replace(recipe.data, auxiliary="")
    split = split_samples(data)
    _expect_teacher(recipe, split.training)
    learner = make_learner(recipe)
    _expect_cameras(learner, split.training)
    alpha = recipe.wise_ft_weight
    start = snapshot(learner) if alpha < 1 else {}
    size = _image_size(recipe, learner)
    place = accelerator.process_index, accelerator.num_processes
    images = Images(split.training, data, size, recipe.seed)
    feed = _feed(recipe, data, images, learner, *place)
    plain = without_augmentation(data)
    held = Images(split.validation, plain, size, recipe.seed, first_key=len(split.training))
    check = Feed(held, recipe.batch_size, *place)
    folder = RunFolder(output, recipe, accelerator)
    folder.begin(resume)

    # 2. One optimiser for everything that some phase trains; frozen parameters have no gradient.
    everything = {name for phase in recipe.phases for name in phase.train}
    optimiser = torch.optim.AdamW(
        parameter_groups(learner, everything, recipe.optimiser.pretrained_share),
        lr=recipe.optimiser.learning_rate,
        weight_decay=recipe.optimiser.weight_decay,
    )
    module, optimiser = accelerator.prepare(learner, optimiser)
    first, best = folder.load(module, optimiser)
    run = Run(recipe, accelerator, learner, module, optimiser, output)
    journal = Journal(output, first) if accelerator.is_main_process else None
    for short in split.unusable if journal else ():
        _warn(f"{short} is too short for an image with neighbours on both sides; it is left out")

    # 3. Steps.
    moved = recipe.loss.motion == "odometry"  # and not the pose net's: metres from the first step
    listens = recipe.loss.photometric > 0 and (moved or recipe.loss.velocity > 0)
    known = [s for s in split.training if any(n.distance for n in s.sources)]
    odometry = listens and bool(known)
    description = (
        f"{recipe.learner} from {recipe.start}, {recipe.steps} steps on {len(images)} images"
    )
    batches = feed.batches(first * recipe.accumulate, recipe.steps * recipe.accumulate)

    def metric(done: int) -> bool:
        """Tell whether odometry has taught the scale by then."""
        pull = velocity_ramp(done / recipe.steps, recipe.loss.velocity_start)
        return odometry and (moved or pull == 1)

    before: Phase | None = None
    sunken = stopped = measured = False
    run.meter.reset()
    with (
        Interrupt() as interrupt,
        tqdm(
            total=recipe.steps,
            initial=first,
            unit="step",
            desc=recipe.learner,
            disable=not accelerator.is_main_process,
        ) as bar,
    ):
        for step in range(first, recipe.steps):
            phase = recipe.phase_at(step)
            if phase is not before:
                freeze(learner, phase.train)
                before = phase
            pull = velocity_ramp(step / recipe.steps, recipe.loss.velocity_start)
            if odometry and (moved or pull > 0) and not measured:
                measured = True  # asked once: the same images would give the same answer
                if learner.metres_per_unit.isnan():
                    told = Images(known, data, size, recipe.seed)
                    run.measure_scale(Feed(told, recipe.batch_size, *place))
                freeze(learner, phase.train)
            loss, batch = run.step(step, batches)
            done = step + 1
            bar.update()
            if done % recipe.log_every == 0:
                terms = mean_terms(accelerator, loss)
                if journal:
                    rate = {"learning_rate": recipe.optimiser.rate(step, recipe.steps)}
                    scale = _known_scale(learner)
                    with saving(output):
                        journal.numbers(done, terms | rate | scale | run.meter.figures())
                    bar.set_postfix({"loss": f"{terms['total']:.4f}"})
                    run.meter.reset()
                    if (
                        done >= SUNKEN_AFTER
                        and terms.get("median_depth", 1.0) < SUNKEN
                        and not sunken
                    ):
                        sunken = True
                        _warn(
                            f"the median depth is {terms['median_depth']:.3f} units at step {done}:"
                            " it has run into its nearest stop and will hardly learn; start anew "
                            "with a lower learning rate, or a later loss.velocity_start"
                        )
            if journal and done % recipe.image_every == 0:
                freeze(learner, ())  # or looking would move the running statistics
                with saving(output):
                    _show(journal, done, learner, batch, loss)
                freeze(learner, phase.train)
            if split.validation and (done % recipe.validate_every == 0 or done == recipe.steps):
                with interpolated(learner, start, alpha):
                    score = run.validate(check, len(split.validation), done)
                    if journal:
                        with saving(output):
                            journal.numbers(done, {"validation": score})
                            if score < best:
                                learner.save(output / "best", metric(done), size, description)
                freeze(learner, phase.train)
                best = min(best, score)
            stopped = any_process(accelerator, interrupt.requested) and done < recipe.steps
            if stopped or done % recipe.save_every == 0 or done == recipe.steps:
                folder.save(done, module, optimiser, best)
            if stopped:
                break

    # 4. The result.
    if journal:
        journal.close()
        if not stopped:
            with saving(output / "final"), interpolated(learner, start, alpha):
                learner.save(output / "final", metric(recipe.steps), size, description)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return None if stopped else output / "final"


def _is_loss_of_a_process(err: RuntimeError) -> bool:
    text = str(err).lower()
    told = ("gloo", "nccl", "connection closed by peer", "connection reset", "timed out")
    return isinstance(err, distributed.DistError) or any(word in text for word in told)


def _known_scale(learner: Learner) -> dict[str, float]:
    scale = float(learner.metres_per_unit)  # JSON has no NaN
    return {"metres_per_unit": scale} if math.isfinite(scale) else {}


def _warn(text: str) -> None:
    tqdm.write(f"warn: {text}", file=sys.stderr)


def _expect_teacher(recipe: Recipe, samples: list[Sample]) -> None:
    needed = recipe.teacher == TEACHER_MAPS or recipe.loss.log_depth
    if needed and not any(sample.teacher for sample in samples):
        raise DatasetError(
            "the recipe needs maps of depth beside the images, but no image has a map; prepare "
            "the bags with --teacher DIR, or name the folder of a disparity net"
        )


def _feed(
    recipe: Recipe, data: DataConfig, images: Images, learner: Learner, rank: int, processes: int
) -> Feed | MixedFeed:
    """Return the batches of the recipe, with those of another shape in between."""
    main = Feed(images, recipe.batch_size, rank, processes, data.workers)
    if (shape := data.other) is None:
        return main
    own = replace(
        data, sequences=shape.sequences, width=shape.width, height=shape.height, kitti=None
    )
    samples = split_samples(own).training
    _expect_cameras(learner, samples)
    size = _checked_size((shape.width, shape.height), learner)
    first = 2 * len(images)  # no key of a cache means two images
    others = Images(samples, own, size, recipe.seed + 1, first_key=first)
    return MixedFeed(
        main, Feed(others, recipe.batch_size, rank, processes, data.workers), shape.every
    )


def _expect_cameras(learner: Learner, samples: list[Sample]) -> None:
    """Refuse images without intrinsics where depth is learned in a canonical focal length."""
    if learner.canonical_focal() is None:
        return
    for sample in samples:
        if sample.camera is None or not sample.camera.K[0, 0] > 0:
            raise DatasetError(
                f"{sample.image} has no intrinsics K, and this checkpoint learns depth in a "
                "canonical focal length; prepare the recording with its CameraInfo"
            )
    shares = [s.camera.K[0, 0] / s.camera.width for s in samples if s.camera]
    if learner.expects_one_camera() and max(shares) > ONE_CAMERA * min(shares):
        raise DatasetError(
            f"the images have focal lengths from {min(shares):.2f} to {max(shares):.2f} of their "
            "width, but the teacher knows depth for one focal length only; train a teacher from "
            "start: lite, or use the images of one camera"
        )


@torch.no_grad()
def _show(
    journal: Journal,
    step: int,
    learner: Learner,
    batch: Batch,
    loss: Loss,
) -> None:
    """Keep images: input, D_SSI, D_SI, warp, its error, auto-mask, trust, reconstruction."""
    cells = [rgb(batch.image[0])]
    if isinstance(learner, JasmineLearner):
        cells.append(rgb(learner.model.predict_depth(batch.image[:1]).ssi[0]))
    cells.append(depth_image(learner.depth(batch.image[:1])[0]))
    names = ("warped", "error", "moving", "trusted")
    cells += [rgb(loss.maps[name][0].float()) for name in names if name in loss.maps]
    if isinstance(learner, JasmineLearner) and learner.rebuild:
        cells.append(rgb(learner.model.reconstruct(batch.auxiliary[:1])[0]))
    journal.image(step, cells)


def _image_size(recipe: Recipe, learner: DisparityLearner | JasmineLearner) -> Size:
    net = learner.net if isinstance(learner, DisparityLearner) else learner.model
    width, height = recipe.data.width, recipe.data.height
    return _checked_size((width or net.config.width, height or net.config.height), learner)


def _checked_size(size: Size, learner: Learner) -> Size:
    if size[0] % learner.multiple or size[1] % learner.multiple:
        raise JasmineError(
            f"training images of {size[0]}x{size[1]} px: both sides must be multiples of "
            f"{learner.multiple}; set data.width and data.height"
        )
    return size
