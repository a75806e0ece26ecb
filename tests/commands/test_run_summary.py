# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Summary of results, some of which are not trusted."""

from __future__ import annotations

import json
import os

import pytest

from jasmine_ros.commands.run_summary import write_summary

GOOD = {
    "bag": "a.mcap",
    "ended_by": "end of bag",
    "frames": {"processed": 3, "received": 4},
    "seconds": 1.5,
    "scale": {"state": "metric"},
    "depth": {"median": 2.5},
}
WRITE = """
import sys
from pathlib import Path
from jasmine_ros.commands.run_summary import write_summary
for _ in range(100):
    write_summary(Path(sys.argv[1]))
"""


@pytest.fixture
def out(tmp_path):
    """Return an output folder with one good result."""
    add(tmp_path, "good", GOOD)
    return tmp_path


def add(out, name, report):
    (out / name).mkdir()
    (out / name / "report.json").write_text(json.dumps(report))


def not_a_number(name):
    raise ValueError(f"{name} is not JSON")


@pytest.mark.parametrize(
    "change",
    [
        {"depth": {"median": "2.5 m"}},
        {"depth": {"median": {}}},
        {"depth": {"median": float("nan")}},
        {"seconds": float("inf")},
        {"seconds": 10**400},
        {"frames": {"processed": float("inf"), "received": 1}},
        {"frames": {"processed": 10**4000, "received": 1}},
    ],
    ids=str,
)
def test_numbers_that_cannot_be_shown_leave_the_other_results(out, change):
    add(out, "strange", GOOD | change)
    write_summary(out)
    text = (out / "summary.json").read_text()
    found = json.loads(text, parse_constant=not_a_number)
    assert (list(found["results"]), found["images"]) == (["good"], 3)


def test_untrusted_texts_are_shortened_and_escaped(out):
    add(out, "strange", GOOD | {"ended_by": "\ud800<b>\n" + "x" * 100_000})
    write_summary(out)
    page = (out / "summary.html").read_text("utf-8")
    assert "\\ud800&lt;b&gt;\\nxxx" in page
    assert "x" * 4000 not in page


def test_name_that_is_not_utf8_is_linked_by_its_bytes(out):
    name = os.fsdecode(b"caf\xe9")
    add(out, name, GOOD)
    (out / name / "preview.png").touch()
    write_summary(out)
    assert list(json.loads((out / "summary.json").read_text())["results"]) == [name, "good"]
    assert 'href="caf%E9/preview.png"' in (out / "summary.html").read_text("utf-8")


def test_processes_that_share_a_folder_do_not_take_the_summary_of_the_other_for_a_users(out, start):
    others = [start(WRITE, out) for _ in range(2)]
    assert [other.wait(timeout=300) for other in others] == [0, 0]
    assert json.loads((out / "summary.json").read_text())["finished"] == 1
