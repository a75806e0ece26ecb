# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Preparation of engines: export, build, accuracy check, precision fallback and activation."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from jasmine_core.cache_folder import cache_folder
from jasmine_core.config import read_config, write_config
from jasmine_core.engines.accuracy import Accuracy, Stage, Tolerance, measure
from jasmine_core.engines.builder import Library, build_engine
from jasmine_core.engines.cache import RECORD, EngineCache, EngineKey, EngineRecord, hash_files
from jasmine_core.engines.graphs import STAGES, EngineGraphs
from jasmine_core.engines.precision_fallback import HALF, SINGLE, choose_levels
from jasmine_core.engines.reference_outputs import Reference, make_reference, read_reference
from jasmine_core.engines.validated_set import EngineSet, Target, ValidatedEngine
from jasmine_core.errors import EngineError

ACCURACY = "accuracy.json"
_log = logging.getLogger(__name__)
IMAGES = 4  # number of images in the accuracy check


class EngineRefusedError(EngineError):
    """An engine is complete, but TensorRT cannot load it."""


@dataclass(frozen=True)
class StageEngine:
    """Paths of an engine and of the graph that it was built from."""

    graph: Path
    engine: Path  # folder in the cache


Loader = Callable[[Mapping[str, StageEngine]], Mapping[str, Stage]]


class EnginePreparation:
    """Preparation of the engines of one model and image size for one target machine."""

    def __init__(
        self,
        graphs: EngineGraphs,
        library: Library,
        target: Target,
        folder: Path | None = None,
    ) -> None:
        self.graphs, self.library, self.target = graphs, library, target
        self._folder = folder or cache_folder()
        self._cache = EngineCache(folder)

    def build(self, levels: Mapping[str, str]) -> dict[str, StageEngine]:
        """Return an engine for each stage at its level; build those missing from the cache."""
        return {stage: self._make(stage, levels[stage]) for stage in STAGES}

    def validate(
        self,
        load: Loader,
        gpu: str,
        start: str = HALF,
        tolerance: Tolerance | None = None,
    ) -> EngineSet:
        """Build engines, fall back in precision until they pass the accuracy check, activate them.

        Args:
            load: Loads engines as stages that can be run. If it raises EngineRefusedError, all
                engines are built once more.
            gpu: Name of the GPU that the stages run on.
            start: Level of precision of all stages at first.
            tolerance: Largest errors that are accepted.

        Raises:
            EngineError: An engine cannot be built, or the engines fail at every level.
        """
        reference = self.reference()
        engines: dict[str, StageEngine] = {}

        def check(levels: Mapping[str, str]) -> Accuracy:
            engines.update(self.build(levels))
            try:
                stages = load(engines)
            except EngineRefusedError as err:  # after an update of the driver, for example
                _log.warning("%s; building all stages again", err)
                for engine in engines.values():
                    shutil.rmtree(engine.engine, ignore_errors=True)
                engines.update(self.build(levels))
                stages = load(engines)
            report = measure(stages, reference, tolerance)
            report = replace(report, precision=dict(levels))
            for engine in engines.values():
                write_config(report, engine.engine / ACCURACY)
            return report

        _, accuracy = choose_levels(STAGES, check, start, self.graphs.levels)
        validated = {stage: _validated(engines[stage].engine) for stage in STAGES}
        result = EngineSet(self.graphs.card(start), self.target, gpu, start, validated, accuracy)
        result.save(self._folder)
        return result

    def reference(self) -> Reference:
        """Return the outputs of the fp32 graphs for sample images; compute them if not stored."""
        width, height = self.graphs.size
        file = self._folder / "reference" / f"{self.graphs.model[:16]}-{width}x{height}.npz"
        if file.is_file():
            try:
                stored = read_reference(file)
                if stored.model == self.graphs.model:
                    return stored
            except EngineError as err:
                _log.warning("%s; it is computed again", err)
        from jasmine_core.engines.sample_images import sample_images

        folder = self.graphs.folder(SINGLE)
        files = [folder / name for name in self.graphs.card(SINGLE).graphs]
        _log.warning("computing the fp32 reference on the CPU; this happens once")
        images = sample_images(self.graphs.size, IMAGES)
        reference = make_reference(self.graphs.model, files, images)
        reference.save(file)
        return reference

    def _make(self, stage: str, level: str) -> StageEngine:
        graph = self.graphs.folder(level) / f"{stage}.onnx"
        width, height = self.graphs.size
        key = EngineKey(
            stage=stage,
            graph=hash_graph(graph),
            size=f"{width}x{height}",
            precision=level,
            **asdict(self.target),
        )
        return StageEngine(graph, self._cache.obtain(key, partial(self._build, key, graph)))

    def _build(self, key: EngineKey, graph: Path) -> tuple[Any, float]:
        timings = self._cache.read_timings(key)
        built = build_engine(self.library, graph, self.target.capability, timings)
        self._cache.write_timings(key, built.timing_cache)
        _log.info("%s: built in %.0f s", key.stage, built.seconds)
        return built.plan, built.seconds


def hash_graph(graph: Path) -> str:
    """Return the SHA-256 of a graph and of the weights stored beside it."""
    weights = graph.with_name(f"{graph.name}.data")
    return hash_files([graph, *([weights] if weights.is_file() else [])])


def _validated(folder: Path) -> ValidatedEngine:
    return ValidatedEngine(folder.name, read_config(EngineRecord, folder / RECORD).sha256)
