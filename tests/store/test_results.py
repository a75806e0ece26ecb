# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results in an object store: complete or not to be seen, and nothing of the user replaced."""

from __future__ import annotations

import json
import time

import pytest
from helpers.object_store import contents

from jasmine_core.errors import JasmineError, LockedError
from jasmine_core.outputs import MARKER, record
from jasmine_core.store import results
from jasmine_core.store.errors import StoreError
from jasmine_core.store.paths import filesystem
from jasmine_core.store.results import CLAIM, staged

LAST = "report.json"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(folder, **files):
    for name, content in files.items():
        target = folder / name.replace("__", "/").replace("_json", ".json")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    record(folder)


def names(target):
    return sorted(contents(target))


def test_a_folder_of_the_disk_is_used_as_it_is(tmp_path):
    with staged(tmp_path / "out", LAST) as folder:
        assert folder == tmp_path / "out"


def test_a_complete_result_is_uploaded_and_removed_from_the_disk(bucket, cache):
    with staged(bucket / "out", LAST) as folder:
        make(folder, report_json="1", depth__x="22")
        assert names(bucket / "out") == []
    assert contents(bucket / "out") | {MARKER: b""} == {
        "report.json": b"1",
        "depth/x": b"22",
        MARKER: b"",
    }
    assert not [f for f in cache.rglob("*") if f.is_file()]


def test_an_incomplete_result_stays_on_the_disk_and_is_continued(bucket):
    with pytest.raises(RuntimeError), staged(bucket / "out", LAST) as folder:
        make(folder, depth__x="22")
        raise RuntimeError
    with staged(bucket / "out", LAST) as folder:
        assert (folder / "depth" / "x").read_text() == "22"
    assert names(bucket / "out") == []


def test_the_file_that_makes_a_result_complete_is_uploaded_last(bucket, monkeypatch):
    """A process that is killed at any moment leaves no part of a result that looks complete."""
    fs, root = filesystem(bucket / "out")
    put, uploads = fs.put, []

    def stop_before_the_last(local, remote, **more):
        if remote == [f"{root}/{LAST}"]:
            uploads.append(names(bucket / "out"))
            raise StoreError("killed")
        return put(local, remote, **more)

    monkeypatch.setattr(fs, "put", stop_before_the_last)
    with pytest.raises(StoreError, match="killed"), staged(bucket / "out", LAST) as folder:
        make(folder, report_json="1", depth__x="22")
    assert uploads == [[CLAIM, MARKER, "depth/x"]] or uploads == [[MARKER, CLAIM, "depth/x"]]
    assert LAST not in names(bucket / "out")


def test_a_result_that_could_not_be_uploaded_is_uploaded_by_the_next_run(bucket, monkeypatch):
    fs, _ = filesystem(bucket / "out")
    with monkeypatch.context() as patch:
        patch.setattr(fs, "put", unreachable)
        with (
            pytest.raises(StoreError, match="cannot be reached"),
            staged(bucket / "out", LAST) as folder,
        ):
            make(folder, report_json="1", depth__x="22")
    with staged(bucket / "out", LAST) as folder:
        assert (folder / LAST).is_file(), "it is complete, and is not made again"
    assert names(bucket / "out") == sorted([MARKER, "depth/x", LAST])


def unreachable(*_, **__):
    raise ConnectionResetError("Connection reset by peer")


def test_a_complete_result_is_replaced_as_a_whole(bucket):
    with staged(bucket / "out", LAST) as folder:
        make(folder, report_json="1", depth__old="22")
    with staged(bucket / "out", LAST) as folder:
        assert sorted(f.name for f in folder.iterdir()) == [MARKER, LAST]
        (folder / LAST).unlink()
        make(folder, report_json="2", depth__new="333")
    assert names(bucket / "out") == sorted([MARKER, "depth/new", LAST])
    assert contents(bucket / "out")[LAST] == b"2"


def test_a_result_that_is_not_changed_is_not_uploaded(bucket, monkeypatch):
    with staged(bucket / "out", LAST) as folder:
        make(folder, report_json="1", depth__old="22")
    fs, _ = filesystem(bucket / "out")
    monkeypatch.setattr(fs, "put", unreachable)
    with staged(bucket / "out", LAST, whole=True) as folder:
        assert (folder / "depth" / "old").read_text() == "22"


@pytest.mark.parametrize("place", ["notes.txt", "depth/notes.txt", LAST])
def test_objects_of_the_user_are_not_replaced(bucket, place):
    fs, name = filesystem(bucket / "out" / place)
    fs.pipe_file(name, b"mine")
    with (
        pytest.raises(JasmineError, match=rf"{place} is in the place of a result"),
        staged(bucket / "out", LAST) as folder,
    ):
        make(folder, report_json="1", depth__x="22")
        (folder / LAST).write_text("other")
    assert contents(bucket / "out") == {place: b"mine"}


def test_two_processes_do_not_upload_one_result(bucket):
    fs, name = filesystem(bucket / "out" / CLAIM)
    other = {"host": "robot-7", "process": 42, "at": time.time()}
    fs.pipe_file(name, json.dumps(other).encode())
    with (
        pytest.raises(LockedError, match="is being uploaded by process 42 of robot-7; wait"),
        staged(bucket / "out", LAST) as folder,
    ):
        make(folder, report_json="1")
    assert names(bucket / "out") == [CLAIM], "the claim of the other stays"
    fs.pipe_file(name, json.dumps(other | {"at": time.time() - 2 * results._CLAIM_AGE}).encode())
    with staged(bucket / "out", LAST):
        pass
    assert names(bucket / "out") == sorted([MARKER, LAST]), "a claim of a killed process is ignored"


FAILURE = "failure.json"


def test_the_reason_of_a_failure_is_uploaded_and_removed_by_a_result(bucket):
    with staged(bucket / "out", LAST, failure=FAILURE) as folder:
        make(folder, failure_json="no images")
    assert names(bucket / "out") == [MARKER, FAILURE]
    with staged(bucket / "out", LAST, failure=FAILURE) as folder:
        assert (folder / FAILURE).read_text() == "no images"
        (folder / FAILURE).unlink()
        make(folder, report_json="1", depth__x="22")
    assert names(bucket / "out") == sorted([MARKER, "depth/x", LAST])


def test_a_failure_beside_a_complete_result_deletes_nothing(bucket):
    with staged(bucket / "out", LAST, failure=FAILURE) as folder:
        make(folder, report_json="1", depth__x="22")
    with staged(bucket / "out", LAST, failure=FAILURE) as folder:
        (folder / FAILURE).write_text("other options")
        record(folder, FAILURE)
    assert names(bucket / "out") == sorted([MARKER, FAILURE, "depth/x", LAST])
    with staged(bucket / "out", LAST, failure=FAILURE) as folder:
        (folder / FAILURE).unlink()
    assert names(bucket / "out") == sorted([MARKER, "depth/x", LAST])
