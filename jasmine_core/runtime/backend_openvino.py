# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of OpenVINO, which runs exports on a CPU, often faster on Intel processors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from jasmine_core.artifacts.card import ExportCard
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.errors import ExportError
from jasmine_core.runtime.graph_backend import Graph, GraphBackend, Tensors, expect_fp32_on_cpu


class OpenVinoBackend(GraphBackend):
    """Exports run by OpenVINO."""

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> OpenVinoBackend:
        """Load a checkpoint, or a folder of exports, into OpenVINO."""
        expect_fp32_on_cpu("openvino", device, precision)
        core = openvino.Core()

        def open_graph(file: Path, card: ExportCard) -> Graph:
            try:
                return _Compiled(core, file)
            except RuntimeError as err:
                raise ExportError(
                    f"{file} cannot be loaded ({str(err).splitlines()[0]}); delete its folder and "
                    "export it again"
                ) from err

        return cls(Exports(checkpoint), open_graph, "openvino", "cpu", "fp32")


class _Compiled:
    """Graph file compiled by OpenVINO."""

    def __init__(self, core: openvino.Core, file: Path) -> None:
        # Without this hint, OpenVINO computes in bfloat16 on newer CPUs.
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        compiled = core.compile_model(file, "CPU", options)
        self._request = compiled.create_infer_request()
        self._inputs = [port.get_any_name() for port in compiled.inputs]
        self._outputs = [port.get_any_name() for port in compiled.outputs]

    def __call__(self, known: Mapping[str, NDArray[np.float32]]) -> Tensors:
        results = self._request.infer({name: known[name] for name in self._inputs})
        # Copied, because the next inference writes into the same memory.
        return {name: results[name].copy() for name in self._outputs}
