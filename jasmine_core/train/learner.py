# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The networks that learn together, as one module: a batch goes in, its loss comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.disparity import depth_from_disparity
from jasmine_core.loss.objective import Loss, LossConfig, Observation, Prediction, objective
from jasmine_core.loss.teacher import teacher_depth
from jasmine_core.loss.velocity import METRES_PER_UNIT
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.model.disparity_net import SMALL_DISPARITY_NET, DisparityConfig, DisparityNet
from jasmine_core.model.jasmine import TASKS, JasmineModel
from jasmine_core.model.posenet import SMALL_POSENET, PoseNet, PoseNetConfig, source_poses
from jasmine_core.train.feed import Batch
from jasmine_core.train.latents import LatentCache
from jasmine_core.train.recipe import Recipe

OFFSETS = (-1, 1)  # of the sources, in frames from the target


class Learner(Protocol):
    """Something that training drives."""

    def __call__(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch; `progress` is the share of all steps that is done."""
        ...

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        ...

    def save(self, path: Path, metric: bool) -> None:
        """Write a checkpoint that can be used; `metric` where odometry taught its scale."""
        ...

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units, for validation."""
        ...


class DisparityLearner(nn.Module):
    """Learn disparity and motion from video alone: the teacher to be, and the baseline."""

    def __init__(self, net: DisparityNet, posenet: PoseNet, loss: LossConfig) -> None:
        super().__init__()
        self.net, self.posenet, self.loss = net, posenet, loss

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch."""
        disparity = self.net(batch.image)
        depth = depth_from_disparity(disparity)
        poses = _poses(self.posenet, batch)
        predicted = Prediction([depth], poses, disparity=disparity)
        return objective(_observation(batch), predicted, self.loss, progress, generator)

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        return {"disparity": self.net, "posenet": self.posenet}

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        return self.net.depth(image)

    def save(self, path: Path, metric: bool) -> None:
        """Write the disparity net, and the pose net into its folder `posenet`."""
        self.net.save_pretrained(path)
        self.posenet.save_pretrained(path / "posenet")


class JasmineLearner(nn.Module):
    """Learn depth and reconstruction with one U-Net; both tasks go through it as one batch."""

    def __init__(
        self,
        model: JasmineModel,
        posenet: PoseNet,
        teacher: DisparityNet | None,
        loss: LossConfig,
        rebuild: bool,
        cache: LatentCache | None,
    ) -> None:
        super().__init__()
        self.model, self.posenet, self.loss, self.rebuild = model, posenet, loss, rebuild
        self.cache = cache
        # In a list, so that it is no part of this module: never trained, never saved.
        self._teacher = [teacher.requires_grad_(False).eval()] if teacher else []

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch."""
        count = len(batch.image)
        latents = self._encode(batch)  # [B or 2B,4,h,w], the pictures to rebuild behind
        tasks = [TASKS[0]] * count + [TASKS[1]] * (len(latents) - count)
        decoded = self.model.decode(self.model.denoise(latents, tasks))
        ssi, *depths = self.model.ssg(latents[:count], decoded[:count])
        rebuilt = (decoded[count:] + 1) / 2 if self.rebuild else None
        predicted = Prediction(depths, _poses(self.posenet, batch), ssi, rebuilt)
        observation = _observation(batch, self._teach(batch))
        observation.auxiliary = batch.auxiliary if self.rebuild else None
        return objective(observation, predicted, self.loss, progress, generator)

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        return {"unet": self.model.unet, "ssg": self.model.ssg, "posenet": self.posenet}

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        return self.model.predict_depth(image).depth

    def save(self, path: Path, metric: bool) -> None:
        """Write a checkpoint folder with its pose net."""
        scale = METRES_PER_UNIT if metric else self.model.config.metres_per_unit
        self.model.config = replace(self.model.config, metres_per_unit=scale)
        save_checkpoint(self.model, path)
        self.posenet.save_pretrained(path / "posenet")

    @torch.no_grad()
    def _encode(self, batch: Batch) -> Tensor:
        """Return the latents of all pictures; nothing before the U-Net learns."""
        images = [batch.image] + ([batch.auxiliary] if self.rebuild else [])
        if self.cache is None:
            return self.model.encode(torch.cat(images))
        keys = [batch.key[:, 0], batch.key[:, 1]][: len(images)]
        return self.cache(torch.cat(keys), torch.cat(images), self.model.encode)

    @torch.no_grad()
    def _teach(self, batch: Batch) -> Tensor | None:
        """Return the teacher's depth [B,1,H,W] in units: a net's, or prepared maps."""
        if self._teacher:
            return teacher_depth(self._teacher[0].to(batch.image.device)(batch.image))
        return batch.teacher if bool((batch.teacher > 0).any()) else None


def make_learner(recipe: Recipe) -> DisparityLearner | JasmineLearner:
    """Build the networks of a recipe, seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        posenet = _make_posenet(recipe.posenet)
        if recipe.learner == "disparity":
            return DisparityLearner(_make_disparity_net(recipe.start), posenet, recipe.loss)
        model = JasmineModel.from_pretrained(recipe.start)
    if recipe.gradient_checkpointing:
        model.unet.enable_gradient_checkpointing()
        model.vae.enable_gradient_checkpointing()
    teacher = None
    if recipe.teacher not in ("", "dataset"):
        teacher = DisparityNet.from_pretrained(recipe.teacher)
    cache = LatentCache() if recipe.cache_latents else None
    rebuild = bool(recipe.data.auxiliary)
    return JasmineLearner(model, posenet, teacher, recipe.loss, rebuild, cache)


def freeze(learner: Learner, trained: Iterable[str]) -> list[nn.Parameter]:
    """Let only the named parts learn; return their parameters."""
    parts, trained = learner.parts(), set(trained)
    if unknown := trained - parts.keys():
        raise ConfigError(
            f"a phase trains {', '.join(sorted(unknown))}, but this learner has {', '.join(parts)}"
        )
    for name, part in parts.items():
        part.requires_grad_(name in trained)
        # A frozen net's running statistics stand still too.
        part.train(name in trained)
    return [p for name in sorted(trained) for p in parts[name].parameters()]


def _make_posenet(name: str) -> PoseNet:
    sizes = {"small": SMALL_POSENET, "resnet18": PoseNetConfig()}
    return PoseNet(sizes[name]) if name in sizes else PoseNet.from_pretrained(name)


def _make_disparity_net(name: str) -> DisparityNet:
    sizes = {"small": SMALL_DISPARITY_NET, "resnet18": DisparityConfig()}
    return DisparityNet(sizes[name]) if name in sizes else DisparityNet.from_pretrained(name)


def _poses(posenet: PoseNet, batch: Batch) -> list[Tensor]:
    return source_poses(posenet, batch.pose_image, batch.pose_sources.unbind(1), OFFSETS)


def _observation(batch: Batch, teacher: Tensor | None = None) -> Observation:
    return Observation(
        image=batch.image,
        sources=batch.sources.unbind(1),
        K=batch.K,
        teacher=teacher,
        dynamic=batch.moving,
        sky=batch.sky if bool(batch.sky.any()) else None,
        odometry=batch.odometry if bool((batch.odometry > 0).any()) else None,
    )
