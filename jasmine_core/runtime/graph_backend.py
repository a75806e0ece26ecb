# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Base class of backends that run ONNX exports without torch in the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.card import ExportCard, read_card
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.errors import ConfigError, ExportError
from jasmine_core.geometry.camera import Size
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, StageClock

Tensors = dict[str, NDArray[np.float32]]
Graph = Callable[[Mapping[str, NDArray[np.float32]]], Tensors]  # uses its inputs by name
Open = Callable[[Path, ExportCard], Graph]

_STAGES = {"jasmine": "network", "encoder": "encode", "unet": "denoise", "decoder": "decode"}


class GraphBackend:
    """Backend that runs the export for the size of each image.

    The graphs of one size are loaded at a time, because a camera rarely changes its image size.
    Exports are made when the predictor is built, never for an image: anybody may send images of any
    size, and an export takes minutes and gigabytes. Images of other sizes are letterboxed.
    `open_graph` loads a graph file and returns a function that runs it.
    """

    def __init__(
        self, exports: Exports, open_graph: Open, name: str, device: str, precision: str
    ) -> None:
        self._exports, self._open = exports, open_graph
        self._size: tuple[int, int] | None = None
        self._folder = Path()  # of the loaded graphs
        self._graphs: dict[str, Graph] = {}
        self._failures: dict[tuple[int, int], str] = {}  # sizes whose graphs cannot be used
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

    def require_size(self, size: Size | None) -> None:
        """Make the export for a size if it is missing; by default for the checkpoint's size.

        Raises:
            ExportError: the export cannot be made.
        """
        if self._exports.can_export:
            self._exports.obtain(size, self.info.precision)
        self.info = replace(self.info, sizes=self._exports.sizes(self.info.precision))

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

    def _prepare(self, size: Size) -> None:
        if reason := self._failures.get(size):
            raise ExportError(reason)
        try:
            self._load(size)
        except ExportError as err:
            self._failures[size] = str(err)
            raise

    def _load(self, size: Size) -> None:
        folder = self._exports.find(size, self.info.precision) if self.info.sizes else None
        if self.info.sizes and folder is None:
            sizes = ", ".join(f"{w}x{h}" for w, h in self.info.sizes)
            raise ExportError(
                f"there is no export for {size[0]}x{size[1]} px (only for {sizes} px), and none is "
                "made for an image; set the size of the network at start"
            )
        folder = folder or self._exports.obtain(size, self.info.precision)
        card = read_card(folder)
        self._graphs = {}  # freed first, because memory may not hold the old and the new graphs
        for file in card.graphs:
            self._graphs[_STAGES[Path(file).stem]] = self._open(folder / file, card)
        self._size, self._folder = size, folder


def expect_fp32_on_cpu(backend: str, device: str, precision: str) -> None:
    """Raise ConfigError for another device or precision than a backend for the CPU has."""
    if device not in ("auto", "cpu") or precision not in ("auto", "fp32"):
        raise ConfigError(
            f"the {backend} backend runs in fp32 on the CPU, not in {precision} on {device}; "
            "leave device and precision at auto"
        )
