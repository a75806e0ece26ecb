# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The `jasmine` command line: help texts, requests, the log and errors."""

from __future__ import annotations

import logging
import re

import pytest
from tqdm import tqdm

import jasmine_core
from jasmine_ros import cli
from jasmine_ros.commands.console import console_log
from jasmine_ros.commands.live import LiveRequest
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.node.parameters import DepthParameters

# An option or a positional argument with its description, in a help text of wide lines.
DESCRIPTION = re.compile(r"^  (-.*?|[A-Z[][^ ].*?)  +(\S.*?) *$", re.MULTILINE)
INTERNALS = (
    "PATH",
    "None",
    " STR ",
    "what options",
    "options.neighbours",
    "jasmine_core.",
    "default: )",
)


@pytest.fixture
def help_of(monkeypatch, capsys):
    """Return a function that returns the help of a command, with one line per option."""
    monkeypatch.setenv("COLUMNS", "600")

    def help_of(*command):
        with pytest.raises(SystemExit) as end:
            cli.main([*command, "--help"])
        assert end.value.code == 0
        return capsys.readouterr().out.replace("│", " ")  # a border, where the encoding has it

    return help_of


def test_the_help_lists_the_commands_and_the_common_options(help_of):
    text = help_of()
    assert all(f"• {name}" in text for name in cli.COMMANDS)
    assert "--debug" in text and "--version" in text


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_option_is_described_by_a_sentence(help_of, command):
    text = re.sub(r"[^\S\n]*\n {5,}", "  ", help_of(command))  # descriptions below long names
    described = dict(DESCRIPTION.findall(text))
    assert described.pop("-h, --help")
    assert "--debug" in described and len(described) >= 4
    for name, description in described.items():
        sentence = re.sub(r" \((default: .*|required)\)$", "", description)
        assert re.fullmatch(r"[A-Z].{12,}\.", sentence), f"{name}: {sentence}"
    assert [word for word in INTERNALS if word in text] == []


def test_the_version_is_shown(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"jasmine {jasmine_core.__version__}\n"


def test_the_traceback_is_shown_with_debug_before_or_after_the_command(tmp_path, capsys):
    run = ["run", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")]
    for arguments in (["--debug", *run], [*run, "--debug"]):
        assert cli.main(arguments) == 1
        assert "Traceback" in capsys.readouterr().err
    assert cli.main(run) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_request_has_the_parameters_of_the_file_and_of_the_options(tmp_path):
    file = tmp_path / "depth.yaml"
    file.write_text("depth_encoding: 16UC1\npublish_points: true\nmin_depth: 0.5\n")
    options = ["--no-publish-points", "--min-depth", "1", "--params", str(file)]
    request = cli.parse(["run", "bag", "-o", "out", *options]).request
    assert isinstance(request, RunRequest)
    assert request.parameters == DepthParameters(depth_encoding="16UC1", min_depth=1.0)


def test_arguments_after_ros_args_reach_the_live_node_only(monkeypatch, capsys):
    requests = []
    monkeypatch.setattr(cli, "execute", lambda request: requests.append(request) or 0)
    assert cli.main(["live", "--ros-args", "-r", "image:=/front"]) == 0
    assert requests == [LiveRequest(ros_arguments=("-r", "image:=/front"))]
    assert cli.main(["doctor", "--ros-args", "-r", "image:=/front"]) == 1
    assert "--ros-args can only be used with `jasmine live`" in capsys.readouterr().err


def test_an_unexpected_error_is_called_a_bug(monkeypatch, capsys):
    def fail(request):
        raise ZeroDivisionError("x")

    monkeypatch.setattr(cli, "execute", fail)
    assert cli.main(["doctor"]) == 1
    assert "ZeroDivisionError: x (this is a bug" in capsys.readouterr().err


def test_the_log_is_shown_above_a_progress_bar(capsys):
    own, other = logging.getLogger("jasmine_core.x"), logging.getLogger("another.library")
    with console_log(), tqdm(total=2) as bar:
        own.info("half %d", 1)
        other.info("hidden")
        other.warning("shown")
        bar.update()
    own.info("after the command")
    lines = re.split(r"[\r\n]+", capsys.readouterr().err)
    assert "INFO: half 1" in lines and "WARNING: shown" in lines
    assert not any("hidden" in line or "after the command" in line for line in lines)
