# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Learners: the networks of a training as one module from a batch to its loss."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from jasmine_core.files import atomic_folder
from jasmine_core.geometry.camera import Size
from jasmine_core.geometry.canonical import canonical_depth, focal_ratio
from jasmine_core.geometry.disparity import disparity_from_depth
from jasmine_core.loss.known_motion import in_units, with_odometry
from jasmine_core.loss.objective import (
    Loss,
    LossConfig,
    Objective,
    Observation,
    Prediction,
    objective,
)
from jasmine_core.loss.teacher import DEPTH_MAX, teacher_depth
from jasmine_core.model.disparity_net import DisparityNet
from jasmine_core.model.posenet import PoseNet, source_poses
from jasmine_core.train.feed import Batch

OFFSETS = (-1, 1)  # of the sources, in frames from the target


class Learner(nn.Module):
    """Base of all learners: a pose net, the loss weights, and the scale of a unit."""

    metres_per_unit: Tensor

    def __init__(
        self, posenet: PoseNet, loss: LossConfig, scale: float | None, known: bool
    ) -> None:
        super().__init__()
        self.posenet, self.loss = posenet, loss
        self.objective: Objective = objective  # a program may set one with terms of its own
        self.scale_is_known = known  # by the weights it starts from, or by its teacher
        self.scale_spread: float | None = None  # relative, if that scale is learned
        # A buffer, so that a resumed run has the measured scale; NaN until it is measured.
        value = math.nan if scale is None else scale
        self.register_buffer("metres_per_unit", torch.tensor(value))

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch; `progress` is the share of all steps that is done."""
        raise NotImplementedError

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        raise NotImplementedError

    def pretrained(self) -> list[nn.Parameter]:
        """Return the parameters of pretrained encoders, which learn at a share of the rate."""
        return []

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        raise NotImplementedError

    def save(self, path: Path, metric: bool, size: Size, description: str) -> None:
        """Write a checkpoint, and the pose net into its folder `posenet`.

        `metric` is whether the scale was trained with odometry; `size` is that of its
        training images.
        """
        known = (metric or self.scale_is_known) and bool(self.metres_per_unit.isfinite())
        about = {
            "metres_per_unit": round(float(self.metres_per_unit), 4) if known else None,
            "scale_spread": self.scale_spread if known and not metric else None,
            "width": size[0],
            "height": size[1],
            "description": description,
        }
        with atomic_folder(path) as folder:
            self._save_net(folder, about)
            self.posenet.save_pretrained(folder / "posenet")

    def poses(self, batch: Batch) -> list[Tensor]:
        """Return T_source_target [B,4,4] of each source; an empty list if nothing is warped."""
        if not self.loss.photometric:
            return []
        sources = batch.pose_sources.unbind(1)
        predicted = source_poses(self.posenet, batch.pose_image, sources, OFFSETS)
        if self.loss.motion == "posenet":
            return predicted
        motions = zip(predicted, batch.motion.unbind(1), strict=True)
        return [with_odometry(T, known, self.metres_per_unit) for T, known in motions]

    @property
    def multiple(self) -> int:
        """Return the number [px] that both sides of an image must be multiples of."""
        raise NotImplementedError

    def canonical_focal(self) -> float | None:
        """Return the canonical focal length [px] of the learned depth; None if it has none."""
        return None

    def expects_one_camera(self) -> bool:
        """Return whether the teacher was trained for one focal length only."""
        return False

    def ratio(self, batch: Batch) -> Tensor | None:
        """Return the factor [B,1,1,1] from canonical to real depth; None if they are equal."""
        focal = self.canonical_focal()
        return None if focal is None else focal_ratio(batch.K, focal)

    def seen(self, batch: Batch) -> Tensor:
        """Return the network's input; its colours vary if nothing is compared with neighbours."""
        return batch.image if self.loss.photometric else batch.pose_image

    def _save_net(self, folder: Path, about: dict[str, Any]) -> None:
        raise NotImplementedError

    @torch.no_grad()
    def _before(self, batch: Batch) -> Tensor | None:
        """Return the depth [B,1,H,W] of the image before; None if nothing is compared with it."""
        if not self.loss.temporal:
            return None
        ratio = self.ratio(batch)
        sources = batch.sources if self.loss.photometric else batch.pose_sources
        depth = self.depth(sources[:, 0])
        return depth if ratio is None else depth * ratio

    def _observation(self, batch: Batch, teacher: Tensor | None = None) -> Observation:
        # If odometry itself warps the images, the velocity loss has no use.
        pulled = self.loss.motion == "posenet" and bool(self.metres_per_unit.isfinite())
        odometry = batch.odometry if pulled and bool((batch.odometry > 0).any()) else None
        return Observation(
            image=batch.image,
            sources=batch.sources.unbind(1),
            K=batch.K,
            teacher=teacher,
            dynamic=batch.moving,
            sky=batch.sky if bool(batch.sky.any()) else None,
            seen=None if bool(batch.seen.all()) else batch.seen,
            odometry=odometry,
            motion=in_units(batch.motion[:, 0], self.metres_per_unit),
            metres_per_unit=self.metres_per_unit,
        )


