# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folder of a single network: config.json and model.safetensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from safetensors.torch import save_file
from torch import nn

from jasmine_core.config import read_config, write_config
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.files import atomic_folder
from jasmine_core.model import checkpoint

Config = TypeVar("Config")
Part = TypeVar("Part", bound=nn.Module)

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def save_part(module: nn.Module, config: Any, path: Path) -> None:
    """Write a network's folder; it appears whole or not at all, replacing an older one."""
    with atomic_folder(path) as folder:
        write_config(config, folder / CONFIG)
        tensors = module.state_dict().items()
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors}, folder / WEIGHTS)


def load_part(make: Callable[[Config], Part], config: type[Config], folder: Path) -> Part:
    """Read a network in evaluation mode; raise CheckpointError if a file does not fit."""
    try:
        values = read_config(config, folder / CONFIG)
    except ConfigError as err:
        raise CheckpointError(f"checkpoint {folder} cannot be read: {err}") from err
    return checkpoint.load_part(make, values, folder).eval()
