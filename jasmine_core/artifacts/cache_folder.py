# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cache folder of ONNX graphs, TensorRT engines and their accuracy reports."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "JASMINE_CACHE"


def cache_folder() -> Path:
    """Return the cache folder: JASMINE_CACHE, or jasmine/ in the user's cache folder."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jasmine"
