# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Origin of a result: the exact command, and the versions of this program and of its packages."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib import metadata

from jasmine_core._version import __version__
from jasmine_core.report.blocks import Block, Code, Facts, Section

# The workers of a command inherit it.
ENVIRONMENT = "JASMINE_COMMAND"
_PACKAGES = {  # distributions by the name of their module
    "numpy": ("numpy",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv"),
    "torch": ("torch",),
    "diffusers": ("diffusers",),
    "accelerate": ("accelerate",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "openvino": ("openvino",),
    "tensorrt": ("tensorrt",),
    "rosbags": ("rosbags",),
}


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
    """Return the versions of this program, of Python, and of the packages that are in use."""
    found = [
        ("jasmine_ros", __version__),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.machine()}"),
    ]
    for module, names in _PACKAGES.items():
        if module not in sys.modules:
            continue
        for name in names:
            try:
                found.append((name, metadata.version(name)))
                break
            except metadata.PackageNotFoundError:
                continue
    return tuple(found)
