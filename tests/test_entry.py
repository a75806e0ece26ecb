# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Command `jasmine` where packages are missing: one line, with the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.split(".")[0])

sys.meta_path.insert(0, Missing())
sys.argv = ["jasmine", *{arguments!r}]
from jasmine_ros.entry import main
sys.exit(main())
"""


def jasmine(arguments: tuple[str, ...], missing: tuple[str, ...]) -> str:
    """Return the last line of the command's error output where packages are missing."""
    script = WITHOUT.format(missing=missing, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["tyro", "rosbags"])
def test_the_command_names_a_package_that_apt_does_not_provide(name):
    line = jasmine(("--version",), (name,))
    assert line.startswith(f"error: the command jasmine needs {name}, which apt does not provide")
    assert "docs/install.md" in line


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", "training/teacher.yaml", "-o", "/nonexistent/run"), "train"),
        (
            ("convert", "--authors", "x", "--stable-diffusion", "y", "-o", "/nonexistent/c"),
            "convert",
        ),
        (("evaluate", "--world", "street", "--frames", "1"), "torch"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_command_names_the_extra_that_it_needs(arguments, extra):
    line = jasmine(arguments, ("torch", "diffusers", "accelerate"))
    assert line == f"error: jasmine {arguments[0]} needs torch; pip install 'jasmine_ros[{extra}]'"
