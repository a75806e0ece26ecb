# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Base class of backends that run ONNX exports without torch in the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.card import ExportCard, read_card
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, StageClock

Tensors = dict[str, NDArray[np.float32]]
Graph = Callable[[Mapping[str, NDArray[np.float32]]], Tensors]  # uses its inputs by name
Open = Callable[[Path, ExportCard], Graph]

_STAGES = {"jasmine": "network", "encoder": "encode", "unet": "denoise", "decoder": "decode"}


class GraphBackend:
    """Backend that runs the export for the size of each image.

    The graphs of one size are loaded at a time, because a camera rarely changes its image size.
    `open_graph` loads a graph file and returns a function that runs it.
    """

    def __init__(
        self, exports: Exports, open_graph: Open, name: str, device: str, precision: str
    ) -> None:
        self._exports, self._open = exports, open_graph
        self._size: tuple[int, int] | None = None
        self._graphs: dict[str, Graph] = {}
        if not exports.can_export:
            exports.obtain(None, precision)  # raises now, not at the first image, if there is none
        card = exports.card(precision)
        self.info = BackendInfo(
            name=name,
            device=device,
            precision=precision,
            model=card.description,
            nominal_size=(card.nominal_width, card.nominal_height),
            metres_per_unit=card.metres_per_unit,
            untrained=card.untrained,
            multiple=card.multiple,
            canonical_focal=card.canonical_focal,
            scale_spread=card.scale_spread,
            sizes=() if exports.can_export else exports.sizes(precision),
        )

    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one image [3,h,w] in [0,1]."""
        height, width = image.shape[1:]
        if self._size != (width, height):
            self._prepare((width, height))
        clock = StageClock()
        tensors: Tensors = {"image": image[None]}
        for stage, graph in self._graphs.items():
            with clock.stage(stage):
                tensors |= graph(tensors)
        return NetworkMaps(tensors["ssi"][0, 0], tensors["depth"][0], clock.seconds)

    def _prepare(self, size: tuple[int, int]) -> None:
        folder = self._exports.obtain(size, self.info.precision)
        card = read_card(folder)
        self._graphs = {}  # freed first, because memory may not hold the old and the new graphs
        for file in card.graphs:
            self._graphs[_STAGES[Path(file).stem]] = self._open(folder / file, card)
        self._size = size
