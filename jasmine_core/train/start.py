# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks that a recipe starts from: checkpoints, an autoencoder, ImageNet's features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import CheckpointError
from jasmine_core.evaluate.autoencoder import expect_autoencoder
from jasmine_core.model.checkpoint import fill, read_weights
from jasmine_core.model.disparity_net import (
    LITE_DISPARITY_NET,
    SMALL_DISPARITY_NET,
    DisparityConfig,
    DisparityNet,
)
from jasmine_core.model.efficientnet import imagenet_weights
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.posenet import SMALL_POSENET, PoseNet, PoseNetConfig
from jasmine_core.train.jasmine_learner import JasmineLearner
from jasmine_core.train.latents import LatentCache
from jasmine_core.train.learner import DisparityLearner
from jasmine_core.train.recipe import OWN_POSENET, TEACHER_MAPS, Recipe

UNMEASURED_SPREAD = 1.0  # of a learned scale: nothing is known of how far it is off


def make_learner(recipe: Recipe) -> DisparityLearner | JasmineLearner:
    """Build the networks of a recipe with its seed.

    The scale of a unit is that of the weights to start from; else that of the teacher; else what is
    measured when odometry is first used. A scale learned from rendered scenes is an estimate
    until odometry confirms it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        posenet = _make_posenet(recipe)
        if recipe.learner == "disparity":
            net = _make_disparity_net(recipe)
            own = net.config.metres_per_unit
            scale = own or recipe.data.metres_per_unit or None
            learner = DisparityLearner(net, posenet, recipe.loss, scale, known=scale is not None)
            learner.scale_spread = net.config.scale_spread if own else UNMEASURED_SPREAD
            return learner
        model = starting_model(recipe)
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
    student = JasmineLearner(
        model,
        posenet,
        recipe.loss,
        own or its or recipe.data.metres_per_unit or None,
        known=bool(own or its or recipe.data.metres_per_unit),
        teacher=teacher,
        teacher_unit=its / own if its and own else 1.0,
        rebuild=bool(recipe.data.auxiliary),
        cache=LatentCache() if recipe.cache_latents else None,
    )
    student.scale_spread = UNMEASURED_SPREAD
    if own:
        student.scale_spread = model.config.scale_spread
    elif isinstance(teacher, DisparityNet) and its:
        student.scale_spread = teacher.config.scale_spread
    return student


def starting_model(recipe: Recipe) -> JasmineModel:
    """Return the model of a recipe's start, with the autoencoder and the features that it names.

    Raises CheckpointError for an autoencoder that does not fit, or is worse than
    `autoencoder_limit`.
    """
    model = JasmineModel.from_pretrained(recipe.start)
    if recipe.autoencoder:
        other = JasmineModel.from_pretrained(recipe.autoencoder)
        if other.config.ssi_space != model.config.ssi_space:
            raise CheckpointError(
                f"{recipe.autoencoder} codes depth as {other.config.ssi_space}, {recipe.start} as "
                f"{model.config.ssi_space}; their latents mean different things"
            )
        fill(model.vae, other.vae.state_dict(), Path(recipe.autoencoder) / "vae")
        model.vae.register_to_config(scaling_factor=other.vae.config.scaling_factor)
        model.vae.requires_grad_(False)
    if recipe.autoencoder_limit and not any("vae" in phase.train for phase in recipe.phases):
        expect_autoencoder(model, recipe.autoencoder_limit, recipe.autoencoder or recipe.start)
    if recipe.imagenet and model.adapter:
        weights, file = imagenet_weights(recipe.imagenet)
        fill(model.adapter.encoder, weights, file)
    return model


def _make_posenet(recipe: Recipe) -> PoseNet:
    sizes = {"small": SMALL_POSENET, "resnet18": PoseNetConfig()}
    if recipe.posenet == OWN_POSENET:
        start = Checkpoint.resolve(recipe.start)
        return PoseNet.from_pretrained(start.jasmine_folder() / "posenet").float()
    if recipe.posenet not in sizes:
        return PoseNet.from_pretrained(recipe.posenet).float()
    net = PoseNet(sizes[recipe.posenet])
    _start_encoder(net, recipe.posenet, recipe.imagenet)
    return net


def _make_disparity_net(recipe: Recipe) -> DisparityNet:
    sizes = {
        "small": SMALL_DISPARITY_NET,
        "resnet18": DisparityConfig(),
        "lite": LITE_DISPARITY_NET,
    }
    if recipe.start not in sizes:
        return DisparityNet.from_pretrained(recipe.start)
    net = DisparityNet(sizes[recipe.start])
    _start_encoder(net, recipe.start, recipe.imagenet)
    return net


def _start_encoder(net: PoseNet | DisparityNet, size: str, imagenet: str) -> None:
    """Load a classifier of the same architecture into a new encoder, if the recipe names one."""
    if imagenet and size == "lite":
        net.load_imagenet(*imagenet_weights(imagenet))
    elif imagenet not in ("", "lite0") and size == "resnet18":
        net.load_imagenet(read_weights(Path(imagenet)), Path(imagenet))
