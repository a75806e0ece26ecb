# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Path of the file or folder by which a bag is opened."""

from __future__ import annotations

from pathlib import Path

from jasmine_core.errors import BagError
from jasmine_core.store.paths import exists, is_file, is_remote, names_in, url_of
from jasmine_ros.bags.rosbag2_folder import METADATA

BAG_FILES = (".bag", ".mcap", ".db3")


def expect_sqlite_name(path: Path) -> None:
    """Raise BagError for a name that is not UTF-8: SQLite cannot open it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as err:
        raise BagError(
            f"{str(path)!a} is not a UTF-8 name, which SQLite cannot open; rename it"
        ) from err


def expect_existing(path: Path) -> None:
    """Raise BagError if a path does not exist."""
    if not exists(path):
        raise BagError(
            f"{url_of(path)} does not exist; give a .bag, .mcap or .db3 file or a rosbag2 folder"
        )


def bag_path(path: Path) -> Path:
    """Return the path that rosbags can open: a file, or a rosbag2 folder with its metadata."""
    expect_existing(path)
    if is_remote(path):
        return _remote_bag_path(path)
    if path.is_file():
        if path.suffix not in BAG_FILES:
            raise BagError(
                f"{path} is not a bag; give a .bag, .mcap or .db3 file or a rosbag2 folder"
            )
        return path
    for file in path.iterdir() if path.is_dir() else [path]:
        if not file.is_file() and not file.is_dir():
            raise BagError(
                f"{file} is a dangling link, a FIFO or a device; a bag consists of regular files"
            )
        if file.suffix == ".db3":
            expect_sqlite_name(file)
    if (path / METADATA).is_file():
        return path
    files = sorted(f for f in path.iterdir() if f.suffix in BAG_FILES)
    if len(files) != 1:
        raise BagError(
            f"{path} has no metadata.yaml and {len(files)} bag files; write the metadata with "
            f"`ros2 bag reindex {path}`, or give one of the files"
        )
    return files[0]


def _remote_bag_path(path: Path) -> Path:
    if path.suffix in BAG_FILES and is_file(path):
        return path
    names = names_in(path)
    if METADATA in names:
        return path
    files = [path / name for name in names if Path(name).suffix in BAG_FILES]
    if len(files) != 1:
        raise BagError(
            f"{url_of(path)} has no metadata.yaml and {len(files)} bag files; write the metadata "
            "with `ros2 bag reindex` before the upload, or give one of the files"
        )
    return files[0]
