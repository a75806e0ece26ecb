# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training batches; each is a pure function of its step, so a resumed run gets the same images."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from jasmine_core.child import blocked_signals, ignore_signals, kill_workers_at_exit
from jasmine_core.dataset.samples import Loaded, Sample
from jasmine_core.dataset.sequence import MOVING, SKY, DatasetError, read_image
from jasmine_core.errors import ConfigError
from jasmine_core.geometry.camera import Size, stretch
from jasmine_core.geometry.rigid import Array, inverse
from jasmine_core.loss.teacher import DEPTH_MAX
from jasmine_core.store.members import File, fetch
from jasmine_core.train.augment import Colours, Degradation, random_part
from jasmine_core.train.auxiliary import auxiliary_images, filling
from jasmine_core.train.pasted import paste_surfaces
from jasmine_core.train.recipe import DataConfig

RgbImage = NDArray[np.uint8]


@dataclass
class Batch:
    """Batch of B samples; images are float32 in [0,1], sources are (before, after)."""

    image: Tensor  # [B,3,H,W]
    sources: Tensor  # [B,2,3,H,W]
    K: Tensor  # [B,3,3]
    motion: Tensor  # [B,2,4,4] T_source_target of each source in metres, NaN where unknown
    auxiliary: Tensor  # [M,3,H,W] to be rebuilt; zeros where there is none
    teacher: Tensor  # [B,1,H,W] prepared depth [units], 0 where unknown
    relative: Tensor  # [B] bool, the disparity of these maps has an unknown scale and shift
    moving: Tensor  # [B,1,H,W] bool
    sky: Tensor  # [B,1,H,W] bool
    seen: Tensor  # [B,1,H,W] bool, not the margins of a letterbox or a rectification
    pose_image: Tensor  # [B,3,H,W] the same with changed colours, for the pose net
    pose_sources: Tensor  # [B,2,3,H,W]
    key: Tensor  # [B,2] identity of image and auxiliary, for caches; mirrored ones differ

    @property
    def odometry(self) -> Tensor:
        """Return the distance to each source [B,2] in metres, NaN where unknown."""
        distance: Tensor = torch.linalg.vector_norm(self.motion[..., :3, 3], dim=-1)
        return distance

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return Batch(**moved)


class _Key(NamedTuple):
    step: int
    position: int  # within the global batch
    sample: int


@dataclass(frozen=True)
class _Plan:
    """Choices of one sample at one place of one step, with the files that it needs."""

    key: _Key
    sample: Sample
    rng: random.Random  # after the choices
    mirrored: bool
    auxiliary: File | None  # image to rebuild
    identity: int  # number of the sample whose image that is, -1 for another one
    along: float  # place of its part, 0 to 1
    files: list[File]