class DisparityLearner(Learner):
    """Learner of disparity and motion from video alone: the teacher, and the baseline."""

    def __init__(
        self,
        net: DisparityNet,
        posenet: PoseNet,
        loss: LossConfig,
        scale: float | None,
        known: bool,
    ) -> None:
        super().__init__(posenet, loss, scale, known)
        self.net = net

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch."""
        depth = self.net.depth(self.seen(batch))
        disparity = disparity_from_depth(depth)
        ground_truth = teacher_depth(batch.teacher) if self.loss.log_depth else None
        ratio = self.ratio(batch)
        if ratio is not None:
            depth = depth * ratio
            if ground_truth is not None:
                ground_truth = canonical_depth(ground_truth, ratio, DEPTH_MAX) * ratio
        predicted = Prediction(
            [depth], self.poses(batch), disparity=disparity, before=self._before(batch)
        )
        given = self._observation(batch, ground_truth)
        loss = self.objective(given, predicted, self.loss, progress, generator)
        return loss._replace(terms=loss.terms | {"median_depth": depth.detach().median()})

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        return {"disparity": self.net, "posenet": self.posenet}

    def pretrained(self) -> list[nn.Parameter]:
        """Return the weights of an ImageNet encoder."""
        return list(self.net.encoder.parameters()) if self.net.config.backbone == "lite0" else []

    @property
    def multiple(self) -> int:
        """Return the number [px] that both sides of an image must be multiples of."""
        return self.net.multiple

    def canonical_focal(self) -> float | None:
        """Return the canonical focal length [px] of the learned depth."""
        return self.net.config.canonical_focal

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        return self.net.depth(image)

    def _save_net(self, folder: Path, about: dict[str, Any]) -> None:
        self.net.config = replace(self.net.config, **about)
        self.net.save_pretrained(folder)


def freeze(learner: Learner, trained: Iterable[str]) -> list[nn.Parameter]:
    """Unfreeze the named parts only; return their parameters."""
    parts, trained = learner.parts(), set(trained)
    for name, part in parts.items():
        part.requires_grad_(name in trained)
        # The running statistics of a frozen net stay fixed too.
        part.train(name in trained)
    return [p for name in sorted(trained) for p in parts[name].parameters()]


def parameter_groups(
    learner: Learner, trained: Iterable[str], pretrained_share: float
) -> list[dict[str, Any]]:
    """Return an optimiser's groups: new weights, and pretrained ones at a share of the rate."""
    parameters = freeze(learner, trained)
    slow = {id(p) for p in learner.pretrained()}
    groups = (
        ([p for p in parameters if id(p) not in slow], 1.0),
        ([p for p in parameters if id(p) in slow], pretrained_share),
    )
    return [{"params": found, "share": share} for found, share in groups if found]
