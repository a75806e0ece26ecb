# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""States of a training on disk: written atomically, the newest kept, resumed exactly."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from jasmine_core.config import to_mapping, write_config
from jasmine_core.errors import CheckpointError, ConfigError, JasmineError
from jasmine_core.files import atomic_folder
from jasmine_core.model.checkpoint import read_weights
from jasmine_core.train.recipe import EVERY, Recipe, read_recipe

RECIPE, WEIGHTS, OPTIMISER, PROGRESS = (
    "recipe.yaml",
    "weights.safetensors",
    "optimiser.pt",
    "progress.json",
)
STATES = "states"
_RESULTS = (STATES, "final", "best", "log.jsonl")
_DAMAGE = (  # errors of the readers for a damaged file
    CheckpointError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    EOFError,
    pickle.UnpicklingError,
)
logger = logging.getLogger(__name__)
# Keys that may differ between a run and its continuation without changing the result.
_FREE = (*EVERY, "keep", "data.workers")


class RunFolder:
    """Folder of one run, with its states under `states/`, each named after its step."""

    def __init__(self, path: Path, recipe: Recipe, accelerator: Accelerator) -> None:
        self.path, self.recipe, self.accelerator = path, recipe, accelerator
        self.states = path / STATES

    def begin(self, resume: bool) -> None:
        """Prepare the folder; refuse one with another recipe, or one that would be overwritten."""
        known = self.path / RECIPE
        if known.is_file():
            if not resume:
                raise ConfigError(
                    f"{self.path} holds a training already; add --resume to go on with it, or "
                    "choose another folder with -o"
                )
            self._expect_same(read_recipe(known))
        elif resume and self.path.exists() and any(self.path.iterdir()):
            raise ConfigError(f"{self.path} has no {RECIPE}: it holds no training to resume")
        elif resume:
            logger.warning("%s holds no training to resume; it starts at step 0", self.path)
        elif present := [name for name in _RESULTS if (self.path / name).exists()]:
            raise ConfigError(
                f"{self.path / present[0]} exists, but {self.path} has no {RECIPE}: it is not of "
                "a training and is not replaced; choose another folder with -o"
            )
        self.accelerator.wait_for_everyone()  # every process must have looked before one writes
        if self.accelerator.is_main_process:
            for place in (self.path, self.states):
                for partial in place.glob(".*.partial-*"):  # a killed run was writing it
                    shutil.rmtree(partial, ignore_errors=True)
            with saving(known):
                write_config(self.recipe, known)
        self.accelerator.wait_for_everyone()

    def save(
        self, step: int, module: nn.Module, optimiser: torch.optim.Optimizer, best: float
    ) -> None:
        """Write the state after `step` steps; then remove the oldest beyond `keep`."""
        if self.accelerator.is_main_process:
            place = self.states / f"{step:07d}"
            with saving(place), atomic_folder(place) as folder:
                tensors = self.accelerator.unwrap_model(module).state_dict()
                save_file({k: v.cpu().contiguous() for k, v in tensors.items()}, folder / WEIGHTS)
                torch.save(optimiser.state_dict(), folder / OPTIMISER)
                progress = {"step": step, "best": best} | self._parallel()
                (folder / PROGRESS).write_text(json.dumps(progress))
            for old in self._kept()[: -self.recipe.keep]:
                shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def load(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
        """Restore the newest state; return its number of steps and the best validation score."""
        kept = self._kept()
        if not kept:
            return 0, float("inf")
        folder = kept[-1]
        try:
            self.accelerator.unwrap_model(module).load_state_dict(read_weights(folder / WEIGHTS))
            state = torch.load(folder / OPTIMISER, map_location="cpu", weights_only=True)
            optimiser.load_state_dict(state)
            progress = json.loads((folder / PROGRESS).read_text())
        except _DAMAGE as err:
            raise CheckpointError(
                f"state {folder} cannot be resumed ({first_line(err)}); remove it to go back to "
                "the one before"
            ) from err
        self._take_threads(progress.get("threads"))
        for name, now in self._parallel().items():
            if progress.get(name, now) != now and self.accelerator.is_main_process:
                logger.warning(
                    "the state was saved with %s %s, this run has %s: sums are rounded in another "
                    "order, and the weights will differ in their last digits",
                    progress[name],
                    name,
                    now,
                )
        return int(progress["step"]), float(progress["best"])

    def _take_threads(self, saved: Any) -> None:
        """Use as many threads as the saved run, if this machine has as many processors.

        A resumed training then ends with the same bits as one that was not interrupted, whatever
        OMP_NUM_THREADS is now.
        """
        now = torch.get_num_threads()
        if saved != now and isinstance(saved, int) and 0 < saved <= len(os.sched_getaffinity(0)):
            torch.set_num_threads(saved)
            if self.accelerator.is_main_process:
                logger.info(
                    "the training goes on with %d threads as before, not %d, so that its weights "
                    "become the same to the last bit",
                    saved,
                    now,
                )

    def _parallel(self) -> dict[str, int]:
        """Return the numbers of processes and threads, on which the last digits depend."""
        return {"processes": self.accelerator.num_processes, "threads": torch.get_num_threads()}

    def _kept(self) -> list[Path]:
        return sorted(f for f in self.states.glob("*") if f.name.isdigit())

    def _expect_same(self, before: Recipe) -> None:
        old, new = _flat(to_mapping(before)), _flat(to_mapping(self.recipe))
        for name, value in new.items():
            if name not in _FREE and old.get(name) != value:
                raise ConfigError(
                    f"{self.path} was trained with another recipe: {name} was {old.get(name)!r}, "
                    f"is {value!r}; restore it, or choose another folder with -o"
                )


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turn a failed write, such as on a full disk, into a JasmineError of one line."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as err:  # torch.save raises the last
        reason = getattr(err, "strerror", None) or first_line(err)
        raise JasmineError(
            f"{path} could not be written ({reason}); earlier states are complete; free some "
            "disk space, then continue with --resume"
        ) from err


def first_line(err: BaseException) -> str:
    """Return the first line of an error; torch adds whole pages."""
    return (str(err).strip().splitlines() or [type(err).__name__])[0]


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in mapping.items():
        inner = isinstance(value, Mapping)
        flat |= _flat(value, f"{prefix}{name}.") if inner else {prefix + name: value}
    return flat