class Images(Dataset[dict[str, Tensor]]):
    """Data set of augmented samples; a sample depends on its key alone."""

    def __init__(
        self, samples: list[Sample], config: DataConfig, size: Size, seed: int, first_key: int = 0
    ) -> None:
        self.samples, self.config, self.size, self.seed = samples, config, size, seed
        self.first_key = first_key  # Sets that share a cache have different keys.
        self.auxiliary = auxiliary_images(config.auxiliary)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: _Key) -> dict[str, Tensor]:
        """Return sample `key.sample` as it appears at one place of one step."""
        return self.__getitems__([key])[0]

    def __getitems__(self, keys: list[_Key]) -> list[dict[str, Tensor]]:
        """Return several samples, whose files are read at the same time if they are in a store."""
        plans = [self._plan(key) for key in keys]
        data = fetch(file for plan in plans for file in plan.files)
        return [self._augmented(plan, data) for plan in plans]

    def _plan(self, key: _Key) -> _Plan:
        """Choose what a sample consists of."""
        place = f"{self.seed}/{key.step}/{key.position}"
        rng = random.Random(place)
        mirrored = rng.random() < self.config.flip
        auxiliary, identity, along = self._choose_auxiliary(rng)
        own = self.samples[key.sample]
        files = own.files if auxiliary is None else [*own.files, auxiliary]
        return _Plan(key, own, rng, mirrored, auxiliary, identity, along, files)

    def _augmented(self, plan: _Plan, data: Mapping[File, bytes]) -> dict[str, Tensor]:
        """Read and augment a sample."""
        key, rng, mirrored = plan.key, plan.rng, plan.mirrored
        place = f"{self.seed}/{key.step}/{key.position}"
        part = random_part(random.Random(f"{place}/part"), self.config.zoom)
        sample = plan.sample.read(self.size, part, data)
        if sample.camera is None or len(sample.sources) != 2:
            raise DatasetError(
                f"{plan.sample.image} has no camera or neighbours; it is a test image"
            )
        auxiliary = self._auxiliary(plan, sample.target, data)
        colours = Colours(rng) if rng.random() < self.config.jitter else None
        faults = Degradation(rng) if rng.random() < self.config.degrade else None

        K = sample.camera.K.copy()
        if mirrored:
            K[0, 2] = self.size[0] - 1 - K[0, 2]

        def tensor(image: NDArray[Any]) -> Tensor:
            flipped = image[:, ::-1] if mirrored else image
            planes = flipped.transpose(2, 0, 1) if flipped.ndim == 3 else flipped[None]
            return torch.from_numpy(np.ascontiguousarray(planes))

        target, teacher = sample.target, self._depth(sample, key.sample)
        added = np.zeros(self.size[::-1], bool)
        pasting = random.Random(f"{place}/paste")
        if teacher is not None and pasting.random() < self.config.paste:
            texture = auxiliary if auxiliary.any() else target
            target, teacher, added = paste_surfaces(
                pasting, target, teacher, sample.camera.K, texture
            )

        def changed(image: RgbImage) -> Tensor:
            image = colours(image) if colours else image
            return tensor(faults(image) if faults else image)

        blank = np.zeros(self.size[::-1], np.float32)
        classes = np.zeros(self.size[::-1], np.uint8) if sample.classes is None else sample.classes
        motions = [_towards(T, mirrored) for T in sample.motions]
        return {
            "image": tensor(target),
            "sources": torch.stack([tensor(s) for s in sample.sources]),
            "K": torch.from_numpy(K).float(),
            "motion": torch.from_numpy(np.stack(motions)).float(),
            "auxiliary": tensor(auxiliary),
            "teacher": tensor(blank if teacher is None else teacher),
            "relative": torch.tensor(self.samples[key.sample].relative),
            "moving": tensor(np.isin(classes, MOVING) & ~added),
            "sky": tensor((classes == SKY) & ~added),
            "seen": tensor(blank == 0 if sample.seen is None else sample.seen),
            "pose_image": changed(target),
            "pose_sources": torch.stack([changed(s) for s in sample.sources]),
            "key": self._identities(
                -1 if part or added.any() else key.sample, plan.identity, mirrored
            ),
        }

    def _depth(self, sample: Loaded, number: int) -> NDArray[np.float32] | None:
        """Return the map of depth [H,W] in units, 0 = unknown.

        If the recipe sets one unit for all scenes, exact depth is preferred to maps in a known
        unit. Sky and depth beyond the range of the network get the largest depth.
        """
        unit = self.config.metres_per_unit
        if not unit or sample.teacher is None or self.samples[number].relative:
            return sample.teacher
        if sample.depth is not None:
            far = (sample.depth == 0) & (sample.teacher > 0)
            return np.where(far, DEPTH_MAX, sample.depth / np.float32(unit)).clip(max=DEPTH_MAX)
        same = sample.teacher * np.float32((self.samples[number].metres_per_unit or unit) / unit)
        return np.asarray(np.where(sample.teacher < DEPTH_MAX, same, DEPTH_MAX), np.float32)

    def _identities(self, image: int, auxiliary: int, mirrored: bool) -> Tensor:
        """Return the keys [2] of the two images, below 0 for one that does not occur again."""
        numbers = [
            2 * (self.first_key + n) + mirrored if n >= 0 else -1 for n in (image, auxiliary)
        ]
        return torch.tensor(numbers)

    def _choose_auxiliary(self, rng: random.Random) -> tuple[File | None, int, float]:
        """Choose the image to rebuild (Eq. 5): one of the samples, or part of an auxiliary one.

        Returns:
            The image, the number of its sample or -1, and the place of the part from 0 to 1.
        """
        if not self.config.auxiliary:
            return None, -1, 0.0
        if not self.auxiliary or rng.random() < self.config.own_share:
            other = rng.randrange(len(self.samples))
            return self.samples[other].image, other, 0.0
        # The part is random, so the image differs each time and must not be cached.
        return self.auxiliary[rng.randrange(len(self.auxiliary))], -1, rng.random()

    def _auxiliary(self, plan: _Plan, own: RgbImage, data: Mapping[File, bytes]) -> RgbImage:
        """Return the image to rebuild [H,W,3]; zeros if there is none."""
        if plan.auxiliary is None:
            return np.zeros_like(own)
        if plan.identity == plan.key.sample:
            return own
        image = read_image(plan.auxiliary, data.get(plan.auxiliary))
        if plan.identity < 0:
            return filling(image, self.size, plan.along)
        # As `Sample.read` resizes it: the same image must have the same latent.
        return stretch((image.shape[1], image.shape[0]), self.size).image(image)


