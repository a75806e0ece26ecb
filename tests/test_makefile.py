# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tests on ROS 2 by the Makefile: the overlays of wheels, their skip reason, and their status."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
DISTRIBUTIONS = ("jazzy", "kilted")
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
# A test in the overlay; it fails if the environment of a sourced ROS 2 is seen.
CLEAN = """
import os
import pytest

@pytest.mark.ros
def test_environment():
    assert not {"AMENT_PREFIX_PATH", "PYTHONPATH"} & set(os.environ)
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"

@pytest.mark.ros
@pytest.mark.slow
def test_long():
    print("a long test ran")
"""
FAILING = CLEAN + "\n@pytest.mark.ros\ndef test_failing():\n    assert False, 'this one fails'\n"


@pytest.fixture
def project(tmp_path):
    """Return a copy of the Makefile and its requirements, whose .venv is this environment."""
    for name in ("Makefile", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "tests").mkdir()
    environment(tmp_path / ".venv", "-dev")
    return tmp_path


def environment(folder: Path, installed: str) -> None:
    """Write an environment that is installed already, and whose Python is the running one."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / f".installed{installed}").touch()


def make(project: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Run make without a package index, in the environment of a sourced ROS 2."""
    variables = {"PIP_NO_INDEX": "1", "AMENT_PREFIX_PATH": "/opt/ros/any", "PYTHONPATH": "/opt/any"}
    return subprocess.run(
        ["make", target], cwd=project, env=os.environ | variables, capture_output=True, text=True
    )


@needs_make
def test_wheels_that_cannot_be_had_are_a_printed_reason_for_each_distribution(project):
    done = make(project, "test-ros")
    assert done.returncode == 0, done.stderr
    for name in DISTRIBUTIONS:
        reason = f"SKIPPED: tests on ROS 2 {name}: its wheels cannot be installed here"
        assert f"{reason} (see the error of pip)\n" in done.stdout
        assert not (project / f".venv-{name}" / ".installed").exists()
    assert done.stderr.count("No matching distribution found") == len(DISTRIBUTIONS)


@needs_make
@pytest.mark.parametrize(
    ("target", "passed", "tests"),
    [("test-ros", True, CLEAN), ("test-ros", False, FAILING), ("test-ros-slow", True, FAILING)],
)
def test_tests_run_on_each_installed_distribution(project, target, passed, tests):
    """A failing test ends make with an error; the long tests have a target of their own."""
    for name in DISTRIBUTIONS:
        environment(project / f".venv-{name}", "")
    (project / "tests" / "test_any.py").write_text(tests)
    done = make(project, target)
    assert "SKIPPED" not in done.stdout
    assert (done.returncode == 0) is passed, done.stdout + done.stderr
    if passed:
        assert done.stdout.count(" passed") == len(DISTRIBUTIONS)
    else:
        assert "this one fails" in done.stdout


@pytest.mark.ros
@pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here")
def test_an_overlay_contains_the_wheels_alone_and_sees_the_packages_below_it():
    import rclpy
    import torch

    overlay = Path(sys.prefix)
    if not (overlay.name.startswith(".venv-") and (overlay / ".installed").exists()):
        pytest.skip("this environment was not made by `make test-ros`")
    assert Path(rclpy.__file__).is_relative_to(overlay)
    assert not Path(torch.__file__).is_relative_to(overlay)
    site = next(path for path in sys.path if Path(path).is_relative_to(overlay / "lib"))
    own = {canonicalize_name(each.metadata["Name"]) for each in distributions(path=[site])}
    lines = (ROOT / "requirements" / f"{overlay.name.removeprefix('.venv-')}.txt").read_text()
    locked = {
        canonicalize_name(line.partition("==")[0])
        for line in lines.splitlines()
        if line[:1].isalnum()
    }
    assert own & locked
    # A wheel of ROS 2, ros-NAME, also contains the Python package NAME with metadata of its own.
    assert {name for name in own if not {name, f"ros-{name}"} & locked} == {"jasmine-ros"}
