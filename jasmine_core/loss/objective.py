# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training loss: the weighted sum of all terms.

L = L_ph + L_s + L_tc + 0.008 (L_GDS + L_SKY + L_e)        (Eq. 12)
    + w_v L_v + w_t L_t                                    (beyond the paper)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.warp import warp
from jasmine_core.loss.edge import edge_loss
from jasmine_core.loss.latent import gradient_loss
from jasmine_core.loss.photometric import minimum_error, photometric_loss
from jasmine_core.loss.reconstruction import reconstruction_loss
from jasmine_core.loss.sky import sky_loss
from jasmine_core.loss.smoothness import smoothness_loss
from jasmine_core.loss.supervised import log_depth_loss
from jasmine_core.loss.teacher import (
    filter_threshold,
    percentile_normalised,
    refine_loss,
    relative_loss,
    teacher_filter,
    teacher_loss,
)
from jasmine_core.loss.temporal import temporal_loss
from jasmine_core.loss.velocity import METRES_PER_UNIT, velocity_loss, velocity_ramp


@dataclass(frozen=True)
class LossConfig:
    """Weights and settings of the loss terms; a term of weight 0 is left out."""

    photometric: float = 1.0  # at 0 nothing is warped, and the teacher is not filtered
    motion: Literal["posenet", "odometry"] = "posenet"  # odometry: where it is known
    reconstruction: float = 1.0
    teacher: float = 1.0
    regularization: float = 0.008  # weight of each of smoothness, sky and edge
    velocity: float = 0.1  # a small weight fixes the scale, which the other terms leave free
    velocity_start: float = 0.4  # progress at which it begins; 0 for a net with a known scale
    temporal: float = 0.0  # agreement with the image before along odometry; 0.3 beside log_depth 1
    filter_floor: float = 0.0  # least threshold of the teacher's filter; 0.3 for a tiny model
    filter_ssi: bool = True  # let the filter also mask the teacher of D_SSI
    drop_outside: bool = False  # pixels that no source saw: no photometric loss, always a teacher
    log_depth: float = 0.0  # phase 0: the teacher is the ground truth, by relative error
    far: float = 0.0  # extra weight in log_depth of a depth that is too far; at 1 it is AbsRel
    latent: float = 0.0  # phase 0: the U-Net's latents against those of the ground truth
    decoder_start: float = 0.0  # progress until which latents are all that is compared
    gradient: float = 0.0  # phase 0: steps of depth where ground truth has them
    autoencoder: float = 0.0  # phase 0: reconstruction by the VAE alone, while it learns

    def __post_init__(self) -> None:
        for name, value in ((f.name, getattr(self, f.name)) for f in fields(self)):
            if not isinstance(value, str) and not 0 <= value < float("inf"):
                raise ConfigError(f"loss setting {name} = {value} must be 0 or more")


@dataclass
class Observation:
    """Inputs of the loss for B samples; their S sources are neighbours in time."""

    image: Tensor  # [B,3,H,W] in [0,1], without colour jitter
    sources: Sequence[Tensor]  # S of [B,3,H,W]
    K: Tensor  # [B,3,3] or [3,3] [px]
    teacher: Tensor | None = None  # [B,1,H,W] depth in units up to 3, 0 = unknown
    relative: Tensor | None = None  # [B] bool, the teacher's disparity has no scale and shift
    dynamic: Tensor | None = None  # [B,1,H,W] bool, things that move by themselves
    code: Tensor | None = None  # [B,1,H,W] of the teacher's depth, where codes are absolute
    sky: Tensor | None = None  # [B,1,H,W] bool
    seen: Tensor | None = None  # [B,1,H,W] bool, not the margins of a letterbox or a rectification
    odometry: Tensor | None = None  # [B,S] length of the way to each source [m], NaN = unknown
    motion: Tensor | None = None  # [B,4,4] to the first source [units], NaN = unknown
    auxiliary: Tensor | None = None  # [M,3,H,W] in [0,1], I_m, to be rebuilt
    metres_per_unit: float | Tensor = METRES_PER_UNIT


