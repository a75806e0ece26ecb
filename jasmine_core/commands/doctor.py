# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine doctor`: what this machine can run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional

from jasmine_core.commands.options import ImageSize, option
from jasmine_core.files import expect_writable
from jasmine_core.report.page import save_page

if TYPE_CHECKING:
    from jasmine_core.doctor import Finding

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
    #: File of the report for people.
    html: Annotated[Path, option("FILE")] = Path("doctor.html")


def doctor(request: DoctorRequest) -> int:
    """Print what was found; the status is 1 if a measurement with --gpu failed."""
    from jasmine_core.doctor import examine, render

    if request.gpu:
        expect_writable(request.json, "--json")
    findings = examine(request.checkpoint)
    print(render(findings))
    if not request.gpu:
        _write_page(request, findings)
        return 0
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.doctor_gpu import examine_gpu, write_report

    report = examine_gpu(Checkpoint.resolve(request.checkpoint), request.size)
    write_report(report, request.json)
    for name, reason in report["failed"].items():
        _log.error("%s failed: %s", name, reason)
    print(f"see {request.json}")
    _write_page(request, findings, report)
    return 1 if report["failed"] else 0


def _write_page(
    request: DoctorRequest, findings: list[Finding], measured: dict[str, Any] | None = None
) -> None:
    from jasmine_core.doctor_page import doctor_page

    if save_page(request.html, lambda: doctor_page(request.checkpoint, findings, measured)):
        print(f"report: {request.html}")
