# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The networks that learn together, as one module: a batch goes in, its loss comes out."""

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
from jasmine_core.geometry.disparity import depth_from_disparity
from jasmine_core.loss.known_motion import with_odometry
from jasmine_core.loss.objective import Loss, LossConfig, Observation, Prediction, objective
from jasmine_core.loss.supervised import autoencoder_loss
from jasmine_core.loss.teacher import DEPTH_MAX, percentile_normalised, teacher_depth
from jasmine_core.model.checkpoint import read_weights, save_checkpoint
from jasmine_core.model.disparity_net import SMALL_DISPARITY_NET, DisparityConfig, DisparityNet
from jasmine_core.model.folder import find_checkpoint
from jasmine_core.model.jasmine import TASKS, JasmineModel
from jasmine_core.model.posenet import SMALL_POSENET, PoseNet, PoseNetConfig, source_poses
from jasmine_core.train.feed import Batch
from jasmine_core.train.latents import LatentCache
from jasmine_core.train.recipe import OWN_POSENET, TEACHER_MAPS, Recipe

OFFSETS = (-1, 1)  # of the sources, in frames from the target


class Learner(nn.Module):
    """What every learner has: a pose net, the weights of the terms, and the scale of its units."""

    metres_per_unit: Tensor

    def __init__(
        self, posenet: PoseNet, loss: LossConfig, scale: float | None, known: bool
    ) -> None:
        super().__init__()
        self.posenet, self.loss = posenet, loss
        self.scale_is_known = known  # by the weights it starts from, or by its teacher
        # A buffer: a resumed run must have what was measured. NaN until then.
        value = math.nan if scale is None else scale
        self.register_buffer("metres_per_unit", torch.tensor(value))

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch; `progress` is the share of all steps that is done."""
        raise NotImplementedError

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        raise NotImplementedError

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        raise NotImplementedError

    def save(self, path: Path, metric: bool, size: Size, description: str) -> None:
        """Write a checkpoint that can be used, and the pose net into its folder `posenet`.

        `metric` where odometry taught its scale; `size` of the images it learned from.
        """
        known = (metric or self.scale_is_known) and bool(self.metres_per_unit.isfinite())
        about = {
            "metres_per_unit": round(float(self.metres_per_unit), 4) if known else None,
            "width": size[0],
            "height": size[1],
            "description": description,
        }
        with atomic_folder(path) as folder:
            self._save_net(folder, about)
            self.posenet.save_pretrained(folder / "posenet")

    def poses(self, batch: Batch) -> list[Tensor]:
        """Return T_source_target [B,4,4] of each source; none where nothing is warped."""
        if not self.loss.photometric:
            return []
        sources = batch.pose_sources.unbind(1)
        predicted = source_poses(self.posenet, batch.pose_image, sources, OFFSETS)
        if self.loss.motion == "posenet":
            return predicted
        motions = zip(predicted, batch.motion.unbind(1), strict=True)
        return [with_odometry(T, known, self.metres_per_unit) for T, known in motions]

    def _save_net(self, folder: Path, about: dict[str, Any]) -> None:
        raise NotImplementedError

    def _observation(self, batch: Batch, teacher: Tensor | None = None) -> Observation:
        # Where odometry itself moves the images, lengths have nothing left to say.
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
            metres_per_unit=self.metres_per_unit,
        )


class DisparityLearner(Learner):
    """Learn disparity and motion from video alone: the teacher to be, and the baseline."""

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
        disparity = self.net(batch.image)
        depth = depth_from_disparity(disparity)
        predicted = Prediction([depth], self.poses(batch), disparity=disparity)
        ground_truth = teacher_depth(batch.teacher) if self.loss.log_depth else None
        given = self._observation(batch, ground_truth)
        loss = objective(given, predicted, self.loss, progress, generator)
        return loss._replace(terms=loss.terms | {"median_depth": depth.detach().median()})

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        return {"disparity": self.net, "posenet": self.posenet}

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        return self.net.depth(image)

    def _save_net(self, folder: Path, about: dict[str, Any]) -> None:
        self.net.config = replace(self.net.config, **about)
        self.net.save_pretrained(folder)


class JasmineLearner(Learner):
    """Learn depth and reconstruction with one U-Net; both tasks go through it as one batch.

    `teacher` is a net, or True for the maps of the data set; `teacher_unit` its unit of depth in
    units of the student.
    """

    def __init__(
        self,
        model: JasmineModel,
        posenet: PoseNet,
        loss: LossConfig,
        scale: float | None = None,
        known: bool = False,
        *,
        teacher: DisparityNet | bool = False,
        teacher_unit: float = 1.0,
        rebuild: bool = True,
        cache: LatentCache | None = None,
    ) -> None:
        super().__init__(posenet, loss, scale, known)
        self.model, self.rebuild, self.cache = model, rebuild, cache
        if isinstance(teacher, DisparityNet):
            teacher.requires_grad_(False).eval()
        # In a list, so that it is no part of this module: never trained, never saved.
        self._teacher, self._teacher_unit = [teacher], teacher_unit

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch.

        While the VAE learns it has a term of its own; alone, it has no other.
        """
        image, teacher = self._image(batch), self._teach(batch)
        together = _learns(self.model.unet) or not _learns(self.model.vae)
        own: Tensor | None = None
        if _learns(self.model.vae):
            if not together:
                both = torch.cat([image, batch.auxiliary]) if self.rebuild else image
                own = self._autoencode(both, teacher, generator)
                total = self.loss.autoencoder * own
                terms = {"autoencoder": own.detach(), "total": total.detach()}
                return Loss(total, terms, {})
            # The images to rebuild with the U-Net are rebuilt without it too.
            few = batch.auxiliary if self.rebuild else image
            own = self._autoencode(few, None, generator)
        count = len(image)
        latents = self._encode(batch, image)  # [B or 2B,4,h,w], the images to rebuild behind
        tasks = [TASKS[0]] * count + [TASKS[1]] * (len(latents) - count)
        decoded = self.model.decode(self.model.denoise(latents, tasks))
        _, *depths = self.model.ssg(latents[:count], decoded[:count])
        ssi = self.model.ssg.linked(decoded[:count])
        rebuilt = (decoded[count:] + 1) / 2 if self.rebuild else None
        predicted = Prediction(depths, self.poses(batch), ssi, rebuilt)
        observation = self._observation(batch, teacher)
        observation.auxiliary = batch.auxiliary if self.rebuild else None
        loss = objective(observation, predicted, self.loss, progress, generator)
        if own is not None:
            terms = loss.terms | {"autoencoder": own.detach()}
            loss = Loss(loss.total + self.loss.autoencoder * own, terms, loss.maps)
        depth = depths[-1].detach().float()
        # Where the range cuts it off, D_2 has no gradient: a share that grows is a warning.
        clamped = (depth <= 0) | (depth >= self.model.ssg.config.depth_max)
        watched = {"median_depth": depth.median(), "clamped": clamped.float().mean()}
        return loss._replace(terms=loss.terms | watched)

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        model = self.model
        return {"vae": model.vae, "unet": model.unet, "ssg": model.ssg, "posenet": self.posenet}

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        return self.model.predict_depth(image).depth

    def _save_net(self, folder: Path, about: dict[str, Any]) -> None:
        self.model.config = replace(self.model.config, **about)
        save_checkpoint(self.model, folder)

    def _image(self, batch: Batch) -> Tensor:
        """Return what the network sees: any colours where nothing is compared with neighbours."""
        return batch.image if self.loss.photometric else batch.pose_image

    def _encode(self, batch: Batch, image: Tensor) -> Tensor:
        """Return the latents of all images; but for phase 0, nothing before the U-Net learns."""
        images = [image] + ([batch.auxiliary] if self.rebuild else [])
        with torch.set_grad_enabled(_learns(self.model.vae) and torch.is_grad_enabled()):
            if self.cache is None:
                return self.model.encode(torch.cat(images))
            keys = [batch.key[:, 0], batch.key[: len(batch.auxiliary), 1]][: len(images)]
            return self.cache(torch.cat(keys), torch.cat(images), self.model.encode)

    def _autoencode(
        self, image: Tensor, depth: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """Return the loss of the VAE by itself on images, and on depth maps as grey images."""
        if depth is not None:
            grey = percentile_normalised(torch.where(depth > 0, depth, DEPTH_MAX))
            image = torch.cat([image, grey.expand(-1, 3, -1, -1)])
        posterior = self.model.vae.encode(2 * image - 1).latent_dist
        rebuilt = self.model.vae.decode(posterior.sample(generator)).sample
        divergence = posterior.kl().mean() / posterior.mean[0].numel()
        return autoencoder_loss(image, (rebuilt + 1) / 2, divergence)

    @torch.no_grad()
    def _teach(self, batch: Batch) -> Tensor | None:
        """Return the teacher's depth [B,1,H,W] in the student's units, 0 where unknown."""
        teacher = self._teacher[0]
        if not teacher:
            return None
        if isinstance(teacher, DisparityNet):
            depth = teacher.to(batch.image.device).depth(batch.image)
        else:
            depth = batch.teacher
        return teacher_depth(depth, self._teacher_unit)


def make_learner(recipe: Recipe) -> DisparityLearner | JasmineLearner:
    """Build the networks of a recipe, seeded.

    The scale of a unit is that of the weights to start from; else that of the teacher; else what is
    measured when odometry is first heard.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        posenet = _make_posenet(recipe)
        if recipe.learner == "disparity":
            net = _make_disparity_net(recipe)
            own = net.config.metres_per_unit
            return DisparityLearner(net, posenet, recipe.loss, own, known=own is not None)
        model = JasmineModel.from_pretrained(recipe.start)
    if recipe.gradient_checkpointing:
        model.unet.enable_gradient_checkpointing()
        model.vae.enable_gradient_checkpointing()
    if not recipe.refine:
        model.ssg.config = replace(model.ssg.config, iterations=0)
    teacher: DisparityNet | bool = recipe.teacher == TEACHER_MAPS
    if recipe.teacher and not teacher:
        teacher = DisparityNet.from_pretrained(recipe.teacher)
    own = model.config.metres_per_unit
    its = teacher.config.metres_per_unit if isinstance(teacher, DisparityNet) else None
    return JasmineLearner(
        model,
        posenet,
        recipe.loss,
        own or its,
        known=bool(own or its),
        teacher=teacher,
        teacher_unit=its / own if its and own else 1.0,
        rebuild=bool(recipe.data.auxiliary),
        cache=LatentCache() if recipe.cache_latents else None,
    )


def _learns(module: nn.Module) -> bool:
    return next(module.parameters()).requires_grad


def freeze(learner: Learner, trained: Iterable[str]) -> list[nn.Parameter]:
    """Let only the named parts learn; return their parameters."""
    parts, trained = learner.parts(), set(trained)
    for name, part in parts.items():
        part.requires_grad_(name in trained)
        # A frozen net's running statistics stand still too.
        part.train(name in trained)
    return [p for name in sorted(trained) for p in parts[name].parameters()]


def _make_posenet(recipe: Recipe) -> PoseNet:
    sizes = {"small": SMALL_POSENET, "resnet18": PoseNetConfig()}
    if recipe.posenet == OWN_POSENET:
        return PoseNet.from_pretrained(find_checkpoint(Path(recipe.start)) / "posenet").float()
    if recipe.posenet not in sizes:
        return PoseNet.from_pretrained(recipe.posenet).float()
    net = PoseNet(sizes[recipe.posenet])
    _start_encoder(net, recipe.posenet, recipe.imagenet)
    return net


def _make_disparity_net(recipe: Recipe) -> DisparityNet:
    sizes = {"small": SMALL_DISPARITY_NET, "resnet18": DisparityConfig()}
    if recipe.start not in sizes:
        return DisparityNet.from_pretrained(recipe.start)
    net = DisparityNet(sizes[recipe.start])
    _start_encoder(net, recipe.start, recipe.imagenet)
    return net


def _start_encoder(net: PoseNet | DisparityNet, size: str, imagenet: str) -> None:
    """Give a fresh ResNet-18 the weights of a classifier, where a recipe names some."""
    if imagenet and size == "resnet18":
        net.load_imagenet(read_weights(Path(imagenet)), Path(imagenet))
