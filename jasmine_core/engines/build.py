# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Build of a checkpoint's engines, for this machine or ahead of time for another one."""

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
    """Build the engines of a checkpoint that are missing, validate them and activate them."""
    library = find_library()
    graphs = EngineGraphs(Exports(checkpoint), size)
    preparation = EnginePreparation(graphs, library, target_of(library, gpu))
    start = HALF if precision == "auto" else precision
    return preparation.validate(EngineLoader(library), gpu.name, start)


def build_engines(
    checkpoint: Checkpoint, size: Size | None, precision: str, capability: str | None
) -> list[Path]:
    """Build the engines of a checkpoint without validating them; the target machine does that.

    Args:
        checkpoint: Weights or exports to build from.
        size: (width, height) of the images [px]; None is the image size of the training.
        precision: auto, fp16, mixed or fp32.
        capability: Compute capability of the target machine, such as 8.9, for a build ahead of time
            by TensorRT for RTX. None builds for this machine, with its installed TensorRT.

    Returns:
        The folders of the engines, one per stage.

    Raises:
        EngineError: No GPU is visible and `capability` is None, or a build fails.
    """
    gpu = find_gpu()
    if capability is None and gpu is None:
        raise EngineError(
            "no NVIDIA GPU is visible on this machine; build on the robot itself, or build ahead "
            "of time for its GPU with --compute-capability, such as 8.9 (TensorRT for RTX)"
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
    """Return the first GPU; raise EngineError if none is visible."""
    if (gpu := find_gpu()) is None:
        raise EngineError(
            "engines need an NVIDIA GPU with its driver, and none is visible on this machine; run "
            "`jasmine doctor` for details, or use --backend onnxruntime on the CPU"
        )
    return gpu
