# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Origin of a result: the exact command, and the versions of this program and of its packages."""

from __future__ import annotations

import os
import platform
import shlex
from contextlib import suppress
from importlib import metadata

from jasmine_core._version import __version__
from jasmine_core.report.blocks import Block, Code, Facts, Section

# The workers of a command inherit it.
ENVIRONMENT = "JASMINE_COMMAND"
_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "torch",
    "diffusers",
    "accelerate",
    "onnxruntime",
    "openvino",
    "tensorrt",
    "rosbags",
)


def remember_command(arguments: list[str]) -> None:
    """Remember the arguments of the command line for reports of this process and its workers."""
    words = [word.encode(errors="backslashreplace").decode() for word in arguments]
    # An environment variable cannot have a null character.
    os.environ[ENVIRONMENT] = shlex.join(["jasmine", *words]).replace("\0", "")


def origin() -> Section:
    """Return the section with the command and the versions."""
    blocks: list[Block] = []
    if command := os.environ.get(ENVIRONMENT):
        blocks.append(Code(command, "command"))
    return Section("How this was made", (*blocks, Facts(versions())), wide=True)


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of this program, of Python, and of the packages that are installed."""
    found = [
        ("jasmine_ros", __version__),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.machine()}"),
    ]
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found.append((name, metadata.version(name)))
    return tuple(found)
