# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Types of command-line options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

_EMPTY = ("None", "''", "")  # defaults that tell a reader nothing


def option(metavar: str | None = None, *aliases: str, name: str | None = None) -> Any:
    """Return the tyro settings of an option whose default is shown only if it is not empty."""
    return arg(name=name, metavar=metavar, aliases=aliases, help_behavior_hint=_default)


def _default(value: str) -> str:
    return "" if value in _EMPTY else f"(default: {value})"


Output = Annotated[Path, arg(aliases=["-o"], metavar="OUT")]
ImageSize = Annotated[tuple[int, int] | None, option("WIDTH HEIGHT")]
