# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results of earlier runs of `jasmine prepare`: finished, unfinished or with other options."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from jasmine_core.config import to_mapping
from jasmine_core.dataset.sequence import INDEX, VERSION, DatasetError, read_index
from jasmine_core.prepare.options import PrepareOptions


def finished(folder: Path, source: dict[str, Any], options: PrepareOptions) -> bool:
    """Return whether a sequence is finished already.

    Raises:
        DatasetError: the folder is not a sequence, or has another source or other options.
    """
    if not (folder / INDEX).is_file():
        if folder.exists():
            raise DatasetError(
                f"{folder} exists and is not a sequence; choose another folder with -o"
            )
        return False
    index = read_index(folder)
    header = {"version": VERSION, "source": source, "options": to_mapping(options)}
    before = {"version": index.version, "source": index.source, "options": index.options}
    refuse_other_options(before, header, folder)
    return True


def remove_unfinished(folder: Path) -> None:
    """Remove the files of an interrupted run; the folder stays, since it may be locked."""
    for path in unfinished(folder).glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def refuse_other_options(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise a DatasetError that names the differences between two runs."""
    if before.get("version") != now["version"]:
        raise DatasetError(
            f"{folder} has another format version; add --overwrite to prepare it again"
        )
    for part in ("source", "options"):
        was, is_now = _flat(before[part]), _flat(now[part])
        if part == "options":  # an option that is newer than the earlier run had its default then
            was = _flat(to_mapping(PrepareOptions())) | was
        differing = [key for key in was.keys() | is_now.keys() if was.get(key) != is_now.get(key)]
        if differing:
            changes = ", ".join(
                f"{key} {was.get(key)} is now {is_now.get(key)}" for key in sorted(differing)[:3]
            )
            raise DatasetError(
                f"{folder} was prepared differently ({changes}); repeat its options, write "
                "to another folder with -o, or add --overwrite to prepare it again"
            )


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value) if isinstance(value, dict) else {key: value}
    return flat


def unfinished(folder: Path) -> Path:
    """Return the hidden folder in which a sequence is built."""
    return folder.with_name(f".{folder.name}.unfinished")
