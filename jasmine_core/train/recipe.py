# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recipe of a training; read from YAML, and saved beside its results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jasmine_core.config import from_mapping, read_mapping
from jasmine_core.errors import ConfigError
from jasmine_core.loss.objective import LossConfig

TEACHER_MAPS = "dataset"  # the teacher is depth maps beside the images
BASE = "extends"  # the key of a recipe file that names its base recipe
RENAMED = {  # keys of older recipes, and what the new key is set to
    "start_share": ("wise_ft_weight", "1 - start_share, the weight of the fine-tuned weights"),
    "picture_every": ("image_every", "the same number"),
    "loss.auxiliary": ("loss.regularization", "the same number"),
}
OWN_POSENET = "own"  # the pose net of the starting checkpoint
PARTS = {  # parts that a phase may train
    # The VAE in phase 0 of small models only; the adapter where a model has one.
    "jasmine": ("vae", "unet", "ssg", "adapter", "posenet"),
    "disparity": ("disparity", "posenet"),
}
EVERY = ("log_every", "image_every", "save_every", "validate_every")


@dataclass(frozen=True)
class KittiConfig:
    """KITTI raw and the lists of its images."""

    root: str  # folder with the recording days
    train: str  # lines such as `DATE/DRIVE 12 l`, as in eigen_zhou/train_files.txt
    validate: str = ""  # lines of the same form


@dataclass(frozen=True)
class OtherShape:
    """Images of a second shape, for every n-th batch."""

    sequences: tuple[str, ...]  # as in DataConfig
    width: int  # [px] of these images
    height: int
    every: int = 3  # batches, of which the last one has this shape


@dataclass(frozen=True)
class DataConfig:
    """Training images and their augmentation."""

    sequences: tuple[str, ...] = ()  # folders of `jasmine prepare`, or folders of such
    kitti: KittiConfig | None = None  # in addition to the sequences, or instead of them
    width: int = 0  # [px] of training images; 0: that of the starting checkpoint
    height: int = 0
    other: OtherShape | None = None  # batches of another shape in between
    auxiliary: str = "self"  # images to rebuild: "self", a folder, or "" for none
    own_share: float = 0.3  # share of own images among the auxiliary ones (lambda, Table 6)
    rebuilt_share: float = 1.0  # images to rebuild for each image of depth, rounded up
    flip: float = 0.5  # chance to mirror a sample
    jitter: float = 0.5  # chance to change the colours that the pose net sees
    degrade: float = 0.0  # chance of blur, noise and wrong exposure in the same images
    paste: float = 0.0  # chance of upright surfaces with other textures, where depth is exact
    zoom: float = 1.0  # largest enlargement of a random part, with its intrinsics
    metres_per_unit: float = 0.0  # of all maps of depth, for one scale in all scenes; 0: as stored
    held_out: float = 0.05  # share of each sequence, at its end, for validation only
    workers: int = 2  # processes that read images


@dataclass(frozen=True)
class OptimiserConfig:
    """Settings of AdamW and of its learning rate's schedule."""

    learning_rate: float = 3e-5
    warm_up: int = 100  # steps of linear rise
    final_share: float = 0.01  # of the learning rate, reached exponentially at the last step
    pretrained_share: float = 0.25  # of the rate, for an adapter's ImageNet weights
    weight_decay: float = 0.01
    clip: float = 1.0  # largest norm of the gradients of all parameters

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step in 0..steps-1."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(1, steps - self.warm_up)
        return self.learning_rate * math.exp(share * math.log(self.final_share))


