# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of OpenCV's DNN module, which every ROS 2 machine already has: no torch, no ONNX Runtime.

It reads plain graphs only (`jasmine export --onnx --plain`).
"""

from __future__ import annotations

import re
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
from jasmine_core.geometry.camera import Size
from jasmine_core.runtime.graph_backend import Graph, GraphBackend, Tensors, expect_fp32_on_cpu

_OUTPUTS = ("ssi", "depth")
NAME = f"OpenCV {cv2.__version__}"
OLDEST = "4.5.5"  # that was tried; 4.5.4 lacks Erf
_NO_DNN = "was built without the DNN module; install opencv-python-headless"


class OpenCvBackend(GraphBackend):
    """Plain exports run by OpenCV's DNN module on the CPU."""

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> OpenCvBackend:
        """Load a checkpoint, or a folder of plain exports, into OpenCV."""
        expect_fp32_on_cpu("opencv", device, precision)
        if not hasattr(cv2, "dnn"):
            raise ConfigError(f"{NAME} {_NO_DNN}, or use the onnxruntime backend")
        return cls(Exports(checkpoint, plain=True), open_graph, "opencv", "cpu", "fp32")

    def require_size(self, size: Size | None) -> None:
        """Load the graphs of a size too, so that an OpenCV that cannot run them is refused now."""
        super().require_size(size)
        sizes, nominal = self.info.sizes, self.info.nominal_size
        size = size or (nominal if nominal in sizes else sizes[0])
        if size in sizes:
            self._prepare(size)

    def _load(self, size: tuple[int, int]) -> None:
        """Load the graphs of a size, and compare their output with that of torch."""
        super()._load(size)
        try:
            maps = self(reference_image(size))
            expect_reference(self._folder, maps.ssi, maps.depths[-1], NAME)
        except ExportError:
            self._size = None  # These graphs are not used for any image.
            raise


def open_graph(file: Path, card: ExportCard) -> Graph:
    """Load a graph file; raise ExportError if this version of OpenCV cannot read it."""
    return _Net(file)


def fault() -> str | None:
    """Return why this OpenCV cannot run plain graphs, None if nothing is known against it."""
    if not hasattr(cv2, "dnn"):
        return f"{NAME} {_NO_DNN}"
    version, oldest = (
        [int(n) for n in re.findall(r"\d+", v)[:3]] for v in (cv2.__version__, OLDEST)
    )
    if version < oldest:
        return f"{NAME} is older than {OLDEST}; install opencv-python-headless by pip"
    return None


def _refusal(what: str, file: Path, err: cv2.error) -> ExportError:
    lines = [line.strip("> ") for line in str(err).splitlines()]
    reason = next((line for line in reversed(lines) if line), "no reason given")
    return ExportError(
        f"{NAME} cannot {what} {file} ({reason}); {OLDEST} and newer run plain graphs: "
        "install opencv-python-headless by pip, export the checkpoint again with --plain, "
        "or use another backend"
    )


class _Net:
    """Graph file loaded into OpenCV."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._net = cv2.dnn.readNetFromONNX(str(file))
        except cv2.error as err:
            raise _refusal("read", file, err) from err
        self._net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)

    def __call__(self, known: Mapping[str, NDArray[np.float32]]) -> Tensors:
        try:
            self._net.setInput(known["image"], "image")
            values = self._net.forward(_OUTPUTS)
        except cv2.error as err:
            raise _refusal("run", self._file, err) from err
        # Copied, because the next inference may write into the same memory.
        return {n: np.array(v, np.float32) for n, v in zip(_OUTPUTS, values, strict=True)}
