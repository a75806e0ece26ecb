# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Words that the project does not use, and module docstrings that begin with a question word.

CONTRIBUTING.md, "Style", has the same list for readers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jasmine_ros import cli

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "benchmarks", "config", "docker", "docs", "examples", "jasmine_core", "jasmine_ros", "launch",
    "tests", "training", ".github",
)  # fmt: skip
SUFFIXES = {".cff", ".cfg", ".md", ".py", ".rviz", ".sh", ".toml", ".xml", ".yaml", ".yml"}
LISTS = {Path(__file__), ROOT / "CONTRIBUTING.md"}  # These files list the words.
NAMES = {"Dockerfile", "Dockerfile.jetson", "Makefile"}
QUESTION = re.compile(r"\s*(What|How|Which|Where)\b")

# A word, with the term that replaces it and the pattern of its forms. Underscores separate words.
WORDS = {
    "picture": ("image", r"pictures?"),
    "truth": ("ground truth", r"(?P<allowed>ground[\W_]*)?truths?"),
    "tally": ("statistics or counters", r"tall(y|ies)"),
    "fate": ("status", r"fates?"),
    "dice": ("rng", r"dice"),
    "island": ("fp32 fallback layer", r"islands?"),
    "proven": ("validated", r"prove[ns]?|proved|proving"),
    "step down": ("precision fallback", r"step(s|ped|ping)?[\s_-]+down"),
    "as above": ("the meaning itself", r"as\s+above"),
}
PATTERNS = {
    word: re.compile(rf"(?<![a-z])({pattern})(?![a-z])", re.IGNORECASE)
    for word, (_, pattern) in WORDS.items()
}

# The files that need a word, with the reason.
EXCEPTIONS = {
    ("CHANGELOG.md", "picture"): "It names the former folder and the former option.",
    ("CHANGELOG.md", "truth"): "It names the former folder.",
    ("docs/upgrade.md", "picture"): "It names former options and the former folder.",
    ("docs/upgrade.md", "truth"): "It names a former option and the former folder.",
    ("jasmine_core/synthetic/indoor.py", "island"): "It builds a kitchen island.",
    ("jasmine_core/train/recipe.py", "picture"): "An error names the former key `picture_every`.",
    ("tests/train/test_recipe.py", "picture"): "It tests the error that names `picture_every`.",
}


def _files() -> list[Path]:
    candidates = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    return sorted(
        file
        for file in (*candidates, *ROOT.iterdir())
        if (file.suffix in SUFFIXES or file.name in NAMES) and file.is_file() and file not in LISTS
    )


def _found(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each unwanted word in a text."""
    for word, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            if not match.groupdict().get("allowed"):
                yield 1 + text.count("\n", 0, match.start()), word


@pytest.fixture(scope="module")
def occurrences() -> dict[tuple[str, str], list[int]]:
    """Return the lines of each unwanted word in each file; the path of a file is its line 0."""
    lines: dict[tuple[str, str], list[int]] = {}
    for file in _files():
        name = str(file.relative_to(ROOT))
        for line, word in (*((0, word) for _, word in _found(name)), *_found(file.read_text())):
            lines.setdefault((name, word), []).append(line)
    return lines


def test_files_of_all_kinds_are_read():
    names = {str(file.relative_to(ROOT)) for file in _files()}
    assert {
        "README.md",
        "Makefile",
        "docs/dataset.md",
        "jasmine_core/model/jasmine.py",
        "jasmine_ros/cli.py",
        "training/finetune_bag.yaml",
        "tests/docs/test_commands.py",
    } <= names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two Pictures", ["picture"]),
        ("picture_every: 3", ["picture"]),
        ("the ground truth, ground_truth and ground-truth depth, GROUND_TRUTH", []),
        ("ground\n    truth", []),
        ("the truth", ["truth"]),
        ("truth_of(scene)", ["truth"]),
        ("vitally, sulphate, island_of, improved", ["island"]),
        ("it is proven", ["proven"]),
        ("stages step\ndown", ["step down"]),
        ("stepped_down", ["step down"]),
        ("# as above", ["as above"]),
    ],
)
def test_words_are_found_in_text_and_identifiers(text, words):
    assert [word for _, word in _found(text)] == words


def test_unwanted_words_do_not_occur(occurrences):
    wrong = [
        f"{file}:{lines}: '{word}'; write {WORDS[word][0]}"
        for (file, word), lines in occurrences.items()
        if (file, word) not in EXCEPTIONS
    ]
    assert wrong == []


def test_every_exception_is_needed(occurrences):
    assert EXCEPTIONS.keys() <= occurrences.keys()


def _help(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit):
        cli.main([*arguments, "--help"])
    return capsys.readouterr().out


def test_unwanted_words_do_not_occur_in_help(capsys):
    text = _help(capsys)
    commands = re.findall(r"\{([a-z,]+)\}", text)[0].split(",")
    assert {"run", "prepare", "train"} <= set(commands)
    helps = {"": text} | {command: _help(capsys, command) for command in commands}
    assert [(name, word) for name, text in helps.items() for _, word in _found(text)] == []


def test_module_docstrings_do_not_begin_with_a_question_word():
    wrong = []
    for file in _files():
        if file.suffix == ".py":
            docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
            if QUESTION.match(docstring):
                wrong.append(f"{file.relative_to(ROOT)}: {docstring.splitlines()[0]}")
    assert wrong == []
