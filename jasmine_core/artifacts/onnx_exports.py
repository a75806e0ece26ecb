# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX exports of a checkpoint: where they are stored, and how a missing one is made.

CHECKPOINT/onnx/1024x320-fp32/   written by `jasmine export`; a bundled one shares its weights with
                                 the checkpoint, and is completed in the cache
CACHE/onnx/HASH/1024x320-fp32/   written when a backend needed an export that was missing
FOLDER/1024x320-fp32/            a folder of exports without weights, for a robot without torch
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from jasmine_core.artifacts.cache_limit import delete_oldest
from jasmine_core.artifacts.card import ExportCard, damage, read_card, read_cards
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.shared_weights import complete_export, is_part
from jasmine_core.cache_folder import cache_folder
from jasmine_core.child import environment, python_command
from jasmine_core.errors import CheckpointError, ConfigError, ExportError
from jasmine_core.files import read_json
from jasmine_core.geometry.camera import Size

EXPORTS = "onnx"
_EXPORT = "from jasmine_core.export.checkpoint import main; sys.exit(main(sys.argv[1:]))"
_log = logging.getLogger(__name__)


class Exports:
    """Exports of a checkpoint that are up to date; makes a missing one where torch is installed.

    With `plain`, only plain exports are used and made.
    """

    def __init__(self, checkpoint: Checkpoint, plain: bool = False) -> None:
        self.checkpoint, self.plain = checkpoint, plain
        if checkpoint.kind == "exports" and checkpoint.folder:
            self._places = [checkpoint.folder]
        elif checkpoint.kind == "random":
            self._places = [self.cache]
        else:
            folder = checkpoint.jasmine_folder()
            self._places = [folder, folder / EXPORTS, self.cache]

    @property
    def cache(self) -> Path:
        """Return the folder of the exports that were made for backends."""
        return cache_folder() / EXPORTS / self.checkpoint.fingerprint[:16]

    def __iter__(self) -> Iterator[tuple[Path, ExportCard]]:
        """Yield folder and card of every export that is up to date."""
        for place in self._places:
            for folder, card in read_cards(place):
                known = not self.checkpoint.has_weights or card.model == self.checkpoint.fingerprint
                if known and card.plain >= self.plain and self._completable(folder):
                    yield folder, card

    @property
    def can_export(self) -> bool:
        """Return whether a missing export can be made: weights and packages are available."""
        packages = ("torch", "diffusers", "onnx", "onnxscript")
        return self.checkpoint.has_weights and all(find_spec(name) for name in packages)

    def sizes(self, precision: str) -> tuple[Size, ...]:
        """Return the sizes (width, height) [px] of the exports in a precision."""
        sizes = (card.size for _, card in self if card.precision == precision)
        return tuple(dict.fromkeys(sizes))

    def card(self, precision: str) -> ExportCard:
        """Return the card of any export, or, if there is none, the card an export would have."""
        for _, card in self:
            return card
        if self.checkpoint.kind != "jasmine":  # random weights have no files to describe
            return read_card(self.obtain(None, precision))
        return _describe(self.checkpoint, precision)

    def obtain(self, size: Size | None, precision: str) -> Path:
        """Return the folder of an export; make the export if it is missing.

        Args:
            size: (width, height) [px]; None accepts any size.
            precision: fp32 or fp16.

        Raises:
            ExportError: The export is missing and cannot be made.
        """
        if folder := self.find(size, precision):
            return folder
        wanted = f"{size[0]}x{size[1]} px in {precision}" if size else precision
        wanted += " of plain operators" if self.plain else ""
        if not self.can_export:
            present = ", ".join(card.name for _, card in self) or "none"
            raise ExportError(
                f"{self.checkpoint} has no export for {wanted} (it has: {present}); make one with "
                f"`jasmine export CHECKPOINT --onnx{' --plain' if self.plain else ''}` where "
                "torch, onnx and onnxscript are installed"
            )
        _log.warning("%s: exporting to ONNX for %s; this happens once", self.checkpoint, wanted)
        return self._make(size, precision)

    def find(self, size: Size | None, precision: str) -> Path | None:
        """Return the folder of an intact export for a size, by default any; None if missing."""
        for folder, card in self:
            if card.precision == precision and size in (None, card.size):
                if is_part(folder):
                    try:
                        folder = self._complete(folder, card)
                    except ExportError as err:
                        if not self.can_export:
                            raise
                        _log.warning("%s", err)
                        continue
                damaged = damage(card, folder)
                if damaged is None:
                    return folder
                _log.warning("%s is not used: %s; export it again", folder, damaged)
        return None

    def _completable(self, folder: Path) -> bool:
        """Return whether the graph in a folder is complete, or used with shared weights.

        Where graphs can be made, only runtimes that need plain operators use such a graph.
        """
        if not is_part(folder):
            return True
        return self.checkpoint.kind == "jasmine" and (self.plain or not self.can_export)

    def _complete(self, folder: Path, card: ExportCard) -> Path:
        """Return the folder in the cache of a graph that shares its weights with the checkpoint."""
        target = self.cache / card.name
        if damage(card, target):
            complete_export(folder, self.checkpoint.jasmine_folder(), target)
        return target

    def _make(self, size: Size | None, precision: str) -> Path:
        # The export runs in another process, so that this one does not import torch.
        request = {
            "checkpoint": self.checkpoint.name,
            "output": str(self.cache),
            "size": size,
            "precision": precision,
            "plain": self.plain,
        }
        command = python_command(_EXPORT, json.dumps(request))
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ExportError(f"{self.checkpoint} cannot be exported: {lines[-1]}")
        folder = Path(done.stdout.strip().splitlines()[-1])
        delete_oldest(self.cache.parent, folder)
        return folder


def _describe(checkpoint: Checkpoint, precision: str) -> ExportCard:
    """Return the card that an export for the image size of the training would have."""
    folder = checkpoint.jasmine_folder()
    try:
        jasmine, vae, unet = (
            read_json(folder / part)
            for part in ("jasmine.json", "vae/config.json", "unet/config.json")
        )
        halvings = len(vae["block_out_channels"]) + len(unet["block_out_channels"]) - 2
        return ExportCard(
            model="",
            width=jasmine["width"],
            height=jasmine["height"],
            multiple=2**halvings,
            precision=precision,
            fp32_layers=(),
            graphs=(),
            metres_per_unit=jasmine["metres_per_unit"],
            nominal_width=jasmine["width"],
            nominal_height=jasmine["height"],
            untrained=checkpoint.untrained,
            description=jasmine["description"],
            canonical_focal=jasmine.get("canonical_focal"),
            scale_spread=jasmine.get("scale_spread"),
        )
    except (ConfigError, OSError, ValueError, KeyError, TypeError) as err:
        raise CheckpointError(f"checkpoint {folder} cannot be read: {err}") from err
