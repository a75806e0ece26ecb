# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Executable `jasmine`, which names what is missing where only packages of apt are installed."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; return its status."""
    try:
        from jasmine_ros import cli
    except ModuleNotFoundError as err:
        if (err.name or "").startswith("jasmine"):
            raise
        print(
            f"error: the command jasmine needs {err.name}, which apt does not provide; install "
            "jasmine_ros by pip in a virtual environment, as in docs/install.md (the node "
            "`ros2 run jasmine_ros depth_node` does not need it)",
            file=sys.stderr,
        )
        return 1
    return cli.main()
