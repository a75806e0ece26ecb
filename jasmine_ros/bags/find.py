# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Search for recordings in folders."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jasmine_core.errors import ConfigError
from jasmine_core.outputs import MARKER
from jasmine_ros.bags.reader import BAG_FILES, expect_existing
from jasmine_ros.bags.rosbag2_folder import METADATA

DEPTH_BAG = "depth"  # name of the bag in a result of `jasmine run`
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recording:
    """Path of a recording, with the name that its results have."""

    name: str
    path: Path


def find_recordings(paths: Sequence[Path], output: Path | None = None) -> list[Recording]:
    """Return the recordings at paths and in the folders among them, sorted by name.

    A rosbag2 folder is one recording. In any other folder each bag file and each rosbag2 folder is
    one, at any depth; hidden files and folders and links to folders are left out. The name of a
    recording in a folder is its relative path with hyphens, without the suffix of a file. A path
    without a recording is returned as it is, so that the error comes when it is opened.

    Args:
        paths: recordings and folders.
        output: folder of results of `jasmine run`; the bags in these are no recordings.

    Raises:
        BagError: A path does not exist.
        ConfigError: Two recordings have the same name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        expect_existing(path)
        for one in (_named(found, path) for found in _recordings(path, output)):
            other = found.setdefault(one.name, one.path)
            if other.resolve() != one.path.resolve():
                raise ConfigError(
                    f"{other} and {one.path} would both become {one.name}; rename one, or use "
                    "different output folders"
                )
    return [Recording(name, found[name]) for name in sorted(found)]


def _named(recording: Path, given: Path) -> Recording:
    if recording == given:
        return Recording(given.stem if given.is_file() else given.resolve().name, given)
    inside = recording.relative_to(given)
    return Recording(
        "-".join((inside.with_suffix("") if recording.is_file() else inside).parts), recording
    )


def _recordings(path: Path, output: Path | None) -> Iterator[Path]:
    """Yield the recordings at or below a path, or the path itself if there is none."""
    below = list(_below(path, output)) if path.is_dir() and not _is_recording(path) else []
    yield from below or [path]


def _below(path: Path, output: Path | None) -> Iterator[Path]:
    for place, folders, files in os.walk(path, onerror=_warn):
        here = Path(place)
        if output is not None and _is_result(here, output):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if here != path and _is_recording(here):
            folders.clear()
            yield here
            continue
        for name in sorted(files):
            if Path(name).suffix in BAG_FILES and not name.startswith("."):
                yield here / name


def _warn(err: OSError) -> None:
    _log.warning("%s is not searched for recordings: %s", err.filename, err.strerror)


def _is_result(folder: Path, output: Path) -> bool:
    """Return whether a folder is the bag of an earlier result in an output folder."""
    own = folder.name == DEPTH_BAG and (folder / MARKER).is_file()
    return own and output.resolve() in folder.resolve().parents


def _is_recording(folder: Path) -> bool:
    """Return whether a folder is one recording: it has metadata, or files with its own name."""
    if (folder / METADATA).is_file():
        return True
    suffixes = "|".join(map(re.escape, BAG_FILES))
    part = re.compile(rf"{re.escape(folder.resolve().name)}(_\d+)?({suffixes})")
    return any(part.fullmatch(file.name) for file in folder.iterdir())
