# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Dataclasses as parameters of a ROS 2 node, with description, range and read-only flag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, fields
from typing import Any

from rcl_interfaces.msg import (  # type: ignore[import-not-found]
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
)
from rclpy.exceptions import ParameterException  # type: ignore[import-not-found]


def declare(node: Any, defaults: Any) -> list[str]:
    """Declare a dataclass's fields on a node; return why values given at start were not taken.

    A node that refuses to exist because of a number cannot tell anyone: it declares the default
    instead, and its owner fails later with these reasons.
    """
    problems = []
    for spec in fields(defaults):
        described, default = descriptor(spec), getattr(defaults, spec.name)
        try:
            node.declare_parameter(spec.name, default, described)
        except ParameterException as err:
            problems.append(str(err))
            node.declare_parameter(spec.name, default, descriptor(spec), ignore_override=True)
    return problems


def values(node: Any, defaults: Any) -> dict[str, Any]:
    """Return the values that a node has for a dataclass's fields."""
    return {spec.name: node.get_parameter(spec.name).value for spec in fields(defaults)}


def undeclared(node: Any) -> Iterable[str]:
    """Return the names that someone set at start and that mean nothing; rclpy drops them silently.

    Empty where rclpy does not keep them under the name that it has had so far.
    """
    given = getattr(node, "_parameter_overrides", {})
    return [n for n in given if not (n.startswith("qos_overrides.") or node.has_parameter(n))]


def descriptor(spec: Field[Any]) -> Any:
    """Return the descriptor of one field."""
    rules = spec.metadata
    low, high, choices = rules["minimum"], rules["maximum"], rules["choices"]
    result = ParameterDescriptor(
        name=spec.name, description=rules["description"], read_only=rules["read_only"]
    )
    if choices:
        result.additional_constraints = f"one of {', '.join(choices)}"
    if spec.type == "int":
        result.integer_range = [IntegerRange(from_value=low, to_value=high, step=0)]
    if spec.type == "float":
        result.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)
        ]
        # `max_depth: 80` is a number too. The dataclass checks what rclpy then does not.
        result.dynamic_typing = True
    return result
