# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine doctor`: what this machine can run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from jasmine_core.commands.options import ImageSize, option

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DoctorRequest:
    """List what this machine has and lacks to run a checkpoint, with remedies."""

    #: Folder of a checkpoint or of ONNX exports, the name of a bundled checkpoint, or
    #: random:PRESET.
    checkpoint: Annotated[Positional[str], option("[CHECKPOINT]")] = "jasmine-tiny"
    #: Whether TensorRT engines are built and measured: accuracy, latency and memory.
    gpu: bool = False
    #: Width and height of the images for --gpu [px]; by default those of the training.
    size: ImageSize = None
    #: File for the results of --gpu.
    json: Annotated[Path, option("FILE")] = Path("doctor.json")


def doctor(request: DoctorRequest) -> int:
    """Print what was found; the status is 1 if a measurement with --gpu failed."""
    from jasmine_core.doctor import examine, render

    print(render(examine(request.checkpoint)))
    if not request.gpu:
        return 0
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.doctor_gpu import examine_gpu, write_report

    report = examine_gpu(Checkpoint.resolve(request.checkpoint), request.size)
    write_report(report, request.json)
    for name, reason in report["failed"].items():
        _log.error("%s failed: %s", name, reason)
    print(f"see {request.json}")
    return 1 if report["failed"] else 0
