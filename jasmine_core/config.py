# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of frozen dataclasses as YAML or JSON, strict about keys and types.

cattrs is imported on first use, because a live node imports this module, but needs cattrs only when
it loads a checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import yaml

from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_file, read_json, read_small
from jasmine_core.yaml_text import parse_yaml

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


def from_mapping(cls: type[T], values: Mapping[str, Any], source: str) -> T:
    """Build a config dataclass; raise ConfigError, whose message begins with `source`."""
    from cattrs import transform_error

    try:
        return _converter().structure(values, cls)
    except Exception as err:  # cattrs raises an ExceptionGroup, which Python 3.10 does not have
        reasons = transform_error(err, path=cls.__name__, format_exception=_reason)
        raise ConfigError(f"{source}: {'; '.join(reasons)}") from err


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a config as plain dicts, lists and numbers."""
    mapping: dict[str, Any] = _converter().unstructure(config)
    return mapping


def read_config(cls: type[T], path: Path) -> T:
    """Read a config dataclass from a YAML or JSON file."""
    return from_mapping(cls, read_mapping(path), str(path))


def read_mapping(path: Path) -> Mapping[str, Any]:
    """Read the keys and values of a YAML or JSON file."""
    try:
        values = read_json(path) if path.suffix == ".json" else parse_yaml(read_small(path))
    except FileNotFoundError as err:
        raise ConfigError(f"{path} does not exist") from err
    except OSError as err:
        raise ConfigError(f"{path} cannot be read: {err.strerror}") from err
    except (yaml.YAMLError, ValueError) as err:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise ConfigError(f"{path} is not valid {kind}: {err}") from err
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path} contains {type(values).__name__}, expected keys and values")
    return values


def write_config(config: Any, path: Path) -> None:
    """Write a config dataclass as JSON or YAML, depending on the suffix of the file."""
    values = to_mapping(config)
    with atomic_file(path) as temporary:
        if path.suffix == ".json":
            temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        else:
            temporary.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


# ---------------------------------------------------------------------- strict types


@cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook_factory(
        is_dataclass,
        lambda cls: make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True),
    )
    converter.register_structure_hook_func(_is_list, _items)
    for kind in (int, float, bool, str):
        converter.register_structure_hook(kind, _plain(kind))
    return converter


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple)


def _plain(kind: type) -> Any:
    def structure(value: Any, _: type) -> Any:
        # A quoted number, or yes in place of a number, is refused instead of converted.
        valid = isinstance(value, (int, float) if kind is float else kind)
        if not valid or (kind is not bool and isinstance(value, bool)):
            raise TypeError(f"{value!r} is not {'a number' if kind is float else kind.__name__}")
        return kind(value)

    return structure


def _items(values: Any, kind: Any) -> Any:
    """Build a list or a tuple; cattrs alone would accept a string as a list of its characters."""
    from cattrs.errors import IterableValidationError, IterableValidationNote

    origin, kinds = get_origin(kind), get_args(kind)
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{values!r} is not a list")
    if origin is list or kinds[-1] is ...:
        kinds = kinds[:1] * len(values)
    if len(values) != len(kinds):
        raise ValueError(f"{values!r} has {len(values)} items, expected {len(kinds)}")
    built, failed = [], []
    for i, (value, item) in enumerate(zip(values, kinds, strict=True)):
        try:
            built.append(_converter().structure(value, item))
        except Exception as err:
            note = IterableValidationNote(f"item {i} of {kind}", i, item)  # for the error's path
            err.__notes__ = [*getattr(err, "__notes__", []), note]
            failed.append(err)
    if failed:
        raise IterableValidationError(f"items of {kind}", failed, kind)
    return tuple(built) if origin is tuple else built


def _reason(err: BaseException, _: type | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError

    if isinstance(err, ForbiddenExtraKeysError):
        unknown = ", ".join(sorted(map(repr, err.extra_fields)))
        return f"unknown key {unknown}; known keys are {', '.join(f.name for f in fields(err.cl))}"
    if isinstance(err, KeyError):
        return f"{err} is missing"
    return str(err)
