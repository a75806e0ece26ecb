# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine view OUT|BAG`: refused paths and options, full disks, and files of the user."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from helpers.camera_bags import (
    IMAGE_TOPIC,
    frames,
    stamp,
    write_bag,
)

from jasmine_ros.cli import main
from jasmine_ros.commands.view_finished import finished_path

rerun = pytest.importorskip("rerun", reason="rerun-sdk is not installed (the extra 'viz')")


def test_what_cannot_be_shown_is_one_line(show, tmp_path):
    (tmp_path / "empty").mkdir()
    note = write_bag(tmp_path / "note", lambda bag: bag.string(stamp(0), "nothing to see"))
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "summary.json").write_text('{"results": {"b": {}, "a": {}}}')
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "sequence.json").write_text("{")
    for path, part in {
        tmp_path / "empty": "neither a recording nor a result",
        note: "no images, depth or point clouds that can be shown; its topics with messages: /note",
        tmp_path / "many": f"2 recordings; give one of them, such as {tmp_path}/many/a",
        tmp_path / "gone": "does not exist",
        damaged: "cannot be read",
    }.items():
        status, err, found = show(path)
        assert status == 1 and found is None
        assert err.count("\n") == 1 and part in err, err
    assert not (tmp_path / "some" / "result.rrd").exists()


def test_without_rerun_the_error_names_the_extra(show, tmp_path, monkeypatch):
    bag = write_bag(tmp_path / "in", frames(1))
    monkeypatch.setitem(sys.modules, "rerun", None)
    status, err, found = show(bag)
    assert status == 1 and "jasmine_ros[viz]" in err and found is None


def test_a_file_of_the_user_is_kept_and_an_earlier_file_is_replaced(show, tmp_path):
    bag = write_bag(tmp_path / "in", frames(2))
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    assert show(bag, "--rrd", str(other))[0] == 1
    assert other.read_text() == "mine"
    assert show(bag)[0] == 0
    status, _, found = show(bag, "--max-frames", "1")
    assert status == 0 and len(found[IMAGE_TOPIC]["stamp"]) == 1
    assert [file.name for file in (tmp_path / "some").iterdir()] == ["result.rrd"]


def test_a_file_that_cannot_be_completed_does_not_appear(tmp_path):
    """The limit of the size of a file acts as a full disk."""
    bag = write_bag(tmp_path / "in", frames(30))
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, {resource.RLIM_INFINITY}))
from jasmine_ros.cli import main
sys.exit(main(["view", sys.argv[1], "--rrd", sys.argv[2]]))
"""
    file = tmp_path / "full" / "result.rrd"
    done = subprocess.run(
        [sys.executable, "-c", code, str(bag), str(file)],
        capture_output=True,
        text=True,
        timeout=1000,
    )
    assert done.returncode == 1 and f"error: {file}: File too large" in done.stderr
    assert list(file.parent.iterdir()) == []


def test_a_path_is_told_from_topics_by_the_disk_and_by_the_rules_of_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    for topics in ((), ("/camera/image",), ("image", "/depth/points"), ("depth/points",)):
        assert finished_path(topics) is None
    for path in ("out", "out-2", "drive.mcap", "./missing", "s3://bucket/bag", "../data/"):
        assert finished_path((path,)) is not None
    status = main(["view", "out", "/camera/image"])
    assert status == 1


@pytest.mark.parametrize("options", [["--seconds", "3"], ["--domain", "1"], ["--max-frames", "0"]])
def test_options_that_do_not_fit_are_refused(show, tmp_path, options):
    bag = write_bag(tmp_path / "in", frames(1))
    status, err, found = show(bag, *options)
    assert status == 1 and options[0] in err and found is None
