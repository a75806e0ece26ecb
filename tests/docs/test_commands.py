# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Command lines of the documentation, checked against the CLI, the Makefile and the launch files.

No command is run: the CLI parses arguments, and targets, scripts and launch arguments must exist.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.launch_files import arguments
from helpers.markdown import DOCUMENTS, ROOT, Snippet, blocks, inline_code

from jasmine_ros import cli

OPERATORS = {"&&", "||", ";", "|", "&"}
MODULE = "jasmine_ros.cli"
Words = tuple[Snippet, list[str]]


def command_lines() -> Iterator[Words]:
    """Yield the words of every command in a shell block or a block without a language."""
    for file in DOCUMENTS:
        for block in blocks(file):
            if block.language not in ("", "bash"):
                continue
            offset = 0
            for line in re.sub(r"\\\n", lambda _: "\\\0", block.text).split("\n"):
                place = Snippet(file, block.line + offset, line)
                offset += 1 + line.count("\\\0")
                for words in split_commands(line.replace("\\\0", " ")):
                    yield place, words


def split_commands(line: str) -> Iterator[list[str]]:
    """Yield the commands of a shell line, without assignments before them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # This is prose or a log excerpt with a single quote.
        return
    command: list[str] = []
    for word in [*words, ";"]:
        if word in OPERATORS:
            if command:
                yield command
            command = []
        elif command or not re.match(r"\w+=", word):
            command.append(word)


LINES = list(command_lines())


def jasmine_lines() -> list[Words]:
    found = []
    for place, words in LINES:
        if words[0] == "jasmine":
            found.append((place, words[1:]))
        elif MODULE in words:
            found.append((place, words[words.index(MODULE) + 1 :]))
    return found


def ids(case: Any) -> str:
    return str(case) if isinstance(case, Snippet) else " ".join(case)


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], list[str]]:
    """Return a function that parses a command line and returns the commands that would have run."""
    names = {kind: name for name, (kind, _) in cli.COMMANDS.items()}
    called: list[str] = []

    def record(request: Any) -> int:
        called.append(names[type(request)])
        return 0

    monkeypatch.setattr(cli, "execute", record)

    def parse(arguments: list[str]) -> list[str]:
        called.clear()
        try:
            status = cli.main(arguments)
        except SystemExit as end:  # --help and a wrong option raise it.
            status = end.code
        assert status == 0
        return list(called)

    return parse


def test_many_commands_are_documented():
    named = {words[0] for _, words in jasmine_lines()}
    assert {"run", "prepare", "train", "evaluate", "export", "live", "play", "view"} <= named


@pytest.mark.parametrize(("place", "words"), jasmine_lines(), ids=ids)
def test_a_command_line_is_accepted(parse, place, words):
    assert parse(words) == ([] if words[-1] in ("--help", "--version") else [words[0]])


def test_inline_commands_and_options_exist(parse, capsys):
    @functools.cache
    def help_of(command: str) -> set[str]:
        parse([command, "--help"])
        return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", capsys.readouterr().out))

    wrong = []
    for file in DOCUMENTS:
        for code in inline_code(file):
            words = code.text.split()
            if words[0] != "jasmine" or len(words) == 1 or words[1] == "--version":
                continue
            options = {word for word in words[2:] if re.match(r"--?[a-z]", word)}
            if unknown := options - help_of(words[1]):
                wrong.append(f"{code}: {code.text}: {unknown}")
    assert wrong == []


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documented = [(place, words[1:]) for place, words in LINES if words[0] == "make"]
    inline = [code for file in DOCUMENTS for code in inline_code(file)]
    documented += [
        (c, c.text.split()[1:]) for c in inline if re.fullmatch(r"make( [a-z-]+)+", c.text)
    ]
    assert documented
    wrong = [f"{place}: {words}" for place, words in documented if not set(words) <= targets]
    assert wrong == []


def test_scripts_and_their_options_exist():
    """An option of a script is a field of its dataclass, so its name occurs in the file."""
    wrong = []
    for place, words in LINES:
        folders = "benchmarks|examples|training"
        scripts = [w for w in words if re.fullmatch(rf"({folders})/[\w/]+\.(py|sh)", w)]
        for script in scripts:
            path = ROOT / script
            text = path.read_text() if path.is_file() else ""
            names = [w[2:].replace("-", "_") for w in words if w.startswith("--")]
            if not text or not all(re.search(rf"\b{name}\b", text) for name in names):
                wrong.append(f"{place}: {' '.join(words)}")
    assert wrong == []


def test_launch_files_and_their_arguments_exist():
    found = [(p, w) for p, w in LINES if w[:3] == ["ros2", "launch", "jasmine_ros"]]
    found += [(p, w[w.index("ros2") :]) for p, w in LINES if "ros2" in w[1:] and "launch" in w]
    assert len(found) >= 4
    for place, words in found:
        path = ROOT / "launch" / words[3]
        assert path.is_file(), f"{place}: {words[3]} is not in launch/"
        given = {word.partition(":=")[0] for word in words[4:] if ":=" in word}
        assert given <= launch_arguments(path), f"{place}: {' '.join(words)}"


@functools.cache
def launch_arguments(path: Path) -> set[str]:
    """Return the arguments that a launch file and the files that it includes declare."""
    names = set(dict(arguments(path)))
    if path.name != "depth.launch.py" and "depth.launch.py" in path.read_text():
        names |= launch_arguments(path.with_name("depth.launch.py"))
    return names
