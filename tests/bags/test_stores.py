# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags in an object store: found and read as on the disk, and faults of the store named."""

from __future__ import annotations

import pytest
from helpers.camera_bags import KINDS, frames, write_bag
from helpers.object_store import upload

from jasmine_core.errors import BagError, ConfigError
from jasmine_core.store.errors import StoreError
from jasmine_core.store.paths import filesystem
from jasmine_ros.bags import mcap_file
from jasmine_ros.bags.find import find_recordings
from jasmine_ros.bags.reader import Bag


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def read(path):
    with Bag(path) as bag:
        topics = {t.name: (t.type, t.count) for t in bag.topics.values()}
        stored = [(m.topic, m.stamp, bytes(m.raw)) for m in bag.messages()]
        return topics, bag.start, bag.stop, stored


def put(bucket, path):
    if path.is_dir():
        return upload(path, bucket / path.name)
    fs, name = filesystem(bucket / path.name)
    fs.pipe_file(name, path.read_bytes())
    return bucket / path.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_bag_of_any_kind_is_read_as_from_the_disk(bucket, tmp_path, kind):
    local = write_bag(tmp_path / "drive", frames(4), kind)
    assert read(put(bucket, local)) == read(local)
    if local.is_dir():
        (local / "metadata.yaml").unlink()
        fs, name = filesystem(bucket / "drive" / "metadata.yaml")
        fs.rm_file(name)
        assert read(bucket / "drive") == read(local)


def test_mcap_files_are_not_copied_to_the_disk_and_others_are(bucket, tmp_path, cache):
    read(put(bucket, write_bag(tmp_path / "a", frames(2), "mcap")))
    assert not cache.exists()
    read(put(bucket, write_bag(tmp_path / "b", frames(2), "sqlite3")))
    assert [f.suffix for f in cache.rglob("*") if f.is_file()] == [".db3"]


def test_recordings_of_a_store_are_those_of_the_disk(bucket, tmp_path):
    root = tmp_path / "fleet"
    for name in ("monday/a", "monday/b", "c"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_bag(root / name, frames(1))
    write_bag(root / "monday" / "old", frames(1), "ros1")
    (root / ".hidden").mkdir()
    for place in (root / "loose.mcap", root / ".hidden" / "x.mcap"):
        place.write_bytes(b"")
    remote = upload(root, bucket / "fleet")
    local = {r.name: r.path.relative_to(root) for r in find_recordings([root])}
    found = {r.name: r.path.relative_to(remote) for r in find_recordings([remote])}
    assert found == local
    assert set(found) == {"monday-a", "monday-b", "monday-old", "c", "loose"}
    one = find_recordings([remote / "c", remote / "monday" / "old.bag", remote / "loose.mcap"])
    assert [r.name for r in one] == ["c", "loose", "old"]
    with pytest.raises(ConfigError, match=r"s3://.*/c and .*/fleet/c would both become c"):
        find_recordings([remote / "c", root / "c"])


def test_a_recording_that_does_not_exist_is_named_by_its_url(bucket):
    with pytest.raises(BagError, match=rf"^s3://{bucket.name}/none does not exist"):
        find_recordings([bucket / "none"])
    with (
        pytest.raises(BagError, match=rf"^s3://{bucket.name}/none does not exist"),
        Bag(bucket / "none"),
    ):
        pass


def test_a_damaged_object_is_reported_as_on_the_disk(bucket, tmp_path):
    local = tmp_path / "x.mcap"
    whole = next(write_bag(tmp_path / "drive", frames(3)).glob("*.mcap")).read_bytes()
    local.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BagError, match="the end of the file is missing"):
        read(put(bucket, local))


def test_an_object_that_changes_under_the_reader_ends_the_reading_with_a_reason(
    bucket, tmp_path, monkeypatch
):
    """Blocks smaller than the file, so that the second half is read after the change."""
    monkeypatch.setattr("jasmine_core.store.paths._BLOCK", 1 << 14)
    assert mcap_file.open_file is not None
    local = next(write_bag(tmp_path / "drive", frames(60)).glob("*.mcap"))
    assert local.stat().st_size > 20 << 14
    remote = put(bucket, local)
    with Bag(remote) as bag:
        messages = bag.messages()
        next(messages)
        fs, name = filesystem(remote)
        fs.pipe_file(name, bytes(local.stat().st_size))
        with pytest.raises(BagError, match=r"cannot be read after \d+ messages: .* changed while"):
            list(messages)


def test_an_unreachable_store_is_not_called_a_damaged_bag(
    bucket, connections, tmp_path, monkeypatch
):
    remote = put(bucket, next(write_bag(tmp_path / "drive", frames(1)).glob("*.mcap")))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    connections()
    with pytest.raises(StoreError, match="cannot be reached"), Bag(remote):
        pass
