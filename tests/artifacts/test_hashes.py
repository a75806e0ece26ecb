# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hashes of files are read from the cache only while the file is the same."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from jasmine_core.artifacts import hashes
from jasmine_core.artifacts.hashes import hash_file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hashes, "_SETTLED", 0)
    return tmp_path / "cache" / "hashes"


def weights(folder: Path, content: bytes) -> Path:
    file = folder / "model.safetensors"
    file.write_bytes(content)
    time.sleep(0.02)  # longer than the clock tick of a file system
    return file


def test_hash_is_that_of_all_bytes(tmp_path):
    content = bytes(range(256)) * 40_000  # more than one block
    assert hash_file(weights(tmp_path, content)) == blake2(content)


def blake2(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def test_file_that_did_not_change_is_read_once(tmp_path, cache):
    file = weights(tmp_path, b"one")
    first = hash_file(file)
    (entry,) = cache.iterdir()
    entry.write_text(entry.read_text().replace(first, "0" * 64))
    assert hash_file(file) == "0" * 64  # from the cache
    entry.write_text("{")
    assert hash_file(file) == first


def test_same_size_and_time_of_modification_are_not_enough(tmp_path):
    file = weights(tmp_path, b"one")
    times = file.stat()
    assert hash_file(file) == blake2(b"one")
    file.write_bytes(b"two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert hash_file(file) == blake2(b"two")


def test_file_that_has_just_changed_is_not_kept(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(hashes, "_SETTLED", 3600 * 10**9)
    hash_file(weights(tmp_path, b"one"))
    assert not cache.exists()


def test_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "file"))
    assert hash_file(weights(tmp_path, b"one")) == blake2(b"one")


def test_name_that_is_not_utf_8_is_hashed(tmp_path):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    file.write_bytes(b"one")
    assert hash_file(file) == blake2(b"one")
