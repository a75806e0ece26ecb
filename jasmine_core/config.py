# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of frozen dataclasses as YAML or JSON, strict about keys and types.

cattrs is imported on first use, because a live node imports this module, but needs cattrs only when
it loads a checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

import yaml

from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_file, read_json, read_small
from jasmine_core.yaml_text import parse_yaml

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


def from_mapping(cls: type[T], values: Mapping[str, Any], source: str) -> T:
    """Build a config dataclass; raise ConfigError, whose message begins with `source`."""
    try:
        return _converter().structure(values, cls)
    except Exception as err:  # cattrs raises an ExceptionGroup, which Python 3.10 does not have
        raise ConfigError(f"{source}: {'; '.join(_reasons(err))}") from err


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
        example = '{"key": value}' if path.suffix == ".json" else "key: value"
        raise ConfigError(f"{path} holds no keys and values; write them as `{example}`")
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

    def from_keys(cls: Any) -> Any:
        build = make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True)

        def structure(values: Any, kind: type) -> Any:
            if not isinstance(values, Mapping):
                raise TypeError(f"{values!r} holds no keys and values")
            return build(values, kind)

        return structure

    converter.register_structure_hook_factory(is_dataclass, from_keys)
    converter.register_structure_hook_func(_is_list, _items)
    converter.register_structure_hook_func(_is_choice, _choice)
    for kind in (int, float, bool, str):
        converter.register_structure_hook(kind, _plain(kind))
    return converter


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple)


def _is_choice(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _choice(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    if value not in choices:
        raise ValueError(f"{value!r} is not one of {', '.join(map(str, choices))}")
    return value


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
        except Exception as err:  # cattrs raises what the type of the item raises
            note = IterableValidationNote(f"item {i} of {kind}", i, item)  # for the error's path
            err.__notes__ = [*getattr(err, "__notes__", []), note]
            failed.append(err)
    if failed:
        raise IterableValidationError(f"items of {kind}", failed, kind)
    return tuple(built) if origin is tuple else built


def _reasons(err: BaseException, path: str = "") -> Iterator[str]:
    """Yield each reason of an error of cattrs, with the key that it is about."""
    from cattrs.errors import (
        ClassValidationError,
        ForbiddenExtraKeysError,
        IterableValidationError,
        IterableValidationNote,
    )

    key = path.removeprefix(".")
    if isinstance(err, (ClassValidationError, IterableValidationError)):
        keyed, others = err.group_exceptions()
        for inner, note in keyed:
            if isinstance(note, IterableValidationNote):
                yield from _reasons(inner, f"{path}[{note.index}]")
            else:
                yield from _reasons(inner, f"{path}.{note.name}")
        for other in others:
            yield from _reasons(other, path)
    elif isinstance(err, ForbiddenExtraKeysError):
        known = [field.name for field in fields(err.cl)]
        for unknown in sorted(err.extra_fields, key=str):
            place = f" in {key}" if key else ""
            yield f"unknown key {unknown!r}{place}; {_nearest(str(unknown), known)}"
    elif isinstance(err, KeyError):
        yield f"'{key}' is missing"
    else:
        yield f"{key}: {err}" if key else str(err)


def _nearest(name: str, known: list[str]) -> str:
    """Return the known keys that are similar to a name; all of them if none is similar."""
    similar = get_close_matches(name, known)
    if len(similar) == 1:
        return f"the nearest known key is {similar[0]}"
    if similar:
        return f"the nearest known keys are {', '.join(similar)}"
    return f"known keys are {', '.join(known)}"
