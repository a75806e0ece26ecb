# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Description (card) of an ONNX export: its checkpoint, image size and precision.

The card is written beside the graph as `export.json`, and into the graph's metadata with the
prefix `jasmine.` before each key. Reading it needs neither torch nor onnx.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from jasmine_core._version import __version__
from jasmine_core.artifacts.hashes import hash_file
from jasmine_core.artifacts.limits import expect_image_size, expect_scale
from jasmine_core.config import read_mapping, write_config
from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_file, found_in, read_json
from jasmine_core.geometry.camera import Size

PREFIX = "jasmine."
CARD_FILE = "export.json"
HASH_FILE = "graphs.hashes"  # JSON
WHOLE = ("jasmine.onnx",)
SPLIT = ("encoder.onnx", "unet.onnx", "decoder.onnx")
MAX_MULTIPLE = 1024  # [px]
_KINDS: dict[str, Callable[[Any], bool]] = {  # types of the fields of a card
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int,
    "str": lambda value: isinstance(value, str),
    "float | None": lambda value: value is None or type(value) in (int, float),
    "tuple[str, ...]": lambda value: (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    ),
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportCard:
    """Card of an export."""

    model: str  # hash of the weights and their configuration
    width: int  # [px] of the graph's input image
    height: int  # [px]
    multiple: int  # [px] both sides of an image are multiples of it, in every export of the model
    precision: str  # fp32 or fp16
    fp32_layers: tuple[str, ...]  # fp32 fallback layers: modules that an fp16 graph keeps in fp32
    graphs: tuple[str, ...]  # file names, in the order in which the graphs run
    metres_per_unit: float | None  # None: depth is up-to-scale
    nominal_width: int  # [px] of the images that the model was trained on
    nominal_height: int  # [px]
    untrained: bool  # the weights have not been trained for depth
    description: str
    canonical_focal: float | None = None  # [px] depths are those of a camera of this f_x
    scale_spread: float | None = None  # relative, of a learned scale; None: a measured scale
    plain: bool = False  # operators that OpenCV reads as well
    version: str = __version__

    def __post_init__(self) -> None:
        expect_image_size(self.width, self.height)
        expect_image_size(self.nominal_width, self.nominal_height)
        expect_scale("metres_per_unit", self.metres_per_unit)
        expect_scale("canonical_focal", self.canonical_focal)
        expect_scale("scale_spread", self.scale_spread)
        if not 0 < self.multiple <= MAX_MULTIPLE:
            raise ConfigError(f"multiple is {self.multiple}, outside 1 to {MAX_MULTIPLE} px")
        for graph in self.graphs:
            if graph not in WHOLE + SPLIT:
                raise ConfigError(f"graph {graph!r} is not {', '.join(WHOLE + SPLIT)}")

    @property
    def size(self) -> Size:
        """Return (width, height) of the images."""
        return self.width, self.height

    @property
    def name(self) -> str:
        """Return the folder's name for this size, precision and kind of operators."""
        return f"{self.width}x{self.height}-{self.precision}" + ("-plain" if self.plain else "")

    def metadata(self) -> dict[str, str]:
        """Return the card as ONNX metadata, which holds strings only."""
        units = (
            "up-to-scale" if self.metres_per_unit is None else "metres = units x metres_per_unit"
        )
        values = {f.name: getattr(self, f.name) for f in fields(self)} | {"units": units}
        if not self.plain:  # Graphs of earlier versions lack the key.
            del values["plain"]
        return {PREFIX + key: _as_text(value) for key, value in values.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else str(value)


def matches(card: ExportCard, metadata: Mapping[str, str]) -> bool:
    """Return whether the metadata of a graph agree with the card beside it."""
    return card.metadata().items() <= dict(metadata).items()


def read_card(folder: Path) -> ExportCard:
    """Read the card of an export folder; raise ConfigError if it is missing, damaged or old."""
    try:
        return _from_values(read_mapping(folder / CARD_FILE), str(folder / CARD_FILE))
    except ConfigError as err:
        raise ConfigError(
            f"{err}; export it again with `jasmine export CHECKPOINT --onnx`"
        ) from err


def _from_values(values: Mapping[str, Any], source: str) -> ExportCard:
    """Return the card with these values; raise ConfigError for a wrong key or type.

    This is not left to cattrs, because apt does not provide it on every machine of ROS.
    """
    kinds = {f.name: (str(f.type), f.default is MISSING) for f in fields(ExportCard)}
    problems = [f"unknown key {key!r}" for key in values if key not in kinds]
    problems += [
        f"'{k}' is missing" for k, (_, needed) in kinds.items() if needed and k not in values
    ]
    given: dict[str, Any] = {}
    for key in kinds.keys() & values.keys():
        kind, value = kinds[key][0], values[key]
        if not _KINDS[kind](value):
            problems.append(f"{key}: {value!r} is not {kind}")
        given[key] = tuple(value) if isinstance(value, list) else value
    if problems:
        raise ConfigError(f"{source}: {'; '.join(problems)}")
    try:
        return ExportCard(**given)
    except ConfigError as err:
        raise ConfigError(f"{source}: {err}") from err


def read_cards(place: Path) -> Iterator[tuple[Path, ExportCard]]:
    """Yield folder and card of each export in a folder; one that cannot be read is logged."""
    for file in found_in(place, CARD_FILE, f"*/{CARD_FILE}"):
        if file.parent.name.startswith("."):  # still being written
            continue
        try:
            yield file.parent, read_card(file.parent)
        except ConfigError as err:
            _log.warning("%s is not used: %s", file.parent, err)


def write_card(card: ExportCard, folder: Path) -> None:
    """Write the card of an export folder whose graphs are complete, and their hashes."""
    with atomic_file(folder / HASH_FILE) as temporary:
        temporary.write_text(json.dumps(_hashes(card, folder), indent=2) + "\n")
    write_config(card, folder / CARD_FILE)


def damage(card: ExportCard, folder: Path) -> str | None:
    """Return why the graphs of an export are not those that were written, None if they are."""
    try:
        recorded = read_json(folder / HASH_FILE)
        if recorded == _hashes(card, folder):
            return None
        return f"its graphs are not those that {HASH_FILE} was written for"
    except (OSError, ValueError) as err:
        return f"its graphs cannot be compared with {HASH_FILE} ({err})"


def _hashes(card: ExportCard, folder: Path) -> dict[str, str]:
    """Return the hash of each graph, and of its weights where they lie beside it."""
    names = [name for graph in card.graphs for name in (graph, f"{graph}.data")]
    present = [name for name in names if name in card.graphs or (folder / name).exists()]
    return {name: hash_file(folder / name) for name in present}
