# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lists of segments: joined, validated, and used by `jasmine prepare`."""

from __future__ import annotations

import json

import pytest

from jasmine_core.errors import ConfigError
from jasmine_ros.bags.segments import inside, read_chosen, write_chosen


def test_segments_that_touch_are_joined(tmp_path):
    rows = [("b", 30, 40), ("a", 10, 20), ("a", 0, 10), ("a", 25, 30), ("a", 26, 28)]
    write_chosen(tmp_path / "chosen.json", rows)
    assert read_chosen(tmp_path / "chosen.json") == {"a": ((0, 20), (25, 30)), "b": ((30, 40),)}


def test_times_are_inside_from_the_start_to_before_the_stop():
    windows = ((0, 10), (20, 30))
    assert [at for at in range(35) if inside(windows, at)] == [*range(10), *range(20, 30)]
    assert inside((), 5), "without segments all times count"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"segments": []}',
        '{"segments": [{"recording": "a", "start": 5}]}',
        '{"segments": [{"recording": "a", "start": 5, "stop": 5}]}',
        '{"segments": [{"recording": "a", "start": "x", "stop": 5}]}',
        '{"segments": 7}',
    ],
)
def test_a_damaged_list_is_one_line(tmp_path, text):
    (tmp_path / "chosen.json").write_text(text)
    with pytest.raises(ConfigError, match=r"chosen\.json .*write it with jasmine mine"):
        read_chosen(tmp_path / "chosen.json")
    with pytest.raises(ConfigError, match=r"none\.json cannot be read"):
        read_chosen(tmp_path / "none.json")


def test_a_file_of_something_else_is_named_as_such(tmp_path):
    for text, reason in (("[1]", "is not an object with a list"), ("{}", "'segments' is missing")):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(ConfigError, match=reason):
            read_chosen(tmp_path / "other.json")


def test_the_list_is_sorted_so_that_equal_choices_give_equal_bytes(tmp_path):
    rows = [("b", 30, 40), ("a", 10, 20)]
    write_chosen(tmp_path / "one.json", rows)
    write_chosen(tmp_path / "two.json", rows[::-1])
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    names = [s["recording"] for s in json.loads((tmp_path / "one.json").read_text())["segments"]]
    assert names == ["a", "b"]
