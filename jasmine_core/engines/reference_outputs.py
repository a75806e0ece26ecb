# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images with the answers of the single-precision graphs: what an engine has to come up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import EngineError
from jasmine_core.files import atomic_file

IMAGE, MODEL = "image", "model"


@dataclass(frozen=True)
class Reference:
    """Hold images and, by name, every tensor that passes between the graphs for them."""

    model: str  # hash that the graphs bear
    images: NDArray[np.uint8]  # [n,3,H,W]
    maps: dict[str, NDArray[np.float32]]  # [n,...] each

    def __len__(self) -> int:
        return len(self.images)

    def tensors(self, i: int) -> dict[str, NDArray[np.float32]]:
        """Return all tensors of one image, its own [1,3,H,W] in [0,1] among them."""
        image = self.images[i : i + 1].astype(np.float32) / 255
        return {IMAGE: image} | {name: values[i] for name, values in self.maps.items()}

    def save(self, file: Path) -> None:
        """Write it to an .npz file, whole or not at all."""
        with atomic_file(file) as temporary, temporary.open("wb") as stream:
            arrays: dict[str, Any] = {MODEL: np.array(self.model), IMAGE: self.images, **self.maps}
            np.savez(stream, **arrays)


def read_reference(file: Path) -> Reference:
    """Read a file that `Reference.save` wrote; EngineError if it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Reference(str(arrays.pop(MODEL)), arrays.pop(IMAGE), arrays)
    except Exception as err:  # zip, zlib and numpy each have errors of their own
        raise EngineError(f"{file} is no reference that can be read ({err}); delete it") from err


class OnnxStage:
    """Run one graph with ONNX Runtime on the CPU."""

    def __init__(self, graph: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped,unused-ignore]

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [tensor.name for tensor in self._session.get_inputs()]
        self.outputs = [tensor.name for tensor in self._session.get_outputs()]

    def __call__(
        self, tensors: Mapping[str, NDArray[np.float32]]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the outputs for the inputs."""
        answers = self._session.run(self.outputs, dict(tensors))
        return dict(zip(self.outputs, answers, strict=True))


def make_reference(model: str, graphs: Sequence[Path], images: NDArray[np.uint8]) -> Reference:
    """Run single-precision graphs, in the order they run in, on images [n,3,H,W]."""
    stages = [OnnxStage(graph) for graph in graphs]
    kept: dict[str, list[NDArray[np.float32]]] = {}
    for image in images:
        tensors = {IMAGE: image[None].astype(np.float32) / 255}
        for stage in stages:
            answers = stage({name: tensors[name] for name in stage.inputs})
            for name, values in answers.items():
                kept.setdefault(name, []).append(values)
            tensors |= answers
    return Reference(model, images, {name: np.stack(values) for name, values in kept.items()})
