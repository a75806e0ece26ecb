# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of files and folders, also when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from jasmine_core import files
from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_file, atomic_folder, expect_writable


class Interrupted(BaseException):
    """Simulated Ctrl-C, which is not an Exception either."""


def tree(path: Path) -> dict[str, str]:
    return {str(f.relative_to(path)): f.read_text() for f in path.rglob("*") if f.is_file()}


def test_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "report.json"
    with atomic_file(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
        assert temporary.suffix == ".json"  # for writers that depend on the suffix
        assert temporary.parent == path.parent  # so that it can be renamed
    assert tree(tmp_path) == {"new/report.json": "first"}


@pytest.mark.parametrize("error", [OSError("disk full"), Interrupted()])
def test_old_file_remains_after_an_error(tmp_path, error):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(type(error)), atomic_file(path) as temporary:
        temporary.write_text("ne")
        raise error
    assert tree(tmp_path) == {"report.json": "old"}


def test_old_file_remains_if_nothing_was_written(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_file(path):
        pass
    assert tree(tmp_path) == {"report.json": "old"}


def test_error_of_a_file_does_not_name_the_temporary_one(tmp_path):
    path = tmp_path / "report.json"
    with pytest.raises(IsADirectoryError) as caught, atomic_file(path) as temporary:
        temporary.mkdir()
        try:
            temporary.write_text("x")
        finally:
            temporary.rmdir()
    assert caught.value.filename == str(path)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("folder", "it is a directory"),
        ("pipe.json", "it is a FIFO, socket or device"),
        ("old.json/x.json", "old.json is not a directory"),
        ("a" * 250 + ".json", "File name too long"),
        ("/proc/x.json", "no file can be made in /proc"),
        ("/proc/new/x.json", "no file can be made in /proc"),
    ],
)
def test_file_that_cannot_be_written_is_refused(tmp_path, name, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.json").write_text("old")
    os.mkfifo(tmp_path / "pipe.json")
    before = sorted(tmp_path.rglob("*"))
    path = tmp_path / name
    with pytest.raises(ConfigError) as caught:
        expect_writable(path, "--json")
    assert str(caught.value).startswith(f"--json is {path}, which cannot be written: ")
    assert reason in str(caught.value) and str(caught.value).endswith("that you can write to")
    assert "partial" not in str(caught.value) and sorted(tmp_path.rglob("*")) == before


def test_read_only_file_is_refused(tmp_path, monkeypatch):
    """Root may write to all files, so that the answer of the system is replaced."""
    path = tmp_path / "old.json"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda file, mode: (file, mode) != (path, os.W_OK))
    with pytest.raises(ConfigError, match="it is read-only"):
        expect_writable(path, "--json")


