# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses to and from YAML and JSON: strict about keys, types and choices."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import cattrs
import yaml
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_file

T = TypeVar("T")

_converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
_converter.register_structure_hook_factory(
    is_dataclass,
    lambda cls: make_dict_structure_fn(cls, _converter, _cattrs_forbid_extra_keys=True),
)


class _Loader(yaml.SafeLoader):
    """Read YAML 1.2's numbers: to PyYAML, which speaks 1.1, `3e-5` is a string."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def _plain(kind: type) -> Any:
    def structure(value: Any, _: type) -> Any:
        # YAML knows its types: a quoted number or a yes where a number belongs is a mistake.
        good = isinstance(value, (int, float) if kind is float else kind)
        if not good or (kind is not bool and isinstance(value, bool)):
            raise TypeError(f"{value!r} is not {'a number' if kind is float else kind.__name__}")
        return kind(value)

    return structure


for _kind in (int, float, bool, str):
    _converter.register_structure_hook(_kind, _plain(_kind))


def from_mapping(cls: type[T], values: Mapping[str, Any], source: str) -> T:
    """Build a config dataclass; `source` names the file in the message of a ConfigError."""
    try:
        return _converter.structure(values, cls)
    except Exception as err:  # cattrs raises an ExceptionGroup, which Python 3.10 lacks by name
        reasons = cattrs.transform_error(err, path=cls.__name__, format_exception=_reason)
        raise ConfigError(f"{source}: {'; '.join(reasons)}") from err


def _reason(err: BaseException, _: type | None) -> str:
    if isinstance(err, ForbiddenExtraKeysError):
        unknown = ", ".join(sorted(map(repr, err.extra_fields)))
        return f"unknown key {unknown}; known are {', '.join(f.name for f in fields(err.cl))}"
    if isinstance(err, KeyError):
        return f"{err} is missing"
    return str(err)


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a config as plain dicts, lists and numbers."""
    mapping: dict[str, Any] = _converter.unstructure(config)
    return mapping


def read_config(cls: type[T], path: Path) -> T:
    """Read a config dataclass from a YAML or JSON file."""
    return from_mapping(cls, read_mapping(path), str(path))


def read_mapping(path: Path) -> Mapping[str, Any]:
    """Read the keys and values of a YAML or JSON file."""
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else yaml.load(text, _Loader)
    except FileNotFoundError as err:
        raise ConfigError(f"{path} does not exist") from err
    except OSError as err:
        raise ConfigError(f"{path} cannot be read: {err.strerror}") from err
    except (yaml.YAMLError, ValueError) as err:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise ConfigError(f"{path} is not valid {kind}: {err}") from err
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path} holds {type(values).__name__}, expected keys and values")
    return values


def write_config(config: Any, path: Path) -> None:
    """Write a config dataclass, as JSON or YAML after the file's suffix."""
    values = to_mapping(config)
    with atomic_file(path) as temporary:
        if path.suffix == ".json":
            temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        else:
            temporary.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