@dataclass(frozen=True)
class Phase:
    """Part of a training in which some modules learn and the others are frozen."""

    steps: int
    train: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """Complete description of one training."""

    learner: Literal["jasmine", "disparity"]
    start: str  # checkpoint folder or random:tiny; or for a disparity net small, resnet18, lite
    phases: tuple[Phase, ...]
    posenet: str = "small"  # small, resnet18, a folder, or own: that of the starting checkpoint
    teacher: str = ""  # folder of a disparity net, "dataset" for prepared maps, or "" for none
    # alpha of WiSE-FT (arXiv 2109.01903): weight of the fine-tuned weights in a checkpoint. 1 saves
    # the end of the training as it is, 0 the starting weights.
    wise_ft_weight: float = 1.0
    refine: bool = True  # False: without the Scale-Shift GRU (paper Table 3)
    imagenet: str = ""  # for fresh encoders: resnet18's safetensors of torchvision, or lite0
    batch_size: int = 4  # sum over all processes
    accumulate: int = 1  # batches per step
    precision: Literal["no", "bf16"] = "no"
    gradient_checkpointing: bool = False
    autoencoder: str = ""  # checkpoint whose frozen VAE is taken in place of the start's own
    autoencoder_limit: float = 0.0  # largest AbsRel of its depth round trip; 0: not measured
    cache_latents: bool = True  # keep the frozen encoder's latents in memory; sd2: 160 kB an image
    seed: int = 42
    log_every: int = 10  # steps
    image_every: int = 200
    save_every: int = 500
    keep: int = 3  # newest states kept
    validate_every: int = 500
    data: DataConfig = field(default_factory=DataConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        def refuse(reason: str) -> None:
            raise ConfigError(f"impossible recipe: {reason}")

        if not self.phases or any(p.steps < 1 for p in self.phases):
            refuse("every phase needs at least one step, and there must be one")
        parts = PARTS[self.learner]
        for phase in self.phases:
            if not phase.train or set(phase.train) - set(parts):
                refuse(f"a phase trains {list(phase.train)}; choose from {', '.join(parts)}")
        for name in ("batch_size", "accumulate", "keep", *EVERY):
            if getattr(self, name) < 1:
                refuse(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not abs(self.seed) < 1 << 62:
            refuse(f"seed is {self.seed}; it must be a number of at most 62 bits")
        if not self.data.sequences and not self.data.kitti:
            refuse("data.sequences is empty; list folders of `jasmine prepare`, or set data.kitti")
        shares = "own_share", "rebuilt_share", "flip", "jitter", "degrade", "paste", "held_out"
        for name in shares:
            if not 0 <= getattr(self.data, name) <= 1:
                refuse(f"data.{name} is {getattr(self.data, name)}; it is a share from 0 to 1")
        if not 0 <= self.wise_ft_weight <= 1:
            refuse(f"wise_ft_weight is {self.wise_ft_weight}; it is a weight from 0 to 1")
        if self.data.held_out == 1:
            refuse("data.held_out is 1, which leaves nothing to train on")
        if not 1 <= self.data.zoom <= 4:
            refuse(f"data.zoom is {self.data.zoom}; an enlargement is from 1 to 4")
        if min(self.data.width, self.data.height, self.data.workers, self.data.metres_per_unit) < 0:
            refuse("data.width, height, workers and metres_per_unit cannot be negative")
        other = self.data.other
        if other and not (other.sequences and min(other.width, other.height) > 0 < other.every - 1):
            refuse("data.other needs sequences, a width, a height, and every above 1")
        o = self.optimiser
        if not (o.learning_rate > 0 and 0 < o.final_share <= 1 and o.clip > 0 and o.warm_up >= 0):
            refuse("learning_rate, clip must be positive, final_share in 0..1, warm_up at least 0")
        if not 0 < o.pretrained_share <= 1:
            refuse(f"optimiser.pretrained_share is {o.pretrained_share}; it is a share up to 1")
        if not 0 <= o.weight_decay < math.inf:
            refuse(f"optimiser.weight_decay is {o.weight_decay}; it must be 0 or more")
        if self.learner == "disparity" and self.teacher:
            refuse("a disparity net is the teacher and has none itself")
        needs_maps = self.loss.log_depth or self.loss.latent
        if needs_maps and self.learner == "jasmine" and self.teacher != TEACHER_MAPS:
            refuse(f"loss.log_depth and loss.latent take exact depth: set teacher: {TEACHER_MAPS}")
        vae_learns = any("vae" in phase.train for phase in self.phases)
        if self.cache_latents and self.learner == "jasmine":
            if vae_learns:
                refuse("a VAE that learns has no latents to keep; set cache_latents: false")
            if self.data.zoom > 1:
                refuse("with data.zoom no image comes twice; set cache_latents: false")
            if not self.loss.photometric:
                refuse("without loss.photometric colours vary; set cache_latents: false")
        if self.data.paste and (self.loss.photometric or self.cache_latents):
            refuse(
                f"data.paste is {self.data.paste}, but pasted surfaces are in one image only; set "
                "loss.photometric: 0 and cache_latents: false"
            )
        if vae_learns and not self.loss.autoencoder:
            refuse("a VAE that learns needs loss.autoencoder above 0")
        if self.learner == "disparity" and not self.refine:
            refuse("refine: false is for jasmine; a disparity net refines nothing")

    @property
    def steps(self) -> int:
        """Return the steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> Phase:
        """Return the phase that a step in 0..steps-1 belongs to."""
        end = 0
        for phase in self.phases:
            end += phase.steps
            if step < end:
                return phase
        raise ValueError(f"step {step} lies beyond the {end} steps of the recipe")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe and the recipes that it extends.

    `extends: FILE` names one base recipe, relative to the recipe that names it. A mapping is merged
    with that of the base key by key; any other value, a list too, replaces that of the base.

    Raises:
        ConfigError: a key or value is wrong, or a base is missing or extends itself.
    """
    values, chain = _resolved(path, ())
    bases = ", ".join(map(str, chain[1:]))
    source = f"{path} (extends {bases})" if bases else str(path)
    for old, (new, value) in RENAMED.items():
        *groups, name = old.split(".")
        found: Any = values
        for group in groups:
            found = found.get(group)
        if isinstance(found, Mapping) and name in found:
            raise ConfigError(f"{source}: {old} was renamed to {new}; set it to {value}")
    return from_mapping(Recipe, values, source)


def _resolved(path: Path, derived: tuple[Path, ...]) -> tuple[Mapping[str, Any], tuple[Path, ...]]:
    """Return the merged values of a recipe, and the chain of files from `derived` to its base."""
    chain = (*derived, path)
    if path.resolve() in (file.resolve() for file in derived):
        raise ConfigError(f"{derived[0]} extends itself: {' -> '.join(map(str, chain))}")
    values = dict(read_mapping(path))
    base = values.pop(BASE, None)
    if base is None:
        return values, chain
    if not isinstance(base, str) or not base:
        raise ConfigError(f"{path}: {BASE} is {base!r}; it must be the path of one recipe")
    file = path.parent / base
    if not file.is_file():
        raise ConfigError(f"{path}: {BASE} is {base}, but {file} is not a file")
    inherited, chain = _resolved(file, chain)
    return _merged(inherited, values), chain


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the changes; mappings in both are merged, other values replaced."""
    merged = dict(base)
    for name, value in changes.items():
        before = merged.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            value = _merged(before, value)
        merged[name] = value
    return merged
