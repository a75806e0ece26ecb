# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copies of objects on the disk: of limited size, and never of a half-read or changed object."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from helpers.object_store import contents

from jasmine_core.errors import ConfigError
from jasmine_core.store import local_copies
from jasmine_core.store.errors import StoreError
from jasmine_core.store.local_copies import LIMIT, cache_limit, local_file, local_folder
from jasmine_core.store.paths import filesystem


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path, content):
    fs, name = filesystem(path)
    fs.pipe_file(name, content)


def test_a_copy_is_made_once_and_again_for_another_version(bucket):
    write(bucket / "x.db3", b"one")
    copy = local_file(bucket / "x.db3")
    assert copy.name == "x.db3"
    assert copy.read_bytes() == b"one"
    made = copy.stat().st_mtime_ns
    assert local_file(bucket / "x.db3") == copy
    assert copy.stat().st_mtime_ns == made
    write(bucket / "x.db3", b"two")
    assert local_file(bucket / "x.db3").read_bytes() == b"two"
    assert copy.read_bytes() == b"one"


def test_files_of_the_disk_are_not_copied(tmp_path):
    assert local_file(tmp_path / "x") == tmp_path / "x"
    assert local_folder(tmp_path) == tmp_path
    assert local_file(Path(f"file://{tmp_path}/x")) == tmp_path / "x"


def test_the_least_recently_used_copies_make_room(bucket, cache, monkeypatch):
    monkeypatch.setenv(LIMIT, "0.0000025")  # 2500 bytes
    copies = {}
    for i, name in enumerate("abc"):
        write(bucket / name, name.encode() * 1000)
        if name == "c":  # a was used after b
            os.utime(copies["b"].parent, (1, 1))
            os.utime(copies["a"].parent, (2, 2))
        copies[name] = local_file(bucket / name)
        assert copies[name].is_file(), i
    assert [name for name, copy in copies.items() if copy.is_file()] == ["a", "c"]
    used = sum(f.stat().st_size for f in cache.rglob("*") if f.is_file())
    assert used <= cache_limit()


def test_an_object_larger_than_the_cache_is_refused_before_it_is_copied(bucket, cache, monkeypatch):
    monkeypatch.setenv(LIMIT, "0.000001")
    write(bucket / "x", bytes(2000))
    with pytest.raises(StoreError, match=f"more than the cache of .* set {LIMIT}"):
        local_file(bucket / "x")
    assert not [f for f in cache.rglob("*") if f.is_file()]


@pytest.mark.parametrize("text", ["none", "0", "-1", "inf", "nan"])
def test_an_impossible_size_of_the_cache_is_named(monkeypatch, text):
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(ConfigError, match=f"{LIMIT} is {text}"):
        cache_limit()


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_an_object_that_changes_meanwhile_leaves_no_copy(bucket, cache, monkeypatch, change):
    write(bucket / "x", b"before")
    found = local_copies.entry(bucket / "x")
    if change == "replaced":
        write(bucket / "x", b"behind")
        expected = "changed while it was read"
    else:
        fs, name = filesystem(bucket / "x")
        fs.rm_file(name)
        expected = "was deleted while it was read"
    with pytest.raises(StoreError, match=expected):
        local_copies._copied(found)
    assert not [f for f in cache.rglob("*") if f.is_file()]


def test_a_full_disk_keeps_its_own_error_and_leaves_no_part(bucket, cache, monkeypatch):
    write(bucket / "x", b"123")
    fs, _ = filesystem(bucket)

    def full(name, target):
        Path(target).write_bytes(b"1")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fs, "get_file", full)
    with pytest.raises(OSError, match="No space left on device"):
        local_file(bucket / "x")
    assert not [f for f in cache.rglob("*") if f.is_file()]


def test_a_folder_is_copied_as_a_whole(bucket):
    for name, content in (("config.json", b"{}"), ("unet/model.safetensors", b"123")):
        write(bucket / "net" / name, content)
    copy = local_folder(bucket / "net")
    assert copy.name == "net"
    here = {f.relative_to(copy).as_posix(): f.read_bytes() for f in copy.rglob("*") if f.is_file()}
    assert here == contents(bucket / "net")
    assert local_folder(bucket / "net") == copy
    with pytest.raises(FileNotFoundError):
        local_folder(bucket / "none")
