# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files that an installation contains: those of the packages, and those of share/."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).parents[2]
LARGEST = 20_000_000  # [bytes] of all files of the packages that are not code


@pytest.fixture(scope="module")
def setup() -> dict:
    """Return the arguments that setup.py passes to setuptools."""
    given: dict = {}
    original, setuptools.setup = setuptools.setup, lambda **fields: given.update(fields)
    try:
        os.chdir(ROOT)  # setup.py searches for packages in the working directory
        runpy.run_path(str(ROOT / "setup.py"))
    finally:
        setuptools.setup = original
    return given


def tracked(*folders: str) -> set[Path]:
    """Return the files of folders under version control, and the new ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {Path(name) for name in printed.split("\0") if name and (ROOT / name).is_file()}


def packaged(setup: dict) -> set[Path]:
    """Return the data files of the packages."""
    return {
        file.relative_to(ROOT)
        for package, patterns in setup["package_data"].items()
        for pattern in patterns
        for file in (ROOT / package).glob(pattern)
        if file.is_file()
    }


def test_every_file_of_the_packages_is_installed(setup):
    files = tracked("jasmine_core", "jasmine_ros")
    assert {file for file in files if file.suffix != ".py"} <= packaged(setup)
    folders = {".".join(file.parent.parts) for file in files if file.suffix == ".py"}
    assert folders == set(setup["packages"])


def test_the_data_of_the_packages_are_small(setup):
    assert sum((ROOT / file).stat().st_size for file in packaged(setup)) <= LARGEST


def test_launch_config_and_all_of_training_are_installed_to_share(setup):
    installed = {Path(f) for place, files in setup["data_files"] for f in files}
    wanted = tracked("launch", "config", "training") | {Path("package.xml")}
    assert wanted | {Path("resource/jasmine_ros")} == installed
    for place, files in setup["data_files"]:
        if not place.startswith("share/ament_index"):
            inside = place.removeprefix("share/jasmine_ros").lstrip("/")
            assert {str(Path(file).parent) for file in files} <= {inside or "."}