@pytest.mark.parametrize("name", ["new.json", "new/deep/x.json", "old.json", "link.json"])
def test_check_of_a_file_that_can_be_written_changes_nothing(tmp_path, name):
    old = tmp_path / "old.json"
    old.write_text("old")
    (tmp_path / "link.json").symlink_to("missing.json")
    before, status = sorted(tmp_path.rglob("*")), old.stat()
    expect_writable(tmp_path / name, "--json")
    assert sorted(tmp_path.rglob("*")) == before and old.stat() == status
    with atomic_file(tmp_path / name) as temporary:
        temporary.write_text("new")
    assert (tmp_path / name).read_text() == "new"


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o027, 0o640)])
def test_files_have_the_permissions_of_new_files(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with atomic_file(tmp_path / "state.safetensors") as temporary:
            save_file({"w": np.zeros(1)}, temporary)  # which only its owner can read
        with atomic_folder(tmp_path / "checkpoint") as folder:
            save_file({"w": np.zeros(1)}, folder / "w.safetensors")
    finally:
        os.umask(before)
    written = list(tmp_path.rglob("*.safetensors"))
    assert [f.stat().st_mode & 0o777 for f in written] == [mode, mode]


def test_folder_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "deep" / "checkpoint"
    with atomic_folder(path) as folder:
        (folder / "unet").mkdir()
        (folder / "unet" / "weights").write_text("w")
        assert not path.exists()
    assert tree(tmp_path) == {"deep/checkpoint/unet/weights": "w"}


def test_folder_replaces_an_older_one_completely(tmp_path):
    path = tmp_path / "checkpoint"
    path.mkdir()
    (path / "surplus").write_text("old")
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
        assert tree(path) == {"surplus": "old"}  # not replaced before the new one is complete
    assert tree(tmp_path) == {"checkpoint/weights": "new"}


@pytest.mark.parametrize("error", [OSError("disk full"), Interrupted()])
def test_old_folder_remains_after_an_error(tmp_path, error):
    path = tmp_path / "checkpoint"
    path.mkdir()
    (path / "weights").write_text("old")
    with pytest.raises(type(error)), atomic_folder(path) as folder:
        (folder / "weights").write_text("ne")
        raise error
    assert tree(tmp_path) == {"checkpoint/weights": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_old_folder_is_restored_if_the_last_rename_fails(tmp_path):
    path = tmp_path / "checkpoint"
    path.mkdir()
    (path / "weights").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_folder(path) as folder:
        folder.rmdir()  # so the last rename fails after the old folder was moved
    assert tree(tmp_path) == {"checkpoint/weights": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_file_in_the_place_of_a_folder_is_replaced(tmp_path):
    path = tmp_path / "checkpoint"
    path.write_text("a file")
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
    assert tree(tmp_path) == {"checkpoint/weights": "new"}


def test_link_to_a_folder_is_replaced_and_its_target_is_unchanged(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "weights").write_text("old")
    path = tmp_path / "latest"
    path.symlink_to("target")
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
    assert not path.is_symlink()
    assert tree(tmp_path) == {"target/weights": "old", "latest/weights": "new"}
    assert sorted(f.name for f in tmp_path.iterdir()) == ["latest", "target"]


def test_old_folder_remains_after_a_killed_writer(tmp_path):
    path = tmp_path / "checkpoint"
    path.mkdir()
    (path / "weights").write_text("old")
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom jasmine_core.files import atomic_folder\n"
        "with atomic_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'weights').write_text('half')\n"
        "    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "writing\n"
        writer.send_signal(signal.SIGKILL)
    assert tree(path) == {"weights": "old"}
    begun = time.monotonic()
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
    assert time.monotonic() - begun < 5
    assert tree(path) == {"weights": "new"}


WRITE = """
import sys
from pathlib import Path
from jasmine_core.files import atomic_folder
for _ in range(150):
    with atomic_folder(Path(sys.argv[1])) as folder:
        (folder / "card").write_text("{}")
"""


def test_reader_always_finds_a_folder_that_several_processes_write(tmp_path, start):
    path = tmp_path / "export"
    with atomic_folder(path) as folder:
        (folder / "card").write_text("{}")
    writers = [start(WRITE, path) for _ in range(2)]
    looks = 0
    while any(writer.poll() is None for writer in writers):
        assert (path / "card").read_text() == "{}"
        looks += 1
    assert looks > 100
    for writer in writers:
        assert writer.returncode == 0, writer.stderr.read()
    assert [f.name for f in tmp_path.iterdir()] == ["export"]


def test_folder_is_replaced_where_names_cannot_be_exchanged_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    for content in ("old", "new"):
        with atomic_folder(tmp_path / "export") as folder:
            (folder / "card").write_text(content)
    assert tree(tmp_path) == {"export/card": "new"}
    with pytest.raises(FileNotFoundError), atomic_folder(tmp_path / "export") as folder:
        folder.rmdir()
    assert tree(tmp_path) == {"export/card": "new"}


@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "."])
def test_only_regular_files_are_read(tmp_path, kind):
    path = tmp_path / "config.json"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(kind)
    with pytest.raises(OSError, match="not a file"):
        files.read_small(path)


def test_file_above_the_limit_is_not_read(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    assert files.read_json(tmp_path / "a.json", 6) == [1, 2]
    with pytest.raises(OSError, match="it has 6 bytes, 5 are read at most"):
        files.read_json(tmp_path / "a.json", 5)
