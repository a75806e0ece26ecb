# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of OpenCV's DNN module, which every ROS 2 machine already has: no torch, no ONNX Runtime.

It reads plain graphs only (`jasmine export --onnx --plain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.card import ExportCard
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.artifacts.reference_output import expect_reference, reference_image
from jasmine_core.errors import ConfigError, ExportError
from jasmine_core.runtime.graph_backend import Graph, GraphBackend, Tensors, expect_fp32_on_cpu

_OUTPUTS = ("ssi", "depth")
NAME = f"OpenCV {cv2.__version__}"
OLDEST = "4.5.5"  # that was tried; 4.5.4 lacks Erf


class OpenCvBackend(GraphBackend):
    """Plain exports run by OpenCV's DNN module on the CPU."""

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> OpenCvBackend:
        """Load a checkpoint, or a folder of plain exports, into OpenCV."""
        expect_fp32_on_cpu("opencv", device, precision)
        if not hasattr(cv2, "dnn"):
            raise ConfigError(
                f"{NAME} was built without the DNN module; install opencv-python-headless, or use "
                "the onnxruntime backend"
            )
        return cls(Exports(checkpoint, plain=True), open_graph, "opencv", "cpu", "fp32")

    def _load(self, size: tuple[int, int]) -> None:
        """Load the graphs of a size, and compare their output with that of torch."""
        super()._load(size)
        maps = self(reference_image(size))
        try:
            expect_reference(self._folder, maps.ssi, maps.depths[-1], NAME)
        except ExportError:
            self._size = None  # These graphs are not used for any image.
            raise


def open_graph(file: Path, card: ExportCard) -> Graph:
    """Load a graph file; raise ExportError if this version of OpenCV cannot read it."""
    return _Net(file)


class _Net:
    """Graph file loaded into OpenCV."""

    def __init__(self, file: Path) -> None:
        try:
            self._net = cv2.dnn.readNetFromONNX(str(file))
        except cv2.error as err:
            lines = [line.strip("> ") for line in str(err).splitlines()]
            reason = next((line for line in reversed(lines) if line), "no reason given")
            raise ExportError(
                f"{NAME} cannot read {file} ({reason}); {OLDEST} and newer read plain graphs: "
                "install opencv-python-headless by pip, export the checkpoint again with --plain, "
                "or use another backend"
            ) from err
        self._net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)

    def __call__(self, known: Mapping[str, NDArray[np.float32]]) -> Tensors:
        self._net.setInput(known["image"], "image")
        values = self._net.forward(_OUTPUTS)
        # Copied, because the next inference may write into the same memory.
        return {n: np.array(v, np.float32) for n, v in zip(_OUTPUTS, values, strict=True)}
