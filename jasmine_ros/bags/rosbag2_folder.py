# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of the folders of rosbag2.

The files describe themselves. Of metadata.yaml only the names of the files, their compression and
missing QoS profiles are used, because converted and edited bags often keep an outdated one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from jasmine_core.files import MAX_TEXT
from jasmine_core.store.local_copies import local_file
from jasmine_core.store.paths import is_file, names_in, read_limited
from jasmine_core.yaml_text import parse_yaml
from jasmine_ros.bags.connection import Connection, RefusedError, Storage, absolute
from jasmine_ros.bags.expansion import expand, expand_file
from jasmine_ros.bags.mcap_file import McapFile
from jasmine_ros.bags.sqlite_file import SqliteFile

METADATA = "metadata.yaml"
FILES: dict[str, Callable[[Path], Storage]] = {".mcap": McapFile, ".db3": SqliteFile}
_log = logging.getLogger(__name__)


class Rosbag2Folder:
    """Open folder of rosbag2 with a metadata.yaml."""

    def __init__(self, path: Path) -> None:
        information = _read_metadata(path / METADATA)
        names = information.get("relative_file_paths")
        paths = [path / PurePath(str(name)).name for name in names or ()]
        if missing := [file.name for file in paths if not is_file(file)]:
            raise RefusedError(
                f"{METADATA} names files that are missing ({', '.join(missing)}); copy them, or "
                f"write the metadata again with `ros2 bag reindex {path}`"
            )
        if not paths:
            paths = [path / name for name in names_in(path) if Path(name).suffix in FILES]
        mode = str(information.get("compression_mode") or "none").lower()
        self._compressed = mode == "message"
        qos = _qos_of(information)
        self._stack = ExitStack()
        self.storages: list[Storage] = []
        try:
            if mode == "file":
                paths = [self._expanded(file) for file in paths]
            for file in paths:
                if file.suffix not in FILES:
                    raise RefusedError(f"{file.name} is neither an .mcap nor a .db3 file")
                storage = FILES[file.suffix](file)
                self._stack.callback(storage.close)
                self.storages.append(storage)
        except BaseException:
            self.close()
            raise
        for storage in self.storages:
            storage.connections = [
                c if c.qos else replace(c, qos=qos.get(c.topic, "")) for c in storage.connections
            ]
        self.connections = [c for storage in self.storages for c in storage.connections]

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of recording [ns] of the first and last message; None without messages."""
        spans = [span for storage in self.storages if (span := storage.span)]
        return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None

    def messages(
        self, wanted: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, time of recording [ns], data) from start to before stop, in order."""
        for storage in self.storages:
            own = [c for c in storage.connections if c in wanted]
            for connection, stamp, data in storage.messages(own, start, stop) if own else ():
                whole = expand(bytes(data), "zstd") if self._compressed else data
                yield connection, stamp, whole

    def stamps(self, wanted: Collection[Connection]) -> list[int]:
        """Return the times of recording [ns] of all messages of some connections."""
        found: list[int] = []
        for storage in self.storages:
            found += storage.stamps([c for c in storage.connections if c in wanted])
        return found

    def close(self) -> None:
        """Close the files and remove the expanded ones."""
        self._stack.close()

    def _expanded(self, file: Path) -> Path:
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="jasmine-bag-")))
        expanded = folder / file.stem
        expand_file(local_file(file), expanded)
        return expanded


def _read_metadata(path: Path) -> dict[str, Any]:
    """Return the contents of metadata.yaml; empty, with a warning, if it cannot be understood."""
    try:
        values = parse_yaml(read_limited(path, MAX_TEXT).decode())
        information = values["rosbag2_bagfile_information"]
        if not isinstance(information, dict):
            raise ValueError("rosbag2_bagfile_information is not a mapping")
        if not isinstance(information.get("relative_file_paths", []), list):
            raise ValueError("relative_file_paths is not a list")
    except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError, RecursionError) as err:
        reason = str(err).partition("\n")[0] or type(err).__name__
        _log.warning("%s is ignored, because it cannot be read: %s", path, reason[:200])
        return {}
    return information


def _qos_of(information: dict[str, Any]) -> dict[str, str]:
    """Return the offered QoS profiles of each topic as YAML text."""
    found = {}
    topics = information.get("topics_with_message_count")
    for entry in topics if isinstance(topics, list) else ():
        topic = entry.get("topic_metadata") if isinstance(entry, dict) else None
        if not isinstance(topic, dict) or not isinstance(topic.get("name"), str):
            continue
        profiles = topic.get("offered_qos_profiles")
        text = profiles if isinstance(profiles, str) else yaml.safe_dump(profiles or [])
        found[absolute(topic["name"])] = "" if text.strip() == "[]" else text
    return found
