# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Dataclass fields that are parameters: default, description, range and choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

from jasmine_core.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def parameter(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    read_only: bool = False,
) -> Any:
    """Return a dataclass field with the metadata of a parameter.

    Args:
        default: value unless another one is given; its type is the type of the field.
        description: sentence for the documentation, with the unit in brackets.
        minimum: smallest valid number.
        maximum: largest valid number.
        choices: valid strings; empty if every string is valid.
        read_only: whether the parameter can be set at start only.
    """
    metadata = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "read_only": read_only,
    }
    return field(default=default, metadata=metadata)


def check_values(parameters: DataclassInstance) -> None:
    """Raise ConfigError for a value out of range or not among the choices."""
    for spec in fields(parameters):
        value, rules = getattr(parameters, spec.name), spec.metadata
        low, high, choices = rules["minimum"], rules["maximum"], rules["choices"]
        if choices and value not in choices:
            raise ConfigError(f"{spec.name} is {value!r}; choose one of {', '.join(choices)}")
        if (low is not None and not value >= low) or (high is not None and value > high):
            limits = f"at least {low}" if high is None else f"{low}..{high}"
            raise ConfigError(f"{spec.name} is {value}; it must be {limits}")


def typed_values(parameters: DataclassInstance, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes with each value in the type of its field.

    Raises:
        ConfigError: A name is unknown, or a value has the wrong type.
    """
    types = {spec.name: str(spec.type) for spec in fields(parameters)}
    if unknown := changes.keys() - types.keys():
        names = ", ".join(map(repr, sorted(unknown)))
        raise ConfigError(f"parameter {names} is unknown; known are {', '.join(types)}")
    return {name: _typed(name, value, types[name]) for name, value in changes.items()}


def _typed(name: str, value: Any, type_name: str) -> Any:
    """Return a value in the named type; an integer is accepted for a float."""
    expected: type = {"str": str, "int": int, "float": float, "bool": bool}[type_name]
    if isinstance(value, expected) and (expected is bool or not isinstance(value, bool)):
        return value
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    raise ConfigError(f"{name} is {value!r}; it must be of type {type_name}")
