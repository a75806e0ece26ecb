# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint's ONNX exports: where they lie, which are up to date, and making a missing one.

CHECKPOINT/onnx/1024x320-fp32/   beside the weights, as `jasmine export` writes them
CACHE/onnx/HASH/1024x320-fp32/   made on the way, when a backend needed one
FOLDER/1024x320-fp32/            a folder of exports alone: all that a robot without torch needs
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from jasmine_core.artifacts.cache_folder import cache_folder
from jasmine_core.artifacts.card import CARD_FILE, ExportCard, read_card
from jasmine_core.artifacts.fingerprint import fingerprint
from jasmine_core.errors import CheckpointError, ConfigError, ExportError
from jasmine_core.geometry.camera import Size
from jasmine_core.model.folder import RANDOM, find_checkpoint

EXPORTS = "onnx"
_log = logging.getLogger(__name__)


class Exports:
    """Know the exports of a checkpoint folder, of `random:PRESET`, or a folder of exports."""

    def __init__(self, checkpoint: str) -> None:
        path = Path(checkpoint)
        self.checkpoint = checkpoint
        self.model: str | None = None  # its hash; None: there is no checkpoint behind the exports
        if not checkpoint.startswith(RANDOM) and list(_cards(path)):
            self._places = [path]
            return
        if not checkpoint.startswith(RANDOM):
            self.checkpoint = str(find_checkpoint(path))
        self.model = fingerprint(self.checkpoint)
        self._places = [Path(self.checkpoint) / EXPORTS, self.cache]

    @property
    def cache(self) -> Path:
        """Return the folder of the exports that backends made."""
        return cache_folder() / EXPORTS / str(self.model)[:16]

    def __iter__(self) -> Iterator[tuple[Path, ExportCard]]:
        """Yield folder and card of every export that is up to date."""
        for place in self._places:
            for folder, card in _cards(place):
                if self.model in (None, card.model):
                    yield folder, card

    @property
    def can_grow(self) -> bool:
        """Tell whether an export can be made here: there are weights, and the packages to do it."""
        packages = ("torch", "diffusers", "onnx", "onnxscript")
        return self.model is not None and all(find_spec(name) for name in packages)

    def sizes(self, precision: str) -> tuple[Size, ...]:
        """Return the sizes at hand, in a precision."""
        return tuple(card.size for _, card in self if card.precision == precision)

    def card(self, precision: str) -> ExportCard:
        """Describe the model: the card of any of its exports, else from its own files."""
        for _, card in self:
            return card
        if self.checkpoint.startswith(RANDOM):  # only torch can tell what it is like
            return read_card(self.obtain(None, precision))
        return _describe(Path(self.checkpoint), precision)

    def obtain(self, size: Size | None, precision: str) -> Path:
        """Return the folder of an export for a size, by default the model's; make it if need be."""
        for folder, card in self:
            if card.precision == precision and size in (None, card.size):
                return folder
        wanted = f"{size[0]}x{size[1]} px in {precision}" if size else precision
        if not self.can_grow:
            at_hand = ", ".join(card.name for _, card in self) or "none"
            raise ExportError(
                f"{self.checkpoint} has no export for {wanted} (at hand: {at_hand}); make one with "
                "`jasmine export CHECKPOINT --onnx` where torch, onnx and onnxscript are installed"
            )
        _log.warning("%s: exporting to ONNX for %s, once", self.checkpoint, wanted)
        return self._make(size, precision)

    def _make(self, size: Size | None, precision: str) -> Path:
        # In a process of its own: this one stays small, and free of torch.
        request = {
            "checkpoint": self.checkpoint,
            "output": str(self.cache),
            "size": size,
            "precision": precision,
        }
        command = [sys.executable, "-m", "jasmine_core.export.checkpoint", json.dumps(request)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ExportError(f"{self.checkpoint} cannot be exported: {lines[-1]}")
        return Path(done.stdout.strip().splitlines()[-1])


def _cards(place: Path) -> Iterator[tuple[Path, ExportCard]]:
    for file in sorted([*place.glob(CARD_FILE), *place.glob(f"*/{CARD_FILE}")]):
        if file.parent.name.startswith("."):  # still being written
            continue
        try:
            yield file.parent, read_card(file.parent)
        except ConfigError as err:
            _log.warning("%s is passed over: %s", file.parent, err)


def _describe(folder: Path, precision: str) -> ExportCard:
    """Describe a checkpoint as an export of its own size would."""
    try:
        jasmine, vae, unet = (
            json.loads((folder / part).read_text())
            for part in ("jasmine.json", "vae/config.json", "unet/config.json")
        )
        halvings = len(vae["block_out_channels"]) + len(unet["block_out_channels"]) - 2
        return ExportCard(
            model="",
            width=jasmine["width"],
            height=jasmine["height"],
            multiple=2**halvings,
            precision=precision,
            fp32_layers="",
            graphs="",
            metres_per_unit=jasmine["metres_per_unit"],
            nominal_width=jasmine["width"],
            nominal_height=jasmine["height"],
            description=jasmine["description"],
        )
    except (OSError, ValueError, KeyError) as err:
        raise CheckpointError(f"checkpoint {folder} cannot be read: {err}") from err
