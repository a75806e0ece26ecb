# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What an earlier run of `jasmine prepare` left: a whole sequence, half of one, or another one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from jasmine_core.config import to_mapping
from jasmine_core.dataset.sequence import INDEX, VERSION, DatasetError, read_index
from jasmine_core.prepare.options import PrepareOptions


def finished(folder: Path, source: dict[str, Any], options: PrepareOptions) -> bool:
    """Tell whether a sequence is there already; refuse one of another bag or other options."""
    if not (folder / INDEX).is_file():
        if folder.exists():
            raise DatasetError(f"{folder} exists and is no sequence; write elsewhere with -o")
        return False
    index = read_index(folder)
    header = {"version": VERSION, "source": source, "options": to_mapping(options)}
    before = {"version": index.version, "source": index.source, "options": index.options}
    refuse_other_options(before, header, folder)
    return True


def forget_unfinished(folder: Path) -> None:
    """Remove what an interrupted run left."""
    shutil.rmtree(unfinished(folder), ignore_errors=True)


def refuse_other_options(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise a DatasetError that names what differs between two runs."""
    if before.get("version") != now["version"]:
        raise DatasetError(f"{folder} is of another version; add --overwrite to prepare it anew")
    for part in ("source", "options"):
        was, is_now = _flat(before[part]), _flat(now[part])
        differing = [key for key in was.keys() | is_now.keys() if was.get(key) != is_now.get(key)]
        if differing:
            changes = ", ".join(
                f"{key} {was.get(key)} is now {is_now.get(key)}" for key in sorted(differing)[:3]
            )
            raise DatasetError(
                f"{folder} was prepared differently ({changes}); repeat its options, write "
                "elsewhere with -o, or add --overwrite to prepare it anew"
            )


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value) if isinstance(value, dict) else {key: value}
    return flat


def unfinished(folder: Path) -> Path:
    """Return where a sequence is made before it has its name."""
    return folder.with_name(f".{folder.name}.unfinished")
