# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets of engines that passed the accuracy check on this machine; only these are used.

CACHE/validated/NAME.json   EngineSet, written only after the accuracy check has passed
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from jasmine_core.artifacts.card import ExportCard
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.cache_folder import cache_folder
from jasmine_core.config import read_config, write_config
from jasmine_core.engines.accuracy import Accuracy
from jasmine_core.engines.builder import Library, find_library
from jasmine_core.engines.cache import ANY_GPU, PLAN, RECORD, EngineCache, EngineRecord, read_plan
from jasmine_core.engines.gpu import Gpu, find_gpu
from jasmine_core.errors import ConfigError, EngineError
from jasmine_core.files import found_in
from jasmine_core.geometry.camera import Size


@dataclass(frozen=True)
class Target:
    """Library that engines are built with, and GPU that they are built for."""

    library: str  # tensorrt or tensorrt_rtx
    version: str
    gpu: str  # name, or ANY_GPU
    capability: str  # compute capability, such as 8.7


@dataclass(frozen=True)
class ValidatedEngine:
    """Name of an engine in the cache, and the SHA-256 of the plan that was validated."""

    name: str
    sha256: str


@dataclass(frozen=True)
class EngineSet:
    """Engines that run a model for one image size, with their accuracy report."""

    card: ExportCard
    target: Target
    gpu: str  # name of the GPU on which they were validated
    start: str  # requested precision; `accuracy.precision` has the one of each stage
    engines: dict[str, ValidatedEngine]  # by stage, in the order they run in
    accuracy: Accuracy

    def save(self, folder: Path | None = None) -> Path:
        """Activate the set; raise EngineError if it did not pass the accuracy check."""
        if not self.accuracy.passed:
            raise EngineError("engines that fail their accuracy check are not activated")
        digest = hashlib.sha256(repr((self.target, self.gpu)).encode()).hexdigest()[:8]
        name = f"{self.card.model[:16]}-{self.card.width}x{self.card.height}-{self.start}-{digest}"
        file = validated_folder(folder) / f"{name}.json"
        write_config(self, file)
        return file

    def plans(self, folder: Path | None = None) -> dict[str, bytes]:
        """Read the plans by stage; raise EngineError if one differs from the validated plan."""
        cache, plans = EngineCache(folder), {}
        for stage, engine in self.engines.items():
            record, plan = read_plan(cache.folder / engine.name)
            if record.sha256 != engine.sha256:
                raise EngineError(
                    f"{cache.folder / engine.name} was built again and is not validated; run "
                    "`jasmine export CHECKPOINT --tensorrt`"
                )
            plans[stage] = plan
        return plans


def validated_folder(folder: Path | None = None) -> Path:
    """Return the folder of the validated sets."""
    return (folder or cache_folder()) / "validated"


def target_of(library: Library, gpu: Gpu) -> Target:
    """Return the target of engines that a library builds on this machine."""
    name = ANY_GPU if library.ahead_of_time else gpu.name
    return Target(library.name, library.version, name, gpu.capability)


def ready_engines(
    checkpoint: Checkpoint, precision: str = "auto", folder: Path | None = None
) -> list[EngineSet]:
    """Return the validated engines of a checkpoint for this machine.

    Sets are sorted by the distance of their image size from that of the training. TensorRT is
    imported only if a set for this model and GPU is found.
    """
    sets = read_sets(folder)
    gpu = find_gpu() if sets else None
    if gpu is None:
        return []
    return [
        found
        for found in sorted(sets, key=_distance_from_nominal)
        if (found.card.model, found.gpu) == (checkpoint.fingerprint, gpu.name)
        and precision in ("auto", found.start)
        and _fits(found, gpu)
        and _is_there(found, folder)
    ]


def ready_engine(
    checkpoint: Checkpoint,
    size: Size | None = None,
    precision: str = "auto",
    folder: Path | None = None,
) -> EngineSet | None:
    """Return the first of `ready_engines` for a size (width, height) [px], None if none fits."""
    ready = ready_engines(checkpoint, precision, folder)
    return next((found for found in ready if size in (None, found.card.size)), None)


def read_sets(folder: Path | None = None) -> list[EngineSet]:
    """Return all sets that passed; files that cannot be read are skipped."""
    sets = []
    for file in found_in(validated_folder(folder), "*.json"):
        try:
            sets.append(read_config(EngineSet, file))
        except ConfigError:
            continue
    return [found for found in sets if found.accuracy.passed]


def _distance_from_nominal(found: EngineSet) -> int:
    card = found.card
    return abs(card.width * card.height - card.nominal_width * card.nominal_height)


def _fits(found: EngineSet, gpu: Gpu) -> bool:
    try:
        return target_of(find_library(found.target.library), gpu) == found.target
    except EngineError:
        return False


def _is_there(found: EngineSet, folder: Path | None) -> bool:
    cache = EngineCache(folder)
    for engine in found.engines.values():
        place = cache.folder / engine.name
        try:
            record = read_config(EngineRecord, place / RECORD)
            whole = (place / PLAN).stat().st_size == record.length
        except (ConfigError, OSError):
            return False
        if not whole or record.sha256 != engine.sha256:
            return False
    return True
