# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Search for recordings in folders."""

from __future__ import annotations

import pytest

from jasmine_core.errors import BagError, ConfigError
from jasmine_ros.bags.find import Recording, find_recordings


@pytest.fixture
def fleet(tmp_path):
    """Return a folder with recordings of two robots, and with other files."""
    root = tmp_path / "fleet"
    for name in (
        "robot1/monday/metadata.yaml",
        "robot1/monday/monday_0.mcap",
        "robot1/tuesday.mcap",
        "robot2/monday/monday_0.db3",
        "robot2/monday/monday_1.db3",
        "robot2/sunday/sunday.mcap",
        "robot2/notes.txt",
        ".hidden/a.bag",
        "b.bag",
        ".b.mcap",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_all_recordings_of_a_folder_are_found_in_a_fixed_order(fleet):
    assert find_recordings([fleet]) == [
        Recording("b", fleet / "b.bag"),
        Recording("robot1-monday", fleet / "robot1/monday"),
        Recording("robot1-tuesday", fleet / "robot1/tuesday.mcap"),
        Recording("robot2-monday", fleet / "robot2/monday"),
        Recording("robot2-sunday", fleet / "robot2/sunday"),
    ]


def test_a_recording_is_taken_once(fleet):
    assert len(find_recordings([fleet / "b.bag", fleet, fleet])) == 5


def test_a_path_of_a_recording_has_its_own_name(fleet):
    paths = [fleet / "robot1/monday", fleet / "b.bag", fleet / "robot1/tuesday.mcap"]
    assert [one.name for one in find_recordings(paths)] == ["b", "monday", "tuesday"]


def test_a_path_without_a_recording_is_left_to_the_reader(fleet):
    (fleet / "empty").mkdir()
    assert find_recordings([fleet / "empty"]) == [Recording("empty", fleet / "empty")]
    notes = fleet / "robot2/notes.txt"
    assert find_recordings([notes]) == [Recording("notes", notes)]


def test_links_to_folders_are_not_followed(fleet):
    (fleet / "robot1/again").symlink_to(fleet)
    assert len(find_recordings([fleet])) == 5


def test_two_recordings_of_one_name_are_refused(fleet):
    with pytest.raises(ConfigError, match="would both become monday; rename one"):
        find_recordings([fleet / "robot1/monday", fleet / "robot2/monday"])


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(BagError, match="nowhere does not exist"):
        find_recordings([tmp_path / "nowhere"])
