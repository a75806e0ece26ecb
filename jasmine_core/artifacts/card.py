# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What an exported graph says of itself; readable without torch and without onnx.

The same card stands in the graph's own metadata, its keys prefixed with `jasmine.`, and beside it
in `export.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from jasmine_core._version import __version__
from jasmine_core.config import read_config, write_config
from jasmine_core.geometry.camera import Size

PREFIX = "jasmine."
CARD_FILE = "export.json"
WHOLE = ("jasmine.onnx",)
SPLIT = ("encoder.onnx", "unet.onnx", "decoder.onnx")


@dataclass(frozen=True)
class ExportCard:
    """Describe an export: whose weights, for which images, in what numbers."""

    model: str  # hash of the weights and their configuration
    width: int  # [px] of the images that the graph takes
    height: int
    multiple: int  # [px] of both sides that the model can take at all
    precision: str  # fp32 or fp16
    fp32_layers: str  # modules kept in float32, separated by spaces
    graphs: str  # file names, in the order in which they run
    metres_per_unit: float | None  # None: depths are up-to-scale
    nominal_width: int  # [px] of the images that the model was trained on
    nominal_height: int
    description: str
    version: str = __version__

    @property
    def size(self) -> Size:
        """Return (width, height) of the images."""
        return self.width, self.height

    @property
    def name(self) -> str:
        """Return the folder's name for this size and precision."""
        return f"{self.width}x{self.height}-{self.precision}"

    def metadata(self) -> dict[str, str]:
        """Return the card as metadata of a graph."""
        units = (
            "up-to-scale" if self.metres_per_unit is None else "metres = units x metres_per_unit"
        )
        values = {f.name: getattr(self, f.name) for f in fields(self)} | {"units": units}
        return {PREFIX + k: "" if v is None else str(v) for k, v in values.items()}


def matches(card: ExportCard, metadata: Mapping[str, str]) -> bool:
    """Tell whether a graph's metadata are those of the card beside it."""
    return card.metadata().items() <= dict(metadata).items()


def read_card(folder: Path) -> ExportCard:
    """Read the card of an export folder; ConfigError where there is none."""
    return read_config(ExportCard, folder / CARD_FILE)


def write_card(card: ExportCard, folder: Path) -> None:
    """Write the card of an export folder."""
    write_config(card, folder / CARD_FILE)
