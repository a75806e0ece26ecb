# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training images of a recipe: their size, their batches, and what they must bring along."""

from __future__ import annotations

from dataclasses import replace

from jasmine_core.dataset.samples import Sample
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.errors import JasmineError
from jasmine_core.geometry.camera import Size
from jasmine_core.train.feed import Feed, Images
from jasmine_core.train.jasmine_learner import JasmineLearner
from jasmine_core.train.learner import DisparityLearner, Learner
from jasmine_core.train.mixed_feed import MixedFeed
from jasmine_core.train.recipe import TEACHER_MAPS, DataConfig, Recipe
from jasmine_core.train.split import split_samples

ONE_CAMERA = 1.1  # largest ratio of the focal lengths that count as those of one camera


def make_feed(
    recipe: Recipe, data: DataConfig, images: Images, learner: Learner, rank: int, processes: int
) -> Feed | MixedFeed:
    """Return the batches of a recipe, with those of a second image shape in between."""
    main = Feed(images, recipe.batch_size, rank, processes, data.workers)
    if (shape := data.other) is None:
        return main
    own = replace(
        data, sequences=shape.sequences, width=shape.width, height=shape.height, kitti=None
    )
    samples = split_samples(own).training
    expect_cameras(learner, samples)
    size = _checked_size((shape.width, shape.height), learner)
    first = 2 * len(images)  # Two images never share the key of a cache.
    others = Images(samples, own, size, recipe.seed + 1, first_key=first)
    return MixedFeed(
        main, Feed(others, recipe.batch_size, rank, processes, data.workers), shape.every
    )


def expect_teacher(recipe: Recipe, samples: list[Sample]) -> None:
    """Refuse a recipe that learns from prepared depth maps where there is none, or no exact one."""
    needed = recipe.teacher == TEACHER_MAPS or recipe.loss.log_depth
    if needed and not any(sample.teacher for sample in samples):
        raise DatasetError(
            "the recipe needs depth maps beside the images, but no image has a depth map; prepare "
            "the recordings with --teacher DIR, or name the folder of a disparity net as teacher"
        )
    relative = next((sample.teacher for sample in samples if sample.relative), None)
    if relative and (recipe.loss.log_depth or recipe.loss.latent):
        raise DatasetError(
            f"{relative} is relative: its disparity has an unknown scale and shift, but "
            "loss.log_depth and loss.latent compare exact depth; set both to 0, or label the "
            "recording with a metric network"
        )


def expect_motion(recipe: Recipe, learner: Learner, samples: list[Sample]) -> None:
    """Refuse a temporal loss without odometry, or without a scale that odometry is compared in."""
    loss = recipe.loss
    if not loss.temporal:
        return
    if not any(source.distance for sample in samples for source in sample.sources):
        raise DatasetError(
            "loss.temporal needs the motion of the camera in metres, but no image has odometry; "
            "prepare recordings with odometry, or set loss.temporal to 0"
        )
    measured = loss.photometric > 0 and (loss.motion == "odometry" or loss.velocity > 0)
    if not measured and not bool(learner.metres_per_unit.isfinite()):
        raise DatasetError(
            "loss.temporal needs the metres per unit of depth, but neither the checkpoint nor the "
            "recipe has them; set data.metres_per_unit, or loss.motion: odometry"
        )


def expect_cameras(learner: Learner, samples: list[Sample]) -> None:
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
            "width, but the teacher was trained for one focal length only; train a teacher from "
            "start: lite, or use the images of one camera"
        )


def image_size(recipe: Recipe, learner: DisparityLearner | JasmineLearner) -> Size:
    """Return the width and height [px] of training images; refuse one that the net cannot take."""
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