class Feed:
    """Batches of one process, from any step on."""

    def __init__(
        self,
        images: Images,
        batch_size: int,
        rank: int = 0,
        processes: int = 1,
        workers: int = 0,
    ) -> None:
        if batch_size % processes:
            raise ConfigError(
                f"batch_size {batch_size} cannot be shared by {processes} processes; make it a "
                f"multiple of {processes}"
            )
        self.images, self.batch_size = images, batch_size
        self.rank, self.processes, self.workers = rank, processes, workers
        self._epoch, self._shuffled = -1, list[int]()  # the order of the samples in one epoch

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """Yield this process's part of the batches first..last-1."""
        yield from self.at(range(first, last))

    def at(self, steps: Iterable[int]) -> Iterator[Batch]:
        """Yield this process's part of the batches of some steps."""
        loader = DataLoader(
            self.images,
            batch_sampler=(self._keys(step) for step in steps),
            num_workers=self.workers,
            persistent_workers=False,
            prefetch_factor=4 if self.workers else None,
            worker_init_fn=_begin_worker,
        )
        if self.workers:
            kill_workers_at_exit()
        with blocked_signals():
            loaded = iter(loader)
        rebuilt = math.ceil(self.batch_size / self.processes * self.images.config.rebuilt_share)
        for tensors in loaded:
            floats = {k: t.float() / 255 for k, t in tensors.items() if t.dtype == torch.uint8}
            batch = Batch(**(tensors | floats))
            batch.auxiliary = batch.auxiliary[:rebuilt]
            yield batch

    def _keys(self, step: int) -> list[_Key]:
        """Return the samples of a step: every epoch is one shuffled pass over all of them."""
        count = len(self.images)
        part = self.batch_size // self.processes
        positions = range(self.rank * part, (self.rank + 1) * part)
        keys = []
        for position in positions:
            epoch, place = divmod(step * self.batch_size + position, count)
            keys.append(_Key(step, position, self._order(epoch)[place]))
        return keys

    def _order(self, epoch: int) -> list[int]:
        if self._epoch != epoch:
            self._epoch, self._shuffled = epoch, list(range(len(self.images)))
            random.Random(f"{self.images.seed}/epoch {epoch}").shuffle(self._shuffled)
        return self._shuffled


def without_augmentation(config: DataConfig) -> DataConfig:
    """Return the same data without augmentation, for validation."""
    return replace(config, flip=0.0, jitter=0.0, degrade=0.0, zoom=1.0, paste=0.0)


def _begin_worker(_: int) -> None:
    ignore_signals()  # A signal to the process group would end the workers before the last step.
    cv2.setNumThreads(0)  # The workers are many already.


def _towards(T_target_source: Array | None, mirrored: bool) -> Array:
    """Return T_source_target [4,4], NaN where unknown, as a mirrored camera would move."""
    if T_target_source is None:
        return np.full((4, 4), np.nan)
    side = np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0, 1.0])
    return side @ inverse(T_target_source) @ side
