# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hashes of files, kept for as long as a file does not change.

CACHE/hashes/HASH.json   hash of one file, with the path, size, times and inode that it had

A file that has not changed is read once and not at every start of a node.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from jasmine_core.cache_folder import cache_folder
from jasmine_core.files import atomic_file, expect_regular

_BLOCK = 1 << 22  # [bytes] read at once
_SETTLED = 2_000_000_000  # [ns] a file that changed later may change again within one clock tick


def hash_file(file: Path) -> str:
    """Return the BLAKE2 hash of all bytes of a file; one that has not changed is not read again."""
    expect_regular(file)
    with file.open("rb", buffering=0) as stream:
        state = _state(os.fstat(stream.fileno()))
        known = _known(file)
        with suppress(OSError, ValueError, KeyError, TypeError):
            entry = json.loads(known.read_text())
            if entry["path"] == _name(file) and entry["state"] == state:
                return str(entry["blake2"])
        digest, block = hashlib.blake2b(digest_size=32), memoryview(bytearray(_BLOCK))
        while count := stream.readinto(block):
            digest.update(block[:count])
        after = _state(os.fstat(stream.fileno()))
    if after == state and time.time_ns() - max(state["changed"], state["modified"]) > _SETTLED:
        entry = {"path": _name(file), "state": state, "blake2": digest.hexdigest()}
        with suppress(OSError), atomic_file(known) as temporary:  # The cache may be read-only.
            temporary.write_text(json.dumps(entry))
    return digest.hexdigest()


def _name(file: Path) -> str:
    return os.fsencode(file.resolve()).hex()  # A name need not be UTF-8.


def _known(file: Path) -> Path:
    digest = hashlib.blake2b(_name(file).encode(), digest_size=16).hexdigest()
    return cache_folder() / "hashes" / f"{digest}.json"


def _state(found: os.stat_result) -> dict[str, int]:
    return {
        "size": found.st_size,
        "modified": found.st_mtime_ns,
        "changed": found.st_ctime_ns,  # Programs cannot set it, unlike the time of modification.
        "inode": found.st_ino,
        "device": found.st_dev,
    }
