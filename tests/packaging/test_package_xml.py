# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Dependencies of package.xml: each is used, and what is used from ROS is declared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PACKAGE = ElementTree.parse(ROOT / "package.xml").getroot()
APT = {"numpy": "python3-numpy", "cv2": "python3-opencv", "yaml": "python3-yaml"}  # keys of rosdep
# Messages that are used where ROS is not: read from recordings, or sent by the host dds.
WITHOUT_ROS = {
    "foxglove_msgs",
    "ffmpeg_image_transport_msgs",
    "theora_image_transport",
    "tf",
    "rmw_dds_common",
}
PYTHON_OF_ROS = re.compile(
    r"rclpy|launch(_ros)?|ament_index_python|cv_bridge|\w+_(msgs(_py)?|interfaces)"
)


def declared(tag: str) -> set[str]:
    return {element.text or "" for element in PACKAGE.iter(tag)}


def installed_files() -> list[Path]:
    folders = ("jasmine_core", "jasmine_ros", "launch")
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def used(file: Path) -> Iterator[str]:
    """Yield the packages of ROS and apt that a file imports, names in a message type or starts."""
    text = file.read_text()
    for node in ast.walk(ast.parse(text)):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            first = module.split(".")[0]
            if first in APT or PYTHON_OF_ROS.fullmatch(first):
                yield APT.get(first, first)
    yield from re.findall(r'"(\w+)/(?:msg|srv)/\w+"', text)
    if file.parent.name == "launch":
        yield from re.findall(r'package="(\w+)"', text)
        yield from ["ros2bag"] * ('"ros2", "bag"' in text)


def test_what_the_package_uses_of_ros_and_apt_is_declared_and_nothing_else():
    found = {name for file in installed_files() for name in used(file)} - WITHOUT_ROS
    assert found == declared("exec_depend")


def test_there_are_no_dependencies_of_another_kind():
    kinds = {element.tag for element in PACKAGE if element.tag.endswith("depend")}
    assert kinds == {"exec_depend", "test_depend"}
    assert declared("test_depend") == {"python3-pytest"}  # the linters are those of make lint


def test_every_kind_of_address_is_given_and_only_here():
    urls = {element.get("type"): element.text or "" for element in PACKAGE.iter("url")}
    assert urls.keys() == {"website", "repository", "bugtracker"}
    (maintainer,) = PACKAGE.iter("maintainer")
    assert "@" in maintainer.attrib["email"]
    placeholder = "jasmine-ros.example"
    assert all(placeholder in text for text in [*urls.values(), maintainer.attrib["email"]])
    others = [
        file.relative_to(ROOT)
        for pattern in ("*.md", "*.py", "*.rst", "*.cff", "docs/*.md", ".github/**/*.md")
        for file in ROOT.glob(pattern)
        if placeholder in file.read_text()
    ]
    assert others == []


def test_a_released_version_is_in_both_changelogs():
    released = re.findall(
        r"^## \[?(\d+\.\d+\.\d+)\]? - ", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    listed = re.findall(r"^(\d+\.\d+\.\d+) \(", (ROOT / "CHANGELOG.rst").read_text(), re.M)
    assert listed == released


def test_the_changelog_of_ros_has_the_form_of_rep_132():
    lines = (ROOT / "CHANGELOG.rst").read_text().splitlines()
    assert lines[0] == lines[2] == "^" * len(lines[1])
    assert lines[1].endswith("for package jasmine_ros")
    titles = [title for title, line in pairwise(lines) if line and set(line) == {"-"}]
    assert titles and all(re.fullmatch(r"Forthcoming|\d+\.\d+\.\d+ \(.+\)", t) for t in titles)
