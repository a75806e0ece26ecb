# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reference of the accuracy check: images and the outputs of the fp32 graphs for them."""

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
    """Images with all output tensors of the fp32 graphs, by name."""

    model: str  # hash of the checkpoint, from the card of the graphs
    images: NDArray[np.uint8]  # [n,3,H,W]
    maps: dict[str, NDArray[np.float32]]  # [n,...] each

    def __len__(self) -> int:
        return len(self.images)

    def tensors(self, i: int) -> dict[str, NDArray[np.float32]]:
        """Return all tensors of image `i`, including the image [1,3,H,W] in [0,1]."""
        image = self.images[i : i + 1].astype(np.float32) / 255
        return {IMAGE: image} | {name: values[i] for name, values in self.maps.items()}

    def save(self, file: Path) -> None:
        """Write an .npz file, completely or not at all."""
        with atomic_file(file) as temporary, temporary.open("wb") as stream:
            arrays: dict[str, Any] = {MODEL: np.array(self.model), IMAGE: self.images, **self.maps}
            np.savez(stream, **arrays)


def read_reference(file: Path) -> Reference:
    """Read a file written by `Reference.save`; raise EngineError if it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Reference(str(arrays.pop(MODEL)), arrays.pop(IMAGE), arrays)
    except Exception as err:  # zip, zlib and numpy raise several unrelated types
        raise EngineError(f"reference {file} cannot be read ({err}); delete it") from err


class OnnxStage:
    """Graph that ONNX Runtime runs on the CPU."""

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
        outputs = self._session.run(self.outputs, dict(tensors))
        return dict(zip(self.outputs, outputs, strict=True))


def make_reference(model: str, graphs: Sequence[Path], images: NDArray[np.uint8]) -> Reference:
    """Run the fp32 graphs one after another on images [n,3,H,W] and keep all their outputs."""
    stages = [OnnxStage(graph) for graph in graphs]
    maps: dict[str, list[NDArray[np.float32]]] = {}
    for image in images:
        tensors = {IMAGE: image[None].astype(np.float32) / 255}
        for stage in stages:
            outputs = stage({name: tensors[name] for name in stage.inputs})
            for name, values in outputs.items():
                maps.setdefault(name, []).append(values)
            tensors |= outputs
    return Reference(model, images, {name: np.stack(values) for name, values in maps.items()})
