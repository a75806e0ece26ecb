# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of ONNX Runtime, on a CPU, or on a CUDA device if onnxruntime-gpu is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from jasmine_core.artifacts.card import ExportCard, matches
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.errors import ConfigError, ExportError
from jasmine_core.runtime.graph_backend import Graph, GraphBackend, Tensors

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class OnnxRuntimeBackend(GraphBackend):
    """Exports run by ONNX Runtime."""

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> OnnxRuntimeBackend:
        """Load a checkpoint, or a folder of exports, into ONNX Runtime."""
        has_cuda = _CUDA in onnxruntime.get_available_providers()
        if device == "auto":
            device = "cuda" if has_cuda else "cpu"
        kind, _, index = device.partition(":")
        if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
            raise ConfigError(f"device {device!r} is not auto, cpu, cuda or cuda:N")
        if kind == "cuda" and not has_cuda:
            raise ConfigError(
                f"device {device!r} needs onnxruntime-gpu; the installed ONNX Runtime has only "
                f"{', '.join(onnxruntime.get_available_providers())}"
            )
        if precision == "auto":
            precision = "fp16" if kind == "cuda" else "fp32"
        if precision == "bf16" or (kind == "cpu" and precision != "fp32"):
            raise ConfigError(
                f"ONNX Runtime does not run {precision} on {device}; use fp32"
                + ("" if kind == "cpu" else " or fp16")
            )
        providers: list[Any] = [_CPU]
        if kind == "cuda":
            providers = [(_CUDA, {"device_id": int(index or 0)}), _CPU]

        def open_graph(file: Path, card: ExportCard) -> Graph:
            return _Session(file, card, providers)

        return cls(Exports(checkpoint), open_graph, "onnxruntime", device, precision)


class _Session:
    """Graph file loaded into ONNX Runtime."""

    def __init__(self, file: Path, card: ExportCard, providers: list[Any]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only; warnings concern ONNX Runtime's optimizer
        # Threads that spin while they wait would slow down the other processes of a robot.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(file, options, providers=providers)
        except Exception as err:  # ONNX Runtime's exceptions have no common base class
            raise ExportError(
                f"{file} cannot be loaded ({str(err).splitlines()[0]}); delete its folder and "
                "export it again"
            ) from err
        if not matches(card, self._session.get_modelmeta().custom_metadata_map):
            raise ExportError(
                f"{file} is not the graph that {file.parent / 'export.json'} describes; delete "
                "the folder and export the checkpoint again"
            )
        self._inputs = [value.name for value in self._session.get_inputs()]
        self._outputs = [value.name for value in self._session.get_outputs()]

    def __call__(self, known: Mapping[str, NDArray[np.float32]]) -> Tensors:
        values = self._session.run(self._outputs, {name: known[name] for name in self._inputs})
        return dict(zip(self._outputs, values, strict=True))
