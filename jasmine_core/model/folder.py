# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where checkpoints lie; needs no torch."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from jasmine_core.errors import CheckpointError

RANDOM = "random:"


def find_checkpoint(path: Path) -> Path:
    """Return the folder of a checkpoint given as a path or as the name of a bundled one."""
    bundled = resources.files("jasmine_core") / "checkpoints" / str(path)
    for folder in (path, Path(str(bundled))):
        if (folder / "model_index.json").is_file():
            return folder
    if (path / "unet").is_dir() and not (path / "ssg").is_dir():
        raise CheckpointError(
            f"{path} is not a Jasmine checkpoint yet; turn it into one with `jasmine convert`"
        )
    raise CheckpointError(
        f"no checkpoint at {path}: there is no model_index.json in it; give a folder written by "
        "`jasmine convert` or `jasmine train`"
    )


def is_disparity_net(folder: Path) -> bool:
    """Tell whether a folder holds a disparity net: `config.json` beside its weights."""
    return (folder / "config.json").is_file() and (folder / "model.safetensors").is_file()
