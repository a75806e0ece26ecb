# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measurements on a GPU: accuracy, latency and memory of engines and of the torch backend."""

from __future__ import annotations

import datetime
import json
import logging
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core._version import __version__
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.config import read_config
from jasmine_core.engines.build import require_gpu, validate_engines
from jasmine_core.engines.cache import RECORD, EngineCache, EngineRecord
from jasmine_core.engines.cuda import check, load_cuda
from jasmine_core.engines.gpu import Gpu
from jasmine_core.engines.sample_images import sample_images
from jasmine_core.engines.validated_set import EngineSet, ready_engine
from jasmine_core.errors import FrameError, JasmineError
from jasmine_core.files import atomic_file
from jasmine_core.geometry.camera import Size
from jasmine_core.runtime.backend import Backend
from jasmine_core.runtime.backend_tensorrt import TensorRTBackend
from jasmine_core.runtime.statistics import Latencies

WARM_UP, RUNS, IMAGES = 10, 100, 8
_log = logging.getLogger(__name__)
Images = NDArray[np.float32]  # [n,3,H,W] in [0,1]


def examine_gpu(checkpoint: Checkpoint, size: Size | None) -> dict[str, Any]:
    """Build, validate and run engines; return a report of measurements as JSON values.

    A measurement that fails is listed with its error under "failed"; the others continue.
    """
    gpu = require_gpu()
    report: dict[str, Any] = {
        "jasmine": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "gpu": asdict(gpu),
        "power": power_mode(),
        "checkpoint": checkpoint.name,
    }
    failed: dict[str, str] = {}

    def attempt(name: str, measure: Callable[[], Any]) -> Any:
        _log.info("%s", name)
        try:
            report[name] = measure()
            return report[name]
        except (JasmineError, OSError, RuntimeError) as err:
            failed[name] = str(err)
            return None

    for precision in ("fp16", "fp32"):
        engines = _validate(checkpoint, gpu, size, precision, failed)
        if engines is None:
            continue
        report[f"engines {precision}"] = _describe(engines)
        images = np.float32(1 / 255) * sample_images(engines.card.size, IMAGES)
        for graph in (False, True):
            name = f"{precision}{' as CUDA graph' if graph else ''}"
            attempt(f"run {name}", partial(_run, engines, gpu, graph, images))
        attempt(f"ready {precision}", partial(_is_ready, checkpoint, engines, precision))
    attempt("run torch", partial(_run_torch, checkpoint, size))
    report["failed"] = failed
    return report


def time_backend(backend: Backend, images: Images, runs: int) -> dict[str, Any]:
    """Run a backend on images repeatedly.

    Returns the latencies [ms] of each stage and in total, and the number of runs whose output was
    not finite.
    """
    latencies, not_finite = Latencies(), 0
    for i in range(WARM_UP + runs):
        start = perf_counter()
        try:
            maps = backend(images[i % len(images)])
        except FrameError:
            not_finite += 1
            continue
        if i >= WARM_UP:
            latencies.add(maps.seconds | {"total": perf_counter() - start})
    return {"milliseconds": latencies.summary(), "runs": runs, "not_finite": not_finite}


def write_report(report: dict[str, Any], file: Path) -> None:
    """Write a report as JSON."""
    with atomic_file(file) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def power_mode() -> str:
    """Return the power mode of a Jetson; empty on other machines."""
    tool = shutil.which("nvpmodel")
    if tool is None:
        return ""
    done = subprocess.run([tool, "-q"], capture_output=True, text=True, timeout=10, check=False)
    return " ".join(done.stdout.split())


def _validate(
    checkpoint: Checkpoint,
    gpu: Gpu,
    size: Size | None,
    precision: str,
    failed: dict[str, str],
) -> EngineSet | None:
    _log.info("engines %s", precision)
    try:
        return validate_engines(checkpoint, gpu, size, precision)
    except (JasmineError, OSError, RuntimeError) as err:
        failed[f"engines {precision}"] = str(err)
        return None


def _describe(engines: EngineSet) -> dict[str, Any]:
    return {
        "size": list(engines.card.size),
        "target": asdict(engines.target),
        "engines": {stage: _built(engine.name) for stage, engine in engines.engines.items()},
        "accuracy": asdict(engines.accuracy),
    }


def _built(name: str) -> dict[str, Any]:
    record = read_config(EngineRecord, EngineCache().folder / name / RECORD)
    return {"name": name, "bytes": record.length, "build_seconds": round(record.seconds, 1)}


def _run(engines: EngineSet, gpu: Gpu, cuda_graph: bool, images: Images) -> dict[str, Any]:
    cuda = load_cuda()
    free_before, _ = _memory(cuda)
    start = perf_counter()
    backend = TensorRTBackend([engines], gpu, cuda_graph)
    load_seconds = perf_counter() - start
    measured = time_backend(backend, images, RUNS)
    free_after, total = _memory(cuda)
    return measured | {
        "load_seconds": round(load_seconds, 3),
        "memory_mib": round((free_before - free_after) / (1 << 20), 1),
        "memory_total_mib": round(total / (1 << 20), 1),
    }


def _memory(cuda: Any) -> tuple[int, int]:
    status, free, total = cuda.cudaMemGetInfo()
    check(cuda, (status,))
    return int(free), int(total)


def _is_ready(checkpoint: Checkpoint, engines: EngineSet, precision: str) -> bool:
    if ready_engine(checkpoint, engines.card.size, precision) != engines:
        raise JasmineError("the engines are validated, but not found again for this machine")
    return True


def _run_torch(checkpoint: Checkpoint, size: Size | None) -> dict[str, Any]:
    from jasmine_core.runtime.backend_torch import TorchBackend

    backend = TorchBackend.load(checkpoint, "cuda", "fp16")
    chosen = size or backend.info.nominal_size
    images = np.float32(1 / 255) * sample_images(chosen, IMAGES)
    return time_backend(backend, np.asarray(images, np.float32), RUNS)
