# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Installation steps: limits of versions where colcon is used, and the extras for ROS 2."""

from __future__ import annotations

import re
import shlex

import pytest
from helpers.markdown import ROOT, blocks, inline_code
from packaging.requirements import Requirement

LIMIT = "setuptools<80"  # of colcon-core
CONSTRAINTS = "constraints-ros.txt"
STEPS = [ROOT / "docs" / "install.md", ROOT / "docker" / "Dockerfile"]
STEPS += [ROOT / ".github" / "workflows" / "ros.yml"]


def pip_commands(text: str) -> list[list[str]]:
    """Return the words of every `pip install` in a text, with its continued lines joined."""
    lines = re.sub(r"\\\n", " ", text).splitlines()
    found = [re.search(r"\bpip install\b.*?(?=&&|$)", line) for line in lines]
    return [shlex.split(match[0].strip(" `")) for match in found if match]


def limited(words: list[str]) -> bool:
    return LIMIT in words or any(word.endswith(CONSTRAINTS) for word in words)


def test_the_constraints_of_ros_keep_setuptools_below_the_limit_of_colcon():
    lines = (ROOT / CONSTRAINTS).read_text().splitlines()
    names = {r.name: r for r in map(Requirement, (x for x in lines if not x.startswith("#")))}
    assert names["setuptools"].specifier.contains("79.0.1")
    assert not names["setuptools"].specifier.contains("80.0")


@pytest.mark.parametrize("file", STEPS, ids=lambda file: file.name)
def test_colcon_is_installed_with_a_limit_of_setuptools(file):
    commands = [c for c in pip_commands(file.read_text()) if "colcon-common-extensions" in c]
    assert commands
    assert [" ".join(words) for words in commands if not limited(words)] == []


def test_no_step_beside_colcon_installs_without_the_limit():
    with_colcon = [b.text for b in blocks(STEPS[0]) if "colcon build" in b.text]
    assert len(with_colcon) == 2  # the node alone, which needs no pip, and with the command
    commands = [words for text in with_colcon for words in pip_commands(text)]
    assert commands and all(map(limited, commands))


@pytest.mark.parametrize("name", ["README.md", "docs/install.md"])
def test_the_extra_ros_is_described_with_its_users_and_what_it_lacks(name):
    file = ROOT / name
    (text,) = [p for p in file.read_text().split("\n\n") if "from wheels" in p and "for tests" in p]
    assert "a computer beside" in " ".join(text.split())
    lacks = {"`ros2 launch`", "RViz", "`cv_bridge`"}
    assert lacks <= set(re.findall("|".join(lacks), text))
    code = [snippet.text for snippet in [*blocks(file), *inline_code(file)]]
    for extra, distribution in (("ros", "jazzy"), ("ros-kilted", "kilted")):
        assert f'"{extra}":' in (ROOT / "setup.py").read_text()
        constraints = f"-c constraints-{distribution}.txt"
        assert any(f'".[torch,{extra}]" {constraints}' in each for each in code)
