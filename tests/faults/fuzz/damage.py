# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random damage of the files of a bag: bytes, lengths, tables, metadata.yaml and the folder."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import yaml
from faults.fuzz.bags import Rng, choice, maybe
from faults.mutations import EXTREMES

EDGE = 4096  # [bytes] at both ends of a file, which hold its headers and indexes
SUFFIXES = (".bag", ".mcap", ".db3", ".zstd")
ODD = (None, "", 0, -1, 2**63, 1.5e300, "nan", [], {}, [[]], True, "../../etc/passwd", "\u00e9")
SQL = (
    "UPDATE messages SET timestamp = 'text' WHERE id = 2",
    "UPDATE messages SET timestamp = NULL",
    "UPDATE messages SET timestamp = 1.5",
    "UPDATE messages SET timestamp = -1",
    "UPDATE messages SET timestamp = -9223372036854775808 WHERE id = 1",
    "UPDATE messages SET timestamp = x'00' WHERE id = 1",
    "UPDATE messages SET data = NULL WHERE id = 1",
    "UPDATE messages SET data = 'text'",
    "UPDATE messages SET data = 7",
    "UPDATE messages SET topic_id = 99",
    "UPDATE messages SET topic_id = 'a'",
    "UPDATE topics SET name = NULL",
    "UPDATE topics SET name = x'FF00'",
    "UPDATE topics SET name = 5",
    "UPDATE topics SET id = 2147483647 WHERE id = 1",
    "UPDATE topics SET type = NULL",
    "UPDATE topics SET type = 'a'",
    "UPDATE topics SET type = 'sensor_msgs/msg/Image'",
    "UPDATE topics SET serialization_format = NULL",
    "UPDATE topics SET offered_qos_profiles = x'00'",
    "UPDATE message_definitions SET encoding = NULL",
    "UPDATE message_definitions SET encoded_message_definition = 'int32 ]['",
    "UPDATE message_definitions SET encoded_message_definition = x'FF'",
    "UPDATE message_definitions SET topic_type = x'00'",
    "DROP TABLE messages",
    "DROP TABLE topics",
    "DROP TABLE message_definitions",
    "DELETE FROM topics",
    "DELETE FROM messages",
    "ALTER TABLE topics DROP COLUMN serialization_format",
    "CREATE TABLE again AS SELECT * FROM messages",
    "INSERT INTO topics SELECT 77, name, 'a/msg/B', serialization_format, '', '' FROM topics",
)


def damage(rng: Rng, path: Path) -> tuple[Path, list[str]]:
    """Damage a bag in place; return its path, which may change, and the names of the damages."""
    names = []
    for _ in range(choice(rng, (0, 0, 1, 1, 1, 2))):
        change = choice(rng, _DAMAGES)
        with suppress(FileNotFoundError, NotADirectoryError):  # damaged away before
            if new := change(rng, path):
                path = new if isinstance(new, Path) else path
                names.append(change.__name__.strip("_"))
    return path, names


def _files(path: Path) -> list[Path]:
    return sorted(f for f in path.iterdir() if f.is_file()) if path.is_dir() else [path]


def _data_file(rng: Rng, path: Path) -> Path | None:
    files = [f for f in _files(path) if f.suffix in SUFFIXES]
    return choice(rng, files) if files else None


def _place(rng: Rng, size: int) -> int:
    """Return a random index; one in three each lies near the start, near the end and anywhere."""
    near = int(rng.integers(max(1, min(size, EDGE))))
    return choice(rng, (near, max(0, size - 1 - near), int(rng.integers(max(1, size)))))


def _change(rng: Rng, path: Path, edit: Callable[[bytearray], bytes | bytearray]) -> bool:
    file = _data_file(rng, path)
    if file is None:
        return False
    file.write_bytes(edit(bytearray(file.read_bytes())))
    return True


def _flip_bytes(rng: Rng, path: Path) -> bool:
    def edit(data: bytearray) -> bytearray:
        for _ in range(choice(rng, (1, 2, 8, 64))):
            if data:
                data[_place(rng, len(data))] ^= int(rng.integers(1, 256))
        return data

    return _change(rng, path, edit)


def _truncate(rng: Rng, path: Path) -> bool:
    return _change(rng, path, lambda data: data[: _place(rng, len(data))])


def _move_bytes(rng: Rng, path: Path) -> bool:
    """Delete, insert, clear or repeat a part, so that the offsets of an index are wrong."""

    def edit(data: bytearray) -> bytearray:
        at, length = _place(rng, len(data)), choice(rng, (1, 4, 37, 512, 4096))
        part = data[at : at + length]
        new = choice(rng, (b"", bytes(len(part)), part * 2, rng.bytes(length)))
        data[at : at + length] = new
        return data

    return _change(rng, path, edit)


def _wrong_number(rng: Rng, path: Path) -> bool:
    def edit(data: bytearray) -> bytearray:
        at, width = _place(rng, len(data)), choice(rng, (2, 4, 8))
        order = choice(rng, ("little", "big"))
        value = choice(rng, (*EXTREMES, len(data), len(data) + 1, 2**63, 2**64 - 1))
        data[at : at + width] = (value & (2 ** (8 * width) - 1)).to_bytes(width, order)
        return data

    return _change(rng, path, edit)


