# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Learner of Jasmine: depth and reconstruction, or its autoencoder alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from jasmine_core.geometry.canonical import canonical_depth, focal_ratio
from jasmine_core.loss.latent import latent_loss
from jasmine_core.loss.objective import Loss, LossConfig, Prediction
from jasmine_core.loss.supervised import autoencoder_loss, code_loss
from jasmine_core.loss.teacher import DEPTH_MAX, percentile_normalised, teacher_depth
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.model.disparity_net import DisparityNet
from jasmine_core.model.jasmine import TASKS, JasmineModel
from jasmine_core.model.posenet import PoseNet
from jasmine_core.train.feed import Batch
from jasmine_core.train.latents import LatentCache
from jasmine_core.train.learner import Learner

SPREAD_SHARE = 0.02  # of a new batch in the running spread of latents


class JasmineLearner(Learner):
    """Learner of depth and reconstruction with one U-Net; both tasks are one batch.

    `teacher` is a net, or True for the maps of the data set; `teacher_unit` its unit of depth in
    units of the student.
    """

    latent_spread: Tensor

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
        # Standard deviation of the latents of a VAE in training; 0 before the first step. It is
        # a buffer, so that it is restored when a run is resumed.
        self.register_buffer("latent_spread", torch.tensor(0.0))
        if isinstance(teacher, DisparityNet):
            teacher.requires_grad_(False).eval()
        self._learned_depth = False  # an autoencoder alone has not learned depth
        # The list keeps the teacher out of this module: it is neither trained nor saved.
        self._teacher, self._teacher_unit = [teacher], teacher_unit

    def forward(self, batch: Batch, progress: float, generator: torch.Generator) -> Loss:
        """Return the loss of a batch.

        While the VAE is trained it has its own term, the only one if the U-Net is not trained.
        """
        image, teacher = self.seen(batch), self._teach(batch)
        with_unet = _learns(self.model.unet) or not _learns(self.model.vae)
        own: Tensor | None = None
        if _learns(self.model.vae):
            if not with_unet:
                both = torch.cat([image, batch.auxiliary]) if self.rebuild else image
                own = self._autoencode(both, teacher, generator)
                total = self.loss.autoencoder * own
                terms = {"autoencoder": own.detach(), "total": total.detach()}
                return Loss(total, terms, {})
            # The images to rebuild with the U-Net are rebuilt without it too.
            few = batch.auxiliary if self.rebuild else image
            own = self._autoencode(few, None, generator)
        self._learned_depth = True
        count = len(image)
        latents = self._encode(batch, image)  # [B or 2B,4,h,w], the images to rebuild behind
        tasks = [TASKS[0]] * count + [TASKS[1]] * (len(latents) - count)
        seen = torch.cat([image, batch.auxiliary]) if self.rebuild else image
        v = self.model.denoise(latents, tasks, self.model.adapt(seen))
        near = self._latent_terms(v, latents, teacher)
        if near and progress < self.loss.decoder_start:
            total = self.loss.latent * near["latent"]
            terms = {name: x.detach() for name, x in near.items()}
            return Loss(total, terms | {"total": total.detach()}, {})
        decoded = self.model.decode(v)
        _, *depths = self.model.refine(latents[:count], decoded[:count])
        ssi = self.model.ssg.linked(decoded[:count])
        rebuilt = (decoded[count:] + 1) / 2 if self.rebuild else None
        code = None
        if teacher is not None and self.model.code.absolute:
            code = self.model.code.encode(teacher)
        before = self._before(batch)
        predicted = Prediction(depths, self.poses(batch), ssi, rebuilt=rebuilt, before=before)
        if self.model.code.absolute:
            predicted.ssi_depth = self.model.code.decode(ssi)
        ratio = self.ratio(batch)
        if ratio is not None:  # the images and their motion are of the real camera
            predicted.depths = [depth * ratio for depth in depths]
            if predicted.ssi_depth is not None:
                predicted.ssi_depth = predicted.ssi_depth * ratio
            teacher = None if teacher is None else teacher * ratio
        observation = self._observation(batch, teacher)
        observation.code = code
        observation.relative = batch.relative if self._teacher[0] is True else None
        observation.auxiliary = batch.auxiliary if self.rebuild else None
        loss = self.objective(observation, predicted, self.loss, progress, generator)
        if near:
            terms = loss.terms | {k: x.detach() for k, x in near.items()}
            loss = Loss(loss.total + self.loss.latent * near["latent"], terms, loss.maps)
        if own is not None:
            terms = loss.terms | {"autoencoder": own.detach()}
            loss = Loss(loss.total + self.loss.autoencoder * own, terms, loss.maps)
        depth = depths[-1].detach().float()
        # A clamped D_2 has no gradient: a growing share of such pixels is a warning.
        clamped = (depth <= self.model.depth_range[0]) | (depth >= self.model.depth_range[1])
        watched = {"median_depth": depth.median(), "clamped": clamped.float().mean()}
        return loss._replace(terms=loss.terms | watched)

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that phases name."""
        model = self.model
        parts = {"vae": model.vae, "unet": model.unet, "ssg": model.ssg, "posenet": self.posenet}
        return parts | ({"adapter": model.adapter} if model.adapter else {})

    def pretrained(self) -> list[nn.Parameter]:
        """Return the weights of the adapter's encoder."""
        return list(self.model.adapter.encoder.parameters()) if self.model.adapter else []

    @property
    def multiple(self) -> int:
        """Return the number [px] that both sides of an image must be multiples of."""
        return self.model.multiple

    def canonical_focal(self) -> float | None:
        """Return the canonical focal length [px] of the learned depth."""
        return self.model.config.canonical_focal

    def expects_one_camera(self) -> bool:
        """Return whether the teacher was trained for one focal length only."""
        teacher = self._teacher[0]
        own = isinstance(teacher, DisparityNet) and teacher.config.canonical_focal is None
        return own and self.canonical_focal() is not None

    def depth(self, image: Tensor) -> Tensor:
        """Return depth [B,1,H,W] in units."""
        return self.model.predict_depth(image).depth

    def _save_net(self, folder: Path, about: dict[str, Any]) -> None:
        if self.latent_spread > 0 and not _learns(self.model.unet):
            # The U-Net needs latents with a standard deviation of about 1, as in Stable Diffusion.
            factor = round(1 / float(self.latent_spread), 5)
            self.model.vae.register_to_config(scaling_factor=factor)
        self.model.config = replace(
            self.model.config,
            **about,
            untrained=self.model.config.untrained and not self._learned_depth,
        )
        save_checkpoint(self.model, folder)

    def _encode(self, batch: Batch, image: Tensor) -> Tensor:
        """Return the latents of all images; they have a gradient only while the VAE learns."""
        images = [image] + ([batch.auxiliary] if self.rebuild else [])
        with torch.set_grad_enabled(_learns(self.model.vae) and torch.is_grad_enabled()):
            if self.cache is None:
                return self.model.encode(torch.cat(images))
            keys = [batch.key[:, 0], batch.key[: len(batch.auxiliary), 1]][: len(images)]
            return self.cache(torch.cat(keys), torch.cat(images), self.model.encode)

    def _autoencode(
        self, image: Tensor, depth: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """Return the loss of the VAE alone on images, and on depth maps as grey images."""
        if depth is not None:
            image = torch.cat([image, self._grey(depth)])
        posterior = self.model.vae.encode(2 * image - 1).latent_dist
        rebuilt = (self.model.vae.decode(posterior.sample(generator)).sample + 1) / 2
        divergence = posterior.kl().mean() / posterior.mean[0].numel()
        if torch.is_grad_enabled():
            spread = posterior.mean.detach().std().float()
            before = torch.where(self.latent_spread > 0, self.latent_spread, spread)
            self.latent_spread.copy_(before.lerp(spread, SPREAD_SHARE))
        if depth is None:
            return autoencoder_loss(image, rebuilt, divergence)
        images = len(image) - len(depth)
        own = autoencoder_loss(image[:images], rebuilt[:images], divergence)
        return own + code_loss(image[images:], rebuilt[images:])

    def _latent_terms(
        self, v: Tensor, latents: Tensor, teacher: Tensor | None
    ) -> dict[str, Tensor]:
        """Return L_lat of depth and reconstruction, and L_lat of depth alone."""
        if not self.loss.latent or teacher is None:
            return {}
        count = len(teacher)
        x0 = self.model.v_to_x0 * v  # [B or 2B,4,h,w]
        with torch.no_grad():
            wanted = self.model.encode(self._grey(teacher))
        depth = latent_loss(x0[:count], wanted, teacher > 0)
        if len(v) == count:
            return {"latent": depth}
        rebuilt = latent_loss(x0[count:], latents[count:])
        return {"latent": depth + rebuilt * (len(v) - count) / count, "latent_depth": depth}

    def _grey(self, depth: Tensor) -> Tensor:
        """Return canonical depth [B,1,H,W] as the grey image [B,3,H,W] in [0,1] of its codes."""
        known = torch.where(depth > 0, depth, DEPTH_MAX)
        code = self.model.code
        codes = code.encode(known) if code.absolute else percentile_normalised(known)
        return codes.expand(-1, 3, -1, -1)

    @torch.no_grad()
    def _teach(self, batch: Batch) -> Tensor | None:
        """Return the teacher's canonical depth [B,1,H,W] in the student's units, 0 = unknown."""
        teacher = self._teacher[0]
        if not teacher:
            return None
        if isinstance(teacher, DisparityNet):
            depth = teacher.to(batch.image.device).depth(batch.image)
            if (focal := teacher.config.canonical_focal) is not None:
                depth = depth * focal_ratio(batch.K, focal)  # of the real camera
        else:
            depth = batch.teacher
        depth = teacher_depth(depth, self._teacher_unit)
        ratio = self.ratio(batch)
        return depth if ratio is None else canonical_depth(depth, ratio, DEPTH_MAX)


def _learns(module: nn.Module) -> bool:
    return next(module.parameters()).requires_grad
