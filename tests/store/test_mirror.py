# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folder of a long run that is copied to a store each time it was saved."""

from __future__ import annotations

import pytest
from helpers.object_store import contents

from jasmine_core.store.errors import StoreError
from jasmine_core.store.mirror import mirrored
from jasmine_core.store.paths import filesystem

LAST, PARTS = "progress.json", "states"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def save(folder, step):
    place = folder / PARTS / f"{step:07d}"
    place.mkdir(parents=True)
    (place / LAST).write_text(str(step))
    (place / "weights").write_text("w" * step)
    (folder / "log").write_text(f"{step}")


def test_a_folder_of_the_disk_has_no_copy(tmp_path):
    with mirrored(tmp_path / "run", LAST, PARTS) as mirror:
        assert mirror.folder == tmp_path / "run"
        mirror.upload()
    assert list(tmp_path.iterdir()) == []


def test_each_state_is_in_the_store_when_it_is_saved(bucket, cache):
    with mirrored(bucket / "run", LAST, PARTS) as mirror:
        save(mirror.folder, 1)
        (mirror.folder / ".partial").write_text("not finished")
        mirror.upload()
        assert contents(bucket / "run") == {
            "log": b"1",
            "states/0000001/progress.json": b"1",
            "states/0000001/weights": b"w",
        }
        save(mirror.folder, 2)
        for file in (mirror.folder / PARTS / "0000001").iterdir():
            file.unlink()
        mirror.upload()
    assert sorted(contents(bucket / "run")) == [
        "log",
        "states/0000002/progress.json",
        "states/0000002/weights",
    ]
    assert not [f for f in cache.rglob("*") if f.is_file()]


def test_the_file_that_completes_a_state_comes_last(bucket, monkeypatch):
    fs, _ = filesystem(bucket)
    put, done = fs.put_file, []

    def broken(local, remote):
        if remote.endswith(LAST):
            raise ConnectionResetError("Connection reset by peer")
        put(local, remote)
        done.append(remote.rpartition("/")[2])

    with mirrored(bucket / "run", LAST, PARTS) as mirror:
        save(mirror.folder, 1)
        with monkeypatch.context() as patch:
            patch.setattr(fs, "put_file", broken)
            with pytest.raises(StoreError, match="cannot be reached"):
                mirror.upload()
        assert sorted(done) == ["log", "weights"]
    assert contents(bucket / "run")["states/0000001/progress.json"] == b"1", "the next upload"


def test_the_newest_complete_state_is_continued_and_older_ones_are_removed(bucket):
    fs, root = filesystem(bucket / "run")
    for step, names in ((1, (LAST, "weights")), (2, (LAST, "weights")), (3, ("weights",))):
        for name in names:
            fs.pipe_file(f"{root}/{PARTS}/{step:07d}/{name}", b"x")
    fs.pipe_file(f"{root}/recipe.yaml", b"r")
    with mirrored(bucket / "run", LAST, PARTS) as mirror:
        files = [f.relative_to(mirror.folder) for f in mirror.folder.rglob("*") if f.is_file()]
        names = sorted(f.as_posix() for f in files)
        assert names == ["recipe.yaml", "states/0000002/progress.json", "states/0000002/weights"]
    assert sorted(contents(bucket / "run")) == names
