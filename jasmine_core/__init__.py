# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth from one camera: the model, its data, its run time. Knows nothing of ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jasmine_core._version import __version__

if TYPE_CHECKING:
    from jasmine_core.model.jasmine import JasmineModel
    from jasmine_core.runtime.predictor import DepthPredictor

__all__ = ["DepthPredictor", "JasmineModel", "__version__"]

_HOMES = {
    "JasmineModel": "jasmine_core.model.jasmine",
    "DepthPredictor": "jasmine_core.runtime.predictor",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a robot that runs an exported graph never pays for importing torch."""
    if home := _HOMES.get(name):
        from importlib import import_module

        return getattr(import_module(home), name)
    raise AttributeError(f"module 'jasmine_core' has no attribute {name!r}")