@dataclass
class Prediction:
    """Outputs of the networks for an `Observation`."""

    depths: Sequence[Tensor]  # D_1, D_2, ... [B,1,H,W] in units; the last is the result, D_SI
    T_source_target: Sequence[Tensor]  # S of [B,4,4], translation in units
    ssi: Tensor | None = None  # [B,1,H,W] D_SSI; a disparity net has none
    ssi_depth: Tensor | None = None  # [B,1,H,W] the depth that an absolute D_SSI means
    rebuilt: Tensor | None = None  # [M,3,H,W] I_rec
    before: Tensor | None = None  # [B,1,H,W] depth of the first source, without a gradient
    disparity: Tensor | None = None  # [B,1,H,W] smoothed in place of D_SI where a net predicts it


class Loss(NamedTuple):
    """Weighted sum of the terms, each term before its weight, and maps for display."""

    total: Tensor  # []
    terms: dict[str, Tensor]  # [] each, detached
    maps: dict[str, Tensor]  # [B,C,H,W] each, detached


class Objective(Protocol):
    """Function that computes the loss of a batch: `objective`, or one that adds terms to it."""

    def __call__(
        self,
        given: Observation,
        predicted: Prediction,
        config: LossConfig,
        progress: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """Return the loss of a batch; the arguments are those of `objective`."""
        ...


def objective(
    given: Observation,
    predicted: Prediction,
    config: LossConfig,
    progress: float = 0.0,
    generator: torch.Generator | None = None,
) -> Loss:
    """Return the loss of a batch; terms whose inputs are missing are left out.

    `progress` = step / steps tightens the teacher's filter and brings in the velocity; `generator`
    breaks the auto-mask's ties. `maps` has warped (from the first source), error (inf where
    `drop_outside` found no source), moving (the auto-mask) and trusted (the filter).
    """
    compare = config.photometric > 0
    depths = [_wide(depth) for depth in predicted.depths]
    poses = [_wide(T) for T in predicted.T_source_target]
    ssi = None if predicted.ssi is None else _wide(predicted.ssi)
    weighted: list[tuple[str, float, Tensor]] = []

    maps: dict[str, Tensor] = {}

    # 1. L_ph: on the final depth alone, as in the paper. No gradient passes from it to an absolute
    # D_SSI, whose depth is therefore compared too; a relative one has only the teacher.
    if compare:
        warped, error = _reproject(given, depths[-1], poses, config.drop_outside)
        photometric = photometric_loss(given.image, given.sources, error, generator)
        weighted.append(("photometric", config.photometric, photometric.loss))
        maps = {"warped": warped, "error": error.detach(), "moving": photometric.moving}
        if predicted.ssi_depth is not None:
            _, error = _reproject(given, _wide(predicted.ssi_depth), poses, config.drop_outside)
            first = photometric_loss(given.image, given.sources, error, generator)
            weighted.append(("photometric_ssi", config.photometric, first.loss))

    # 2. L_s: in image space, on other images.
    if given.auxiliary is not None and predicted.rebuilt is not None:
        loss = reconstruction_loss(given.auxiliary, _wide(predicted.rebuilt))
        weighted.append(("reconstruction", config.reconstruction, loss))

    # 3. L_tc: the filter uses the pose net's own motion, and teaches it nothing.
    if given.teacher is not None and config.teacher + config.log_depth > 0:
        known = given.teacher > 0
        known = known if given.seen is None else known & given.seen
        predictions = [] if predicted.ssi_depth is None else [_wide(predicted.ssi_depth)]
        if given.relative is not None and bool(given.relative.any()):
            relative = given.relative.view(-1, 1, 1, 1)
            loss = relative_loss([*predictions, *depths], given.teacher, known & relative)
            weighted.append(("teacher_relative", config.teacher, loss))
            known = known & ~relative
        # The student's own depth where there is no other: nothing to learn, and no step beside it.
        teacher = torch.where(known, given.teacher, depths[-1].detach())
        trusted = known
        if compare and config.teacher > 0:
            with torch.no_grad():
                _, doubt = _reproject(given, teacher, poses, config.drop_outside)
                threshold = filter_threshold(progress, config.filter_floor)
                trusted = teacher_filter(doubt, threshold) & known
        maps["trusted"] = trusted
        if config.log_depth > 0:
            loss = log_depth_loss([*predictions, *depths], teacher, known, config.far)
            weighted.append(("log_depth", config.log_depth, loss))
        if config.teacher > 0:
            loss = refine_loss(depths, teacher, trusted)
            weighted.append(("teacher_depth", config.teacher, loss))
        if ssi is not None and config.teacher > 0:
            if given.code is None:
                target = percentile_normalised(torch.where(known, teacher, torch.nan))
            else:
                target = given.code
            target = torch.where(known, target, ssi.detach())
            loss = teacher_loss(ssi, target, trusted if config.filter_ssi else known)
            weighted.append(("teacher_ssi", config.teacher, loss))
            if config.gradient > 0:
                loss = gradient_loss(ssi, target, known)
                weighted.append(("gradient", config.gradient, loss))

    # 4. L_a: smoothness, sky and edges.
    smooth = depths[-1] if predicted.disparity is None else _wide(predicted.disparity)
    loss = smoothness_loss(smooth, given.image, given.dynamic)
    weighted.append(("smoothness", config.regularization, loss))
    if ssi is not None:
        if given.sky is not None:
            weighted.append(("sky", config.regularization, sky_loss(ssi, given.sky)))
        edges = ssi if predicted.ssi_depth is None else _wide(predicted.ssi_depth)
        weighted.append(("edge", config.regularization, edge_loss(edges, depths)))

    # 5. L_v: the length of every motion.
    if given.odometry is not None and poses:
        translation = torch.stack([T[:, :3, 3] for T in poses], dim=1)  # [B,S,3]
        loss = velocity_loss(translation, given.odometry, given.metres_per_unit)
        weight = config.velocity * velocity_ramp(progress, config.velocity_start)
        weighted.append(("velocity", weight, loss))

    # 6. L_t: the depth of the image before, along a known motion.
    if config.temporal > 0 and given.motion is not None and predicted.before is not None:
        static = torch.ones_like(depths[-1], dtype=torch.bool)
        for mask in (given.dynamic, given.sky):
            static = static if mask is None else static & ~mask
        static = static if given.seen is None else static & given.seen
        before = _wide(predicted.before)
        loss = temporal_loss(depths[-1], before, given.K, given.motion, static)
        weighted.append(("temporal", config.temporal, loss))

    total = torch.stack([weight * loss for _, weight, loss in weighted if weight > 0]).sum()
    terms = {name: loss.detach() for name, _, loss in weighted}
    return Loss(total, terms | {"total": total.detach()}, maps)


def _reproject(
    given: Observation, depth: Tensor, poses: Sequence[Tensor], drop_outside: bool
) -> tuple[Tensor, Tensor]:
    """Return the first source as the target sees it, and the least error over all sources."""
    views = [warp(s, depth, given.K, T) for s, T in zip(given.sources, poses, strict=True)]
    inside = [view.inside for view in views] if drop_outside else None
    error = minimum_error(given.image, [view.image for view in views], inside)
    if given.seen is not None:  # a margin shows no scene: nothing to compare, nothing to learn
        error = error.masked_fill(~given.seen, torch.inf)
    return views[0].image.detach(), error


def _wide(values: Tensor) -> Tensor:
    # SSIM and warp take differences of near-equal numbers, which half precision does not have.
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
