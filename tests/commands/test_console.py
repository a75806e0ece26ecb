# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lines on the terminal about names that hold control characters."""

from __future__ import annotations

import logging

import pytest
from helpers.camera_bags import pixels, stamp, write_bag

from jasmine_ros.cli import main
from jasmine_ros.commands.console import console_log, one_line

TOPIC = "/a\nb\x1b]0;title\x07/\u202eimage"


def test_control_characters_are_escaped_and_letters_kept():
    assert one_line(TOPIC) == r"/a\nb\x1b]0;title\x07/\u202eimage"
    assert one_line("café 日本 ü\\n") == "café 日本 ü\\n"


def test_a_line_has_a_bounded_length():
    line = one_line("error: " + "x" * 1_000_000 + "; choose another")
    assert len(line) < 5000 and line.startswith("error: x") and line.endswith("; choose another")


def test_a_log_message_has_one_line_and_keeps_its_traceback(capsys):
    with console_log():
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("jasmine_ros.x").exception("topic %s", TOPIC)
        logging.getLogger("other").warning("two\nlines")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == r"ERROR: topic /a\nb\x1b]0;title\x07/\u202eimage"
    assert "KeyError: 'x'" in lines and lines[-2:] == ["WARNING: two", "lines"]


@pytest.mark.parametrize("command", ["run", "prepare"])
def test_an_error_about_a_topic_has_one_line(tmp_path, capsys, command):
    bag = write_bag(tmp_path / "in", lambda bag: bag.image(stamp(0), pixels(), TOPIC))
    assert main([command, str(bag), "-o", str(tmp_path / "out")]) == 1
    (line,) = [ln for ln in capsys.readouterr().err.splitlines() if "error: " in ln]
    assert r"/a\nb\x1b]0;title\x07/\u202eimage" in line and line.endswith("--calibration")
