# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Monocular depth without ROS: models, training data, training, evaluation and prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jasmine_core._version import __version__

if TYPE_CHECKING:
    from jasmine_core.model.jasmine import JasmineModel
    from jasmine_core.runtime.predictor import DepthPredictor

__all__ = ["DepthPredictor", "JasmineModel", "__version__"]

_MODULES = {
    "JasmineModel": "jasmine_core.model.jasmine",
    "DepthPredictor": "jasmine_core.runtime.predictor",
}


def __getattr__(name: str) -> Any:
    """Import a class on its first use, so that running an exported graph does not import torch."""
    if module := _MODULES.get(name):
        from importlib import import_module

        return getattr(import_module(module), name)
    raise AttributeError(f"module 'jasmine_core' has no attribute {name!r}")
