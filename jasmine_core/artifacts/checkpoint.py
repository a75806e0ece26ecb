# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint that the user named: its kind, folder and fingerprint, found without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

from jasmine_core.artifacts.card import CARD_FILE, read_cards
from jasmine_core.artifacts.fingerprint import hash_files, hash_jasmine, hash_preset
from jasmine_core.errors import CheckpointError
from jasmine_core.files import read_json
from jasmine_core.store.local_copies import local_folder
from jasmine_core.store.paths import url_of

Kind = Literal["jasmine", "disparity_net", "random", "exports"]

UNTRAINED = "the weights are untrained: the depth has no meaning"
_RANDOM = "random:"
_DISPARITY_NET = ("config.json", "model.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """Weights, or ONNX exports of weights, resolved from the name that the user gave."""

    name: str  # as given: a folder, the name of a bundled checkpoint, or random:PRESET
    kind: Kind
    folder: Path | None  # None: random weights, made when they are loaded

    @classmethod
    def resolve(cls, name: str | Path | Checkpoint) -> Checkpoint:
        """Find a checkpoint folder, a bundled checkpoint, a folder of exports or `random:PRESET`.

        Raises CheckpointError if there is nothing of that name.
        """
        if isinstance(name, Checkpoint):
            return name
        if str(name).startswith(_RANDOM):
            return cls(str(name), "random", None)
        path = _on_disk(Path(name))
        bundled = Path(str(resources.files("jasmine_core"))) / "checkpoints" / path
        if (path / "unet").is_dir() and not _exists(path, "ssg", "jasmine.json"):
            raise CheckpointError(
                f"{path} is not a Jasmine checkpoint yet; turn it into one with `jasmine convert`"
            )
        for folder in (path, bundled):
            if (folder / "model_index.json").is_file():
                return cls(str(name), "jasmine", folder)
        if all((path / file).is_file() for file in _DISPARITY_NET):
            return cls(str(name), "disparity_net", path)
        if [*path.glob(CARD_FILE), *path.glob(f"*/{CARD_FILE}")]:
            return cls(str(name), "exports", path)
        reason = "there is no model_index.json in it" if path.exists() else "it does not exist"
        names = ", ".join(sorted(folder.name for folder in bundled.parent.iterdir()))
        raise CheckpointError(
            f"no checkpoint at {path}: {reason}; give a folder written by `jasmine convert` or "
            f"`jasmine train`, or the name of a bundled one: {names}"
        )

    def __str__(self) -> str:
        return self.name

    @property
    def preset(self) -> str:
        """Return the name of the preset that random weights are made for."""
        return self.name.removeprefix(_RANDOM)

    @property
    def has_weights(self) -> bool:
        """Return whether a Jasmine model can be loaded from it, and so be exported."""
        return self.kind in ("jasmine", "random")

    def jasmine_folder(self) -> Path:
        """Return the folder of the Jasmine weights; raise CheckpointError for another kind."""
        if self.kind == "jasmine" and self.folder is not None:
            return self.folder
        contents = {
            "disparity_net": "is a disparity net, which only the torch backend runs",
            "exports": "is a folder of exports without weights",
            "random": "has no folder",
        }
        raise CheckpointError(
            f"{self.name} {contents[self.kind]}; give a folder written by `jasmine convert` or "
            "`jasmine train`"
        )

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the weights and their configuration, the same on every machine.

        For a folder of exports it is read from their cards, and empty if no card can be read.
        """
        if self.kind == "random":
            return hash_preset(self.name)
        folder = self.folder or Path()
        if self.kind == "exports":
            return next((card.model for _, card in read_cards(folder)), "")
        try:
            if self.kind == "disparity_net":
                return hash_files(folder, [folder / file for file in _DISPARITY_NET])
            return hash_jasmine(folder)
        except (OSError, ValueError, KeyError) as err:
            raise CheckpointError(f"{folder} cannot be read ({err}); copy it again") from err

    @cached_property
    def untrained(self) -> bool:
        """Return whether the weights have not been trained for depth, which then has no meaning.

        True for random weights and for a base model made by `jasmine convert --stable-diffusion`.
        """
        if self.kind == "random":
            return True
        folder = self.folder or Path()
        if self.kind == "exports":
            return any(card.untrained for _, card in read_cards(folder))
        if self.kind == "disparity_net":
            return False
        try:
            return read_json(folder / "jasmine.json").get("untrained") is True
        except (OSError, ValueError, AttributeError) as err:
            raise CheckpointError(f"{folder} cannot be read ({err}); copy it again") from err

    @cached_property
    def metres_per_unit(self) -> float | None:
        """Return the scale that the checkpoint stores, None if its depth is up-to-scale."""
        if self.kind == "random":
            return None
        folder = self.folder or Path()
        if self.kind == "exports":
            return next((card.metres_per_unit for _, card in read_cards(folder)), None)
        file = folder / ("jasmine.json" if self.kind == "jasmine" else _DISPARITY_NET[0])
        try:
            scale = read_json(file).get("metres_per_unit")
            return None if scale is None else float(scale)
        except (OSError, ValueError, TypeError, AttributeError) as err:
            raise CheckpointError(f"{file} cannot be read ({err}); copy it again") from err


def _on_disk(path: Path) -> Path:
    """Return the folder of a checkpoint, of which a copy is made if it is in a store."""
    try:
        return local_folder(path)
    except FileNotFoundError as err:
        raise CheckpointError(f"no checkpoint at {url_of(path)}; check the URL") from err


def _exists(folder: Path, *names: str) -> bool:
    return any((folder / name).exists() for name in names)
