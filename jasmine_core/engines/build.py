# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Build a checkpoint's engines, for this machine or ahead of time for another one."""

from __future__ import annotations

from pathlib import Path

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.engines.builder import RTX, find_library
from jasmine_core.engines.cache import ANY_GPU
from jasmine_core.engines.gpu import Gpu, find_gpu
from jasmine_core.engines.graphs import STAGES, EngineGraphs
from jasmine_core.engines.precision_fallback import HALF
from jasmine_core.engines.prepare import EnginePreparation
from jasmine_core.engines.stage import EngineLoader
from jasmine_core.engines.validated_set import EngineSet, Target, target_of
from jasmine_core.errors import EngineError
from jasmine_core.geometry.camera import Size


def validate_engines(
    checkpoint: Checkpoint, gpu: Gpu, size: Size | None, precision: str
) -> EngineSet:
    """Build the engines of a checkpoint for this machine as far as need be, check and activate."""
    library = find_library()
    graphs = EngineGraphs(Exports(checkpoint), size)
    preparation = EnginePreparation(graphs, library, target_of(library, gpu))
    start = HALF if precision == "auto" else precision
    return preparation.validate(EngineLoader(library), gpu.name, start)


def build_engines(
    checkpoint: Checkpoint, size: Size | None, precision: str, capability: str | None
) -> list[Path]:
    """Build the engines of a checkpoint and leave their check to the machine that runs them.

    `capability` is that machine's compute capability, for a build ahead of time by TensorRT for
    RTX; None is this machine, with the TensorRT that it has.
    """
    gpu = find_gpu()
    if capability is None and gpu is None:
        raise EngineError(
            "no NVIDIA GPU is visible here; build on the robot itself, or for its GPU ahead of "
            "time with --compute-capability, such as 8.9 (TensorRT for RTX)"
        )
    if capability is None and gpu is not None:
        library = find_library()
        target = target_of(library, gpu)
    else:
        library = find_library(RTX)
        target = Target(library.name, library.version, ANY_GPU, str(capability))
    graphs = EngineGraphs(Exports(checkpoint), size)
    start = HALF if precision == "auto" else precision
    made = EnginePreparation(graphs, library, target).build(dict.fromkeys(STAGES, start))
    return [made[stage].engine for stage in STAGES]


def require_gpu() -> Gpu:
    """Return the GPU; EngineError where there is none."""
    if (gpu := find_gpu()) is None:
        raise EngineError(
            "engines need an NVIDIA GPU with its driver, and none is visible here "
            "(`jasmine doctor` tells more); --backend onnxruntime runs the same model on the CPU"
        )
    return gpu
