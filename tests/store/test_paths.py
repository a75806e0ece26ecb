# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Paths in object stores, with a real server of S3, and the errors of stores."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
import requests
from helpers.object_store import contents, upload

from jasmine_core.store.errors import StoreError
from jasmine_core.store.paths import (
    Entry,
    entry,
    exists,
    files_below,
    filesystem,
    is_file,
    is_folder,
    is_remote,
    names_in,
    open_file,
    read_bytes,
    read_limited,
    url_of,
    with_urls,
)

CONTENT = bytes(range(256)) * 65536  # 16 MB: more than the blocks that are read ahead


@pytest.mark.parametrize(
    "url", ["s3://bucket/a/b.mcap", "gs://bucket/a", "memory://a/b", "file:///tmp/a b"]
)
def test_a_url_survives_as_a_path(url):
    path = Path(url)
    assert is_remote(path)
    assert url_of(path) == url
    assert url_of(path / "c") == f"{url}/c"
    assert with_urls(f"{path}: done, {path / 'x'}") == f"{url}: done, {url}/x"


def test_paths_of_the_disk_are_no_urls(tmp_path):
    for path in (tmp_path, Path("data/own"), Path("s3/bucket"), Path(), Path("C:/data")):
        assert not is_remote(path)
        assert url_of(path) == str(path)
    assert with_urls("topics: /a, s3 and file: x") == "topics: /a, s3 and file: x"


def test_files_and_folders_are_found(bucket):
    upload_all(bucket / "a", {"x.txt": b"1", "deep/er/y.bin": b"22", "deep/z": b""})
    assert exists(bucket / "a")
    assert is_folder(bucket / "a")
    assert not is_file(bucket / "a")
    assert is_file(bucket / "a" / "x.txt")
    assert not is_file(bucket / "a" / "none")
    assert not exists(bucket / "none")
    assert names_in(bucket / "a") == ["deep", "x.txt"]
    assert names_in(bucket / "none") == []
    assert files_below(bucket / "none") == []
    sizes = {file.path: file.size for file in files_below(bucket / "a")}
    names = ("deep/er/y.bin", "deep/z", "x.txt")
    assert sizes == {bucket / "a" / n: s for n, s in zip(names, (2, 0, 1), strict=True)}
    with pytest.raises(OSError, match="it has 2 bytes, 1 are read at most"):
        read_limited(bucket / "a" / "deep" / "er" / "y.bin", 1)
    assert read_bytes(bucket / "a" / "deep" / "er" / "y.bin", 1, 2) == b"2"


def test_the_same_functions_take_paths_of_the_disk(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x").write_bytes(b"0123")
    assert exists(tmp_path)
    assert is_folder(tmp_path / "deep")
    assert names_in(tmp_path) == ["deep"]
    assert files_below(tmp_path) == [Entry(tmp_path / "deep" / "x", 4)]
    assert read_bytes(tmp_path / "deep" / "x", 1, 3) == b"12"
    with open_file(tmp_path / "deep" / "x") as file:
        assert file.read() == b"0123"


def test_an_object_is_read_by_parts(bucket):
    upload_all(bucket, {"x": CONTENT})
    file = open_file(bucket / "x")
    for offset, length in ((0, 8), (len(CONTENT) - 5, 5), (5_000_001, 7), (5_000_008, 9_000_000)):
        file.seek(offset)
        assert file.read(length) == CONTENT[offset : offset + length]


def test_an_object_that_changes_or_is_deleted_while_it_is_read_is_reported(bucket):
    upload_all(bucket, {"x": CONTENT, "y": CONTENT})
    changed, deleted = open_file(bucket / "x"), open_file(bucket / "y")
    assert changed.read(8) == deleted.read(8) == CONTENT[:8]
    upload_all(bucket, {"x": CONTENT[::-1]})
    fs, name = filesystem(bucket / "y")
    fs.rm_file(name)
    changed.seek(len(CONTENT) - 8)
    with pytest.raises(StoreError, match=r"^s3://.*/x changed while it was read; repeat"):
        changed.read(8)
    deleted.seek(len(CONTENT) - 8)
    with pytest.raises(StoreError, match=r"^s3://.*/y was deleted while it was read$"):
        deleted.read(8)


def test_wrong_credentials_are_one_line(bucket, object_store):
    upload_all(bucket, {"x": b"1"})
    requests.post(f"{object_store}/moto-api/reset-auth", data=b"0", timeout=60)
    try:
        for use in (entry, read_bytes, exists, files_below, names_in, open_file):
            with pytest.raises(StoreError, match=r"refuses access .*; check the credentials"):
                use(bucket / "x")
    finally:
        requests.post(f"{object_store}/moto-api/reset-auth", data=b"inf", timeout=60)


def test_missing_credentials_are_one_line(bucket, connections, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    connections()
    with pytest.raises(StoreError, match=r"refuses access .*; check the credentials"):
        entry(bucket / "x")


def test_an_unreachable_store_is_one_line(bucket, connections, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    connections()
    with pytest.raises(StoreError, match=r"cannot be reached .*AWS_ENDPOINT_URL"):
        entry(bucket / "x")


def test_a_missing_package_is_one_line(bucket, connections, monkeypatch):
    connections()
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(
        StoreError, match=r"needs fsspec and s3fs .*pip install 'jasmine_ros\[fleet"
    ):
        exists(Path("s3://bucket/x"))
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(StoreError, match=r"pip install 'jasmine_ros\[fleet\]'"):
        exists(Path("memory://x"))


def test_errors_of_stores_pass_between_processes():
    error = pickle.loads(pickle.dumps(StoreError("s3://x cannot be reached")))
    assert str(error) == error.strerror == "s3://x cannot be reached"


def test_a_folder_is_copied_with_all_its_files(bucket, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x").write_bytes(b"0123")
    assert contents(upload(tmp_path, bucket / "copy")) == {"deep/x": b"0123"}


def upload_all(target, files):
    fs, name = filesystem(target)
    for file, content in files.items():
        fs.pipe_file(f"{name}/{file}", content)
