# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cache folder of graphs, engines, accuracy reports and copies of objects."""

from __future__ import annotations

import os
from pathlib import Path

from jasmine_core.errors import ConfigError

ENVIRONMENT = "JASMINE_CACHE"


def cache_folder() -> Path:
    """Return the cache folder: JASMINE_CACHE, or jasmine/ in the user's cache folder.

    Raises:
        ConfigError: neither is set, and the user has no home folder, as in some containers.
    """
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches) / "jasmine"
    try:
        return Path.home() / ".cache" / "jasmine"
    except RuntimeError as err:
        raise ConfigError(
            f"the user has no home folder; set {ENVIRONMENT} to a folder that can be written"
        ) from err
