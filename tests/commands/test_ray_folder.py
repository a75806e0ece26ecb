# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folders of a local Ray whose commands were killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from jasmine_ros.commands import ray_folder
from jasmine_ros.commands.ray_folder import OWNER, PREFIX

COMMAND = """
from time import sleep
from jasmine_ros.commands.ray_folder import ray_folder
with ray_folder() as folder:
    (folder / "session").mkdir()
    (folder / "session_latest").symlink_to(folder / "session")
    print(folder, flush=True)
    sleep(600)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder for temporary files of this process and of those that it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def command(temporary):
    """Start a process that holds a folder, and end it after the test."""
    environment = os.environ | {"TMPDIR": str(temporary)}
    command = [sys.executable, "-c", COMMAND]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert PREFIX in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_folder_of_a_killed_command_is_removed_by_the_next(command, temporary):
    (others,) = temporary.iterdir()
    with ray_folder.ray_folder() as own:
        assert set(temporary.iterdir()) == {own, others}  # The other command is alive.
    command.kill()
    command.wait()
    with ray_folder.ray_folder() as own:
        assert set(temporary.iterdir()) == {own}
    assert not list(temporary.iterdir())


def test_only_folders_that_this_program_wrote_are_removed(temporary):
    for name in ("jasmine-ray-of-a-user", "another"):
        (temporary / name).mkdir()
    (temporary / "another" / OWNER).write_text("1\n")
    (temporary / "jasmine-ray-link").symlink_to(temporary / "another")
    (temporary / "jasmine-ray-file").write_text("notes")
    before = sorted(temporary.rglob("*"))
    with ray_folder.ray_folder():
        pass
    assert sorted(temporary.rglob("*")) == before


def test_a_start_looks_at_a_limited_number_of_folders(temporary, monkeypatch):
    monkeypatch.setattr(ray_folder, "_MOST", 3)
    for number in range(5):
        (temporary / f"{PREFIX}{number}").mkdir()
        (temporary / f"{PREFIX}{number}" / OWNER).write_text("1\n")
    ray_folder.remove_abandoned(temporary)
    assert len(list(temporary.iterdir())) == 2