def _wrong_length(rng: Rng, path: Path) -> bool:
    """Change the length of a record of MCAP or ROS 1; in other files of a number anywhere."""

    def edit(data: bytearray) -> bytearray:
        mcap = data.startswith(b"\x89MCAP")
        lengths = _mcap_lengths(data) if mcap else _ros1_lengths(data)
        if not lengths:
            return data
        at = choice(rng, lengths)
        form = "<Q" if mcap else "<I"
        (old,) = struct.unpack_from(form, data, at)
        values = (0, 1, old - 1, old + 1, 2 * old, len(data), 2**31, 2**32 - 1, 2**63)
        struct.pack_into(form, data, at, choice(rng, values) & (2**64 - 1 if mcap else 2**32 - 1))
        return data

    return _change(rng, path, edit)


def _mcap_lengths(data: bytearray) -> list[int]:
    found, at = [], 8
    while at + 9 <= len(data):
        found.append(at + 1)
        at += 9 + struct.unpack_from("<Q", data, at + 1)[0]
    return found


def _ros1_lengths(data: bytearray) -> list[int]:
    found, at = [], data.find(b"\n") + 1
    while data.startswith(b"#ROSBAG") and at + 4 <= len(data):
        found.append(at)
        at += 4 + struct.unpack_from("<I", data, at)[0]
    return found


def _splice(rng: Rng, path: Path) -> bool:
    """Append a file to itself, or exchange its halves."""

    def edit(data: bytearray) -> bytearray:
        at = _place(rng, len(data))
        return choice(rng, (data + data, data[at:] + data[:at], data[:at] + data))

    return _change(rng, path, edit)


def _wrong_rows(rng: Rng, path: Path) -> bool:
    files = [f for f in _files(path) if f.suffix == ".db3"]
    with suppress(sqlite3.Error, UnicodeDecodeError):  # damaged before, or of another version
        for file in files:
            with closing(sqlite3.connect(file)) as database, database:
                database.execute(choice(rng, SQL))
    return bool(files)


def _wrong_metadata(rng: Rng, path: Path) -> bool:
    """Replace one value anywhere in metadata.yaml."""
    file = path / "metadata.yaml"
    with suppress(yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError):
        content = yaml.safe_load(file.read_text())
        places: list[tuple[Any, Any]] = []

        def collect(value: Any) -> None:
            keys = value if isinstance(value, dict) else range(len(value))
            for key in keys:
                places.append((value, key))
                if isinstance(value[key], (dict, list)):
                    collect(value[key])

        collect(content)
        parent, key = choice(rng, places)
        if maybe(rng, 0.2):
            del parent[key]
        else:
            parent[key] = choice(rng, ODD)
        file.write_text(yaml.safe_dump(content))
    return file.exists()


def _garbled_metadata(rng: Rng, path: Path) -> bool:
    file = path / "metadata.yaml"
    data = bytearray(file.read_bytes())
    for _ in range(choice(rng, (1, 4, 16))):
        if data:
            data[int(rng.integers(len(data)))] = choice(rng, b"\x00\xff:-[]{}&*!'\"\n #9")
    file.write_bytes(data[: _place(rng, len(data))] if maybe(rng, 0.3) else data)
    return True


def _other_name(rng: Rng, path: Path) -> Path | bool:
    """Rename the bag, also to a name that is not UTF-8 or belongs to another storage."""
    suffix = choice(rng, (path.suffix, *SUFFIXES, ""))
    stem = choice(rng, (b"b", b"a b", b"caf\xe9", b"-x", b"n" * 200, "\u65e5".encode()))
    new = path.parent / os.fsdecode(stem + suffix.encode())
    return path.rename(new)


def _other_folder(rng: Rng, path: Path) -> bool:
    """Add or remove files of a folder, or replace them by what is not a file."""
    file = _data_file(rng, path)
    if not path.is_dir() or file is None:
        return False
    kind = choice(rng, ("no metadata", "two", "missing", "link", "fifo", "folder", "empty"))
    if kind == "no metadata":
        (path / "metadata.yaml").unlink()
    elif kind == "two":
        (path / f"more{file.suffix}").write_bytes(file.read_bytes())
    elif kind == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
        if kind == "link":
            file.symlink_to("nowhere")
        elif kind == "fifo":
            os.mkfifo(file)
        elif kind == "folder":
            file.mkdir()
    return True


_DAMAGES: tuple[Callable[[Rng, Path], Path | bool], ...] = (
    *(_flip_bytes,) * 4,
    *(_truncate,) * 2,
    *(_move_bytes,) * 2,
    *(_wrong_number,) * 2,
    *(_wrong_length,) * 3,
    *(_wrong_rows,) * 3,
    *(_wrong_metadata,) * 2,
    _garbled_metadata,
    _splice,
    _other_name,
    _other_folder,
)
