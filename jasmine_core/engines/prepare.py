# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to engines that may be used: export, build, check, step down, activate."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from jasmine_core.artifacts.cache_folder import cache_folder
from jasmine_core.config import read_config, write_config
from jasmine_core.engines.accuracy import Accuracy, Stage, Tolerance, measure
from jasmine_core.engines.builder import Library, build_engine
from jasmine_core.engines.cache import RECORD, EngineCache, EngineKey, EngineRecord, hash_files
from jasmine_core.engines.graphs import STAGES, EngineGraphs
from jasmine_core.engines.precision_fallback import HALF, SINGLE, settle
from jasmine_core.engines.reference_outputs import Reference, make_reference, read_reference
from jasmine_core.engines.validated_set import EngineSet, Target, ValidatedEngine
from jasmine_core.errors import EngineError

ACCURACY = "accuracy.json"
_log = logging.getLogger(__name__)
IMAGES = 4  # that the engines are checked on


class EngineRefusedError(EngineError):
    """An engine that is whole, but that TensorRT does not take."""


@dataclass(frozen=True)
class Made:
    """Name an engine and the graph that it was built of."""

    graph: Path
    engine: Path  # folder in the cache


Loader = Callable[[Mapping[str, Made]], Mapping[str, Stage]]


class EnginePreparation:
    """Prepare the engines of one model, size and machine; `say` gets a line for what takes long."""

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

    def build(self, levels: Mapping[str, str]) -> dict[str, Made]:
        """Return an engine for each stage at its level, built where the cache has none."""
        return {stage: self._make(stage, levels[stage]) for stage in STAGES}

    def validate(
        self,
        load: Loader,
        gpu: str,
        start: str = HALF,
        tolerance: Tolerance | None = None,
    ) -> EngineSet:
        """Build, check and step down until the engines come up to the reference; activate them.

        `load` makes stages of engines, that run on `gpu`; if it raises EngineRefusedError, they are
        built once more.
        """
        reference = self.reference()
        made: dict[str, Made] = {}

        def judge(levels: Mapping[str, str]) -> Accuracy:
            made.update(self.build(levels))
            try:
                stages = load(made)
            except EngineRefusedError as err:  # whole as they are: another driver, say
                _log.warning("%s; building all stages again", err)
                for engine in made.values():
                    shutil.rmtree(engine.engine, ignore_errors=True)
                made.update(self.build(levels))
                stages = load(made)
            report = measure(stages, reference, tolerance)
            report = replace(report, precision=dict(levels))
            for engine in made.values():
                write_config(report, engine.engine / ACCURACY)
            return report

        _, accuracy = settle(STAGES, judge, start, self.graphs.levels)
        engines = {stage: _pinned(made[stage].engine) for stage in STAGES}
        found = EngineSet(self.graphs.card(start), self.target, gpu, start, engines, accuracy)
        found.save(self._folder)
        return found

    def reference(self) -> Reference:
        """Return the answers of the single-precision graphs to some images, stored or made."""
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

    def _make(self, stage: str, level: str) -> Made:
        graph = self.graphs.folder(level) / f"{stage}.onnx"
        width, height = self.graphs.size
        key = EngineKey(
            stage=stage,
            graph=hash_graph(graph),
            size=f"{width}x{height}",
            precision=level,
            **asdict(self.target),
        )
        return Made(graph, self._cache.obtain(key, partial(self._build, key, graph)))

    def _build(self, key: EngineKey, graph: Path) -> tuple[Any, float]:
        timings = self._cache.read_timings(key)
        built = build_engine(self.library, graph, self.target.capability, timings)
        self._cache.write_timings(key, built.timing_cache)
        _log.info("%s: built in %.0f s", key.stage, built.seconds)
        return built.plan, built.seconds


def hash_graph(graph: Path) -> str:
    """Return the SHA-256 of a graph and of the weights that lie beside it."""
    weights = graph.with_name(f"{graph.name}.data")
    return hash_files([graph, *([weights] if weights.is_file() else [])])


def _pinned(folder: Path) -> ValidatedEngine:
    return ValidatedEngine(folder.name, read_config(EngineRecord, folder / RECORD).sha256)
