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
from jasmine_core.store.paths import files_below, is_file, is_remote, url_of
from jasmine_ros.bags.bag_path import BAG_FILES, expect_existing
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
        if is_remote(path):
            for one in _remote_recordings(path, output):
                _add(found, one)
            continue
        for one in (_named(found, path) for found in _recordings(path, output)):
            _add(found, one)
    return [Recording(name, found[name]) for name in sorted(found)]


def _add(found: dict[str, Path], one: Recording) -> None:
    other = found.setdefault(one.name, one.path)
    if _resolved(other) != _resolved(one.path):
        raise ConfigError(
            f"{url_of(other)} and {url_of(one.path)} would both become {one.name}; rename one, or "
            "use different output folders"
        )


def _resolved(path: Path) -> Path:
    return path if is_remote(path) else path.resolve()


def _named(recording: Path, given: Path) -> Recording:
    if recording == given:
        return Recording(given.stem if given.is_file() else given.resolve().name, given)
    return _named_inside(recording, given, recording.is_file())


def _named_inside(recording: Path, given: Path, file: bool) -> Recording:
    inside = recording.relative_to(given)
    return Recording("-".join((inside.with_suffix("") if file else inside).parts), recording)


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


def _remote_recordings(given: Path, output: Path | None) -> Iterator[Recording]:
    """Yield the recordings at or below a folder of an object store, which is listed once."""
    if given.suffix in BAG_FILES and is_file(given):
        yield Recording(given.stem, given)
        return
    names: dict[Path, list[str]] = {}
    for found in files_below(given):
        names.setdefault(found.path.parent, []).append(found.path.name)
    recordings: list[Path] = []  # folders, of which what is below them is a part
    for folder in sorted(names):
        hidden = any(part.startswith(".") for part in folder.relative_to(given).parts)
        if hidden or any(other in (folder, *folder.parents) for other in recordings):
            continue
        own = folder.name == DEPTH_BAG and MARKER in names[folder]
        if own and output is not None and output in folder.parents:
            continue
        if _is_recording_of(folder.name, names[folder]):
            recordings.append(folder)
            if folder == given:
                yield Recording(folder.name, folder)
            else:
                yield _named_inside(folder, given, file=False)
            continue
        for name in names[folder]:
            if Path(name).suffix in BAG_FILES and not name.startswith("."):
                yield _named_inside(folder / name, given, file=True)
    if not names:
        yield Recording(given.name, given)


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
    return _is_recording_of(folder.resolve().name, [file.name for file in folder.iterdir()])


def _is_recording_of(folder: str, names: Sequence[str]) -> bool:
    """Return whether a folder of a name holds one recording, by the names in it."""
    suffixes = "|".join(map(re.escape, BAG_FILES))
    part = re.compile(rf"{re.escape(folder)}(_\d+)?({suffixes})")
    return METADATA in names or any(map(part.fullmatch, names))
