# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Command-line arguments of ROS 2 after `--ros-args`: remappings, parameters and their files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jasmine_core.errors import ConfigError
from jasmine_core.files import read_small
from jasmine_core.yaml_text import parse_yaml

START, END = "--ros-args", "--"


@dataclass
class RosArguments:
    """ROS arguments that apply to one node."""

    node: str
    namespace: str = "/"
    remaps: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Return the node's name with its namespace."""
        return f"{self.namespace.rstrip('/')}/{self.node}"


def split_ros_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return a program's own arguments and those between `--ros-args` and `--`."""
    own: list[str] = []
    ros: list[str] = []
    current = own
    for argument in arguments:
        if argument == START:
            current = ros
        elif argument == END and current is ros:
            current = own
        else:
            current.append(argument)
    return own, ros


def parse_ros_arguments(ros: list[str], node: str, namespace: str = "/") -> RosArguments:
    """Parse remappings, parameters and parameter files; of two values the later one is used.

    Args:
        ros: the arguments after `--ros-args`.
        node: name of the node, unless `__node` is remapped.
        namespace: namespace of the node, unless `__ns` is remapped.

    Raises:
        ConfigError: an argument is unknown or malformed, or a file cannot be read.
    """
    pairs = list(zip(ros[::2], ros[1::2], strict=False))
    if len(ros) % 2:
        raise ConfigError(f"{ros[-1]} after {START} has no value; write {ros[-1]} NAME:=VALUE")
    result = RosArguments(node, namespace)
    # 1. Names and remappings. They come first, because files may apply to one node only.
    for option, value in pairs:
        if option in ("-r", "--remap"):
            target, before, after = _rule(value)
            if target not in (None, node):
                continue
            if before == "__node":
                result.node = after
            elif before == "__ns":
                result.namespace = "/" + after.strip("/")
            else:
                result.remaps[before] = after
    # 2. Parameters.
    for option, value in pairs:
        if option in ("-p", "--param"):
            target, name, text = _rule(value)
            if target in (None, node, result.node):
                result.parameters[name] = _value(name, text)
        elif option == "--params-file":
            result.parameters |= _from_file(Path(value), result)
        elif option not in ("-r", "--remap", "--log-level"):
            raise ConfigError(f"{option} is unknown after {START}; use -r, -p or --params-file")
    return result


def _rule(text: str) -> tuple[str | None, str, str]:
    """Split `[NODE:]FROM:=TO` into node, from and to."""
    before, mark, after = text.partition(":=")
    target, colon, name = before.rpartition(":")
    if not (mark and name and after):
        raise ConfigError(f"{text!r} is not of the form NAME:=VALUE")
    return target if colon else None, name, after


def _value(name: str, text: str) -> Any:
    try:
        return parse_yaml(text)
    except yaml.YAMLError as err:
        raise ConfigError(f"{name}:={text} is not a valid YAML value") from err


def _from_file(path: Path, to: RosArguments) -> dict[str, Any]:
    """Read the sections of a ROS parameter file that apply to a node, wildcards first."""
    try:
        sections = parse_yaml(read_small(path))
    except OSError as err:
        raise ConfigError(f"{path} cannot be read: {err.strerror}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path} is not valid YAML: {err}") from err
    result: dict[str, Any] = {}
    for name in ("/**", f"/**/{to.node}", to.node, to.full_name):
        section = sections.get(name) if isinstance(sections, dict) else None
        if section is None:
            continue
        if not isinstance(section, dict) or not isinstance(section.get("ros__parameters"), dict):
            raise ConfigError(f"{path}: {name} has no mapping ros__parameters")
        result |= section["ros__parameters"]
    if not result:
        raise ConfigError(
            f"{path} has no parameters for {to.full_name}; add a section {to.full_name} or /**"
        )
    return result
