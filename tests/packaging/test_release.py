# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Version in the files that state it for a release; test_architecture.py compares the others."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from jasmine_core import __version__

ROOT = Path(__file__).parents[2]


def test_the_citation_has_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == __version__


def test_the_newest_section_of_the_changelog_names_version_day_and_tag():
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = [part for part in text.split("\n## ")[1:] if not part.startswith("Unreleased")]
    assert re.match(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d\n", sections[0])
    assert f"Tag: `v{__version__}`" in sections[0]


def test_the_changelog_of_ros_has_the_same_version_and_day():
    day = re.search(r"^## [\d.]+ - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    title = f"{__version__} ({day[1]})"
    lines = (ROOT / "CHANGELOG.rst").read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if re.match(r"\d+\.\d+\.\d+ \(", line))
    assert lines[first : first + 2] == [title, "-" * len(title)]


def test_the_upgrade_notes_cover_the_version():
    assert re.search(
        rf"^## From \S+ to {re.escape(__version__)}$",
        (ROOT / "docs" / "upgrade.md").read_text(),
        re.MULTILINE,
    )
