# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folder of everything that is computed once and kept: graphs, engines and their checks."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "JASMINE_CACHE"


def cache_folder() -> Path:
    """Return where engines are kept: JASMINE_CACHE, or jasmine/ in the user's cache folder."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jasmine"
