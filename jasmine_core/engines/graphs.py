# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs that engines are built from: three stages at each level of precision.

CACHE/graphs/HASH/1024x320-mixed/   graphs that were made because no export had them
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jasmine_core.artifacts.card import SPLIT, ExportCard, damage, matches, read_card, read_cards
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.cache_folder import cache_folder
from jasmine_core.engines.precision_fallback import FP32_LAYERS, LEVELS, SINGLE
from jasmine_core.errors import ConfigError, EngineError, ExportError
from jasmine_core.files import atomic_folder
from jasmine_core.geometry.camera import Size
from jasmine_core.locks import exclusive

if TYPE_CHECKING:
    from torch import nn

STAGES = tuple(Path(file).stem for file in SPLIT)
# Modules in which values of this VAE and U-Net overflow or lose precision first: attention, the
# deepest block and the output layers. The last upsampling block is added by `sensitive_layers`.
_SENSITIVE = re.compile(r"(mid_block\.resnets\.\d+|attentions\.\d+|conv_out|\.ssg)$")


class EngineGraphs:
    """Graphs of a checkpoint for images of one size (width, height) [px], exported if missing."""

    def __init__(self, exports: Exports, size: Size | None = None) -> None:
        self._exports = exports
        nominal, multiple = _sizes(exports)
        self.size = size or nominal
        if min(self.size) <= 0 or any(side % multiple for side in self.size):
            raise ConfigError(
                f"size {self.size[0]}x{self.size[1]} px: both sides must be multiples of "
                f"{multiple} px"
            )
        self.model = exports.checkpoint.fingerprint
        self._folders: dict[str, Path] = {}

    @property
    def levels(self) -> tuple[str, ...]:
        """Return the levels of precision whose graphs exist or can be exported."""
        if self._exports.can_export:
            return LEVELS
        return tuple(level for level in LEVELS if self._find(level))

    def folder(self, level: str) -> Path:
        """Return the folder of the graphs at a level."""
        if level not in self._folders:
            found = self._find(level) or self._make(level)
            _check(found)
            self._folders[level] = found
        return self._folders[level]

    def card(self, level: str) -> ExportCard:
        """Return the card of the graphs at a level."""
        return read_card(self.folder(level))

    def _own(self, level: str) -> Path:
        place = cache_folder() / "graphs" / self.model[:16]
        return place / f"{self.size[0]}x{self.size[1]}-{level}"

    def _find(self, level: str) -> Path | None:
        own = self._own(level)
        for _, card in read_cards(own):  # graphs with an unreadable card are remade
            if card.model == self.model and damage(card, own) is None:
                return own
        for folder, card in self._exports:
            fp32_layers = folder.name.endswith(FP32_LAYERS)
            same = card.size == self.size and card.graphs == SPLIT
            if same and level == (FP32_LAYERS if fp32_layers else card.precision):
                return folder
        return None

    def _make(self, level: str) -> Path:
        with exclusive(self._own(level).parent, "exports the same checkpoint"):
            return self._find(level) or self._export(level)

    def _export(self, level: str) -> Path:
        if not self._exports.can_export:
            raise ExportError(
                f"{self._exports.checkpoint} has no {level} export in three graphs for "
                f"{self.size[0]}x{self.size[1]} px; where torch, onnx and onnxscript are "
                f"installed, make one with `jasmine export CHECKPOINT --onnx --split "
                f"--precision {level}`"
            )
        from jasmine_core.engines.sample_images import sample_images
        from jasmine_core.export.half_precision import find_fp32_layers
        from jasmine_core.export.onnx import export_onnx
        from jasmine_core.export.specialise import specialise
        from jasmine_core.model.jasmine import JasmineModel

        model = JasmineModel.from_pretrained(self._exports.checkpoint)
        fp32_layers: frozenset[str] = frozenset()
        if level != SINGLE:
            import torch

            network = specialise(model)
            image = torch.from_numpy(sample_images(self.size, 1)).float() / 255
            fp32_layers = find_fp32_layers(network, image)
            fp32_layers |= sensitive_layers(network) if level == FP32_LAYERS else frozenset()
        with atomic_folder(self._own(level)) as folder:
            export_onnx(
                model,
                folder,
                size=self.size,
                precision="fp32" if level == SINGLE else "fp16",
                fp32_layers=fp32_layers,
                split=True,
                source=self.model,
            )
        return self._own(level)


def _sizes(exports: Exports) -> tuple[Size, int]:
    """Return the image size of the training, and the number that both sides are multiples of."""
    if exports.checkpoint.kind == "random" and not any(exports):  # there are no files to read
        from jasmine_core.model.jasmine import JasmineModel

        model = JasmineModel.from_pretrained(exports.checkpoint)
        return (model.config.width, model.config.height), model.multiple
    card = exports.card(SINGLE)
    return (card.nominal_width, card.nominal_height), card.multiple


def sensitive_layers(network: nn.Module) -> frozenset[str]:
    """Return the modules that stay in float32 when fp16 fails the accuracy check."""
    names = [name for name, _ in network.named_modules()]
    last: dict[str, int] = {}
    for name in names:
        if found := re.search(r"^(.*up_blocks)\.(\d+)$", name):
            last[found[1]] = max(last.get(found[1], 0), int(found[2]))
    tops = tuple(f"{blocks}.{number}.resnets." for blocks, number in last.items())
    return frozenset(
        name
        for name in names
        if _SENSITIVE.search(name) or (name.startswith(tops) and name[-1].isdigit())
    )


def _check(folder: Path) -> None:
    """Raise EngineError if a graph does not belong to the card beside it."""
    card = read_card(folder)
    for file in card.graphs:
        if not matches(card, read_metadata(folder / file)):
            raise EngineError(
                f"{folder / file} is of another model, size or precision than the export.json "
                "beside it states; export the checkpoint again"
            )


def read_metadata(graph: Path) -> Mapping[str, str]:
    """Return the metadata of a graph without reading its weights."""
    try:
        import onnx
    except ImportError as err:
        raise EngineError(
            f"building engines needs the onnx package ({err}); pip install 'jasmine_ros[tensorrt]'"
        ) from err
    try:
        proto = onnx.load(str(graph), load_external_data=False)
    except Exception as err:  # protobuf and onnx raise several unrelated types
        raise EngineError(
            f"{graph} cannot be read as an ONNX graph ({err}); export the checkpoint again"
        ) from err
    return {entry.key: entry.value for entry in proto.metadata_props}
