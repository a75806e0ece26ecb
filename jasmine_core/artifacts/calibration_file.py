# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""File that holds the calibration of a confidence, in a checkpoint or beside the graphs of exports.

It names the weights that it was fitted for, and belongs to no others.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from jasmine_core.artifacts.card import read_cards
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.errors import CheckpointError
from jasmine_core.files import read_json

_log = logging.getLogger(__name__)


def find_calibration(checkpoint: Checkpoint) -> tuple[Path, dict[str, Any]] | None:
    """Return the file and its content; None if there is none, or one of other weights only.

    Raises:
        CheckpointError: the file cannot be read, or does not name its weights.
    """
    for file in _places(checkpoint):
        if not file.exists():
            continue
        try:
            content = read_json(file)
            model = content["model"]
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise unreadable(checkpoint, file, err) from err
        if model == checkpoint.fingerprint:
            return file, content
        _log.warning("%s is not used: it belongs to other weights; %s", file, _remedy(checkpoint))
    return None


def unreadable(checkpoint: Checkpoint, file: Path, reason: Exception) -> CheckpointError:
    """Return the error for a file that cannot be used."""
    if isinstance(reason, KeyError):
        reason = ValueError(f"the key {reason} is missing")
    return CheckpointError(f"{file} cannot be read ({reason}); remove it, or {_remedy(checkpoint)}")


def _places(checkpoint: Checkpoint) -> list[Path]:
    if checkpoint.folder is None:
        return []
    folders = [checkpoint.folder]
    if checkpoint.kind == "exports":
        folders += [folder for folder, _ in read_cards(checkpoint.folder)]
    return [folder / CALIBRATION_FILE for folder in dict.fromkeys(folders)]


def _remedy(checkpoint: Checkpoint) -> str:
    if checkpoint.kind == "exports":
        return "export the calibrated checkpoint again"
    return f"run jasmine calibrate {checkpoint}"
