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
    """Declare a dataclass's fields on a node; return why values given at start were refused.

    The default is declared in place of a refused value. The node can then start and report the
    reasons in its log and diagnostics when it is configured.
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
    """Return the names of unknown parameters that were set at start; rclpy ignores them silently.

    The result is empty if a version of rclpy stores them under another private name.
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
        # An integer such as `max_depth: 80` is valid too. rclpy then does not check the type; the
        # dataclass does.
        result.dynamic_typing = True
    return result
