# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The state of a training on disk: whole or not there, the newest few kept, resumed exactly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import nn

from jasmine_core.config import read_config, to_mapping, write_config
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.files import atomic_folder
from jasmine_core.model.checkpoint import read_weights
from jasmine_core.train.recipe import Recipe

RECIPE, WEIGHTS, OPTIMISER, PROGRESS = (
    "recipe.yaml",
    "weights.safetensors",
    "optimiser.pt",
    "progress.json",
)
# What may differ between a run and its continuation without changing what is learned.
_FREE = ("log_every", "picture_every", "save_every", "validate_every", "keep")


class RunFolder:
    """Keep the states of one run under `states/`, each named after its step."""

    def __init__(self, path: Path, recipe: Recipe, accelerator: Accelerator) -> None:
        self.path, self.recipe, self.accelerator = path, recipe, accelerator
        self.states = path / "states"

    def begin(self, resume: bool) -> None:
        """Prepare the folder; refuse one of another recipe, or one that would be overwritten."""
        known = self.path / RECIPE
        if known.is_file():
            if not resume:
                raise ConfigError(
                    f"{self.path} holds a training already; add --resume to go on with it, or "
                    "choose another folder with -o"
                )
            self._expect_same(read_config(Recipe, known))
        elif resume and self.path.exists() and any(self.path.iterdir()):
            raise ConfigError(f"{self.path} has no {RECIPE}: it is no training to resume")
        if self.accelerator.is_main_process:
            self.path.mkdir(parents=True, exist_ok=True)
            write_config(self.recipe, known)
        self.accelerator.wait_for_everyone()

    def save(
        self, step: int, module: nn.Module, optimiser: torch.optim.Optimizer, best: float
    ) -> None:
        """Write the state after `step` steps; then forget the oldest beyond `keep`."""
        if self.accelerator.is_main_process:
            with atomic_folder(self.states / f"{step:07d}") as folder:
                tensors = self.accelerator.unwrap_model(module).state_dict()
                save_file({k: v.cpu().contiguous() for k, v in tensors.items()}, folder / WEIGHTS)
                torch.save(optimiser.state_dict(), folder / OPTIMISER)
                (folder / PROGRESS).write_text(json.dumps({"step": step, "best": best}))
            for old in self._kept()[: -self.recipe.keep]:
                shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def load(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
        """Restore the newest state; return how many steps are done, and the best validation."""
        kept = self._kept()
        if not kept:
            return 0, float("inf")
        folder = kept[-1]
        try:
            self.accelerator.unwrap_model(module).load_state_dict(read_weights(folder / WEIGHTS))
            state = torch.load(folder / OPTIMISER, map_location="cpu", weights_only=True)
            optimiser.load_state_dict(state)
            progress = json.loads((folder / PROGRESS).read_text())
        except (CheckpointError, OSError, RuntimeError, ValueError, KeyError) as err:
            raise CheckpointError(
                f"state {folder} cannot be resumed ({err}); remove it to go back to the one before"
            ) from err
        return int(progress["step"]), float(progress["best"])

    def _kept(self) -> list[Path]:
        return sorted(f for f in self.states.glob("*") if f.name.isdigit())

    def _expect_same(self, before: Recipe) -> None:
        old, new = to_mapping(before), to_mapping(self.recipe)
        differing = [k for k in new if k not in _FREE and old.get(k) != new[k]]
        if differing:
            name = differing[0]
            raise ConfigError(
                f"{self.path} was trained with another recipe: {name} was {old.get(name)!r}, is "
                f"{new[name]!r}; restore it, or choose another folder with -o"
            )
