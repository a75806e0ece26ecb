# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ranges of the configurations of a checkpoint, far around those of published networks.

A configuration of a few bytes can describe a network that no machine holds. It is compared with
these ranges, and with the tensors that the weights announce, before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jasmine_core.errors import ConfigError

MAX_SIDE = 8192  # [px]
MAX_PIXELS = 1 << 23
MAX_NUMBER = 1 << 17  # of widths, sizes and timesteps
MAX_DEPTH = 8  # of nested lists and mappings
MAX_ITEMS = 64  # of a list
MAX_ITERATIONS = 32  # of the Scale-Shift GRU
SCALES = (1e-6, 1e6)  # metres per unit, and units
_REPEATED = ("layers", "blocks")  # words in the names of numbers of layers


def expect_image_size(width: int, height: int) -> None:
    """Raise ConfigError for a size of images [px] that no network is made for."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or width * height > MAX_PIXELS:
        raise ConfigError(
            f"images of {width}x{height} px are outside 1 to {MAX_SIDE} px a side and {MAX_PIXELS} "
            "pixels; restore the configuration of the checkpoint"
        )


def expect_scale(name: str, value: float | None) -> None:
    """Raise ConfigError for a scale or a length that is not within SCALES; None is allowed."""
    if value is not None and not SCALES[0] <= value <= SCALES[1]:  # NaN is not
        raise ConfigError(f"{name} is {value}, outside {SCALES[0]:g} to {SCALES[1]:g}")


def expect_network(config: Mapping[str, Any], tensors: int) -> None:
    """Raise ConfigError for a configuration that describes more than its weights can hold.

    Args:
        config: configuration of one network, as JSON holds it.
        tensors: how many tensors its weights announce; every layer has one at least.
    """
    for name, number in _numbers("", config, 0):
        if any(word in name for word in _REPEATED) and number > tensors:
            raise ConfigError(f"{name} is {number}, but its weights have {tensors} tensors in all")
        if name == "iterations" and number > MAX_ITERATIONS:
            raise ConfigError(f"{name} is {number}; the most is {MAX_ITERATIONS}")


def _numbers(name: str, value: Any, depth: int) -> Iterator[tuple[str, float]]:
    """Yield names and numbers of a value; raise ConfigError for one that is out of range."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"{name} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list | tuple | Mapping):
        if len(value) > MAX_ITEMS * (1 + isinstance(value, Mapping)):
            raise ConfigError(f"{name} has {len(value)} items; the most is {MAX_ITEMS}")
        pairs = value.items() if isinstance(value, Mapping) else ((name, item) for item in value)
        for key, item in pairs:
            yield from _numbers(str(key), item, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= MAX_NUMBER:  # NaN is not
            shown = value if isinstance(value, float) else f"a number of {value.bit_length()} bits"
            raise ConfigError(f"{name} is {shown}; the most is {MAX_NUMBER}")
        yield name, value
