# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Message types of a bag, parsed only for the topics that are read.

A definition is untrusted text from which rosbags generates Python code. Its size, the depth of its
nesting and the number of fields that the code handles one by one are limited. IDL is parsed in a
process with a time limit, because the parser of rosbags may take exponential time.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from functools import cache, lru_cache
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from jasmine_core.child import environment, python_command
from jasmine_ros.bags.connection import Schema, full_name

MAX_DEFINITION = 1 << 18  # [bytes]; the largest of the common ones has 1 << 15
MAX_NESTING = 32  # types inside of types
MAX_FIELDS = 20_000  # of a message, with the elements of fixed arrays of types and strings
MAX_SECONDS = 10  # to parse an IDL definition
MAX_MEMORY = 1 << 31  # [bytes] of the process that parses it
_SEPARATOR = "=" * 80 + "\n"
_NAME = re.compile(r"[A-Za-z]\w*(/[A-Za-z]\w*)*", re.ASCII)
_CHILD = "from jasmine_ros.bags.definitions import parse_child; parse_child()"

Types = dict[str, Any]  # as rosbags describes them: type to constants and fields


def typestore(schema: Schema, ros1: bool) -> Typestore:
    """Return a store with one type and the types of its fields.

    Args:
        schema: definition of the type; one without a definition is looked up among the types of
            Humble, because bags of Humble and earlier do not contain definitions.
        ros1: whether the messages are those of ROS 1.

    Raises:
        ValueError: the definition cannot be read, is too large, or lacks a type.
    """
    found = _find(schema, ros1)
    if isinstance(found, str):
        raise ValueError(found)
    return found


@lru_cache(maxsize=256)
def _find(schema: Schema, ros1: bool) -> Typestore | str:
    """Return the store, or why there is none, so that a bad definition is parsed once."""
    try:
        return _read(schema, ros1)
    except Exception as err:  # the errors of the parsers have no other common base
        return str(err) or type(err).__name__


def _read(schema: Schema, ros1: bool) -> Typestore:
    usual, name = _usual(ros1), full_name(schema.name)
    if not schema.data.strip():
        if name not in usual:
            raise ValueError(f"the bag has no definition of {schema.name}")
        types = usual
    elif len(schema.data) > MAX_DEFINITION:
        raise ValueError(
            f"the definition of {schema.name} has {len(schema.data)} bytes, above the limit of "
            f"{MAX_DEFINITION}"
        )
    else:
        types = usual | _parse(schema)
    wanted = _with_fields(name, types)
    store = get_typestore(Stores.EMPTY)
    store.register(wanted)
    return store


@lru_cache(maxsize=256)
def missing_field(schema: Schema, ros1: bool) -> str:
    """Return a field that the definition of a standard type lacks, empty if it has all.

    A bag may define a type such as sensor_msgs/msg/Image with any fields. More fields than the
    usual ones are allowed, as later versions may add some.
    """
    found, usual = typestore(schema, ros1).fielddefs, _usual(ros1)
    for name in found.keys() & usual.keys():
        fields = {field: _kind_of(kind) for field, kind in found[name][1]}
        for field, kind in usual[name][1]:
            if fields.get(field) != _kind_of(kind):
                return f"{field} of {name}"
    return ""


def _kind_of(kind: Any) -> str:
    """Return what a field holds: numbers, text, a type, or a list of these."""
    node, content = kind
    if node == Nodetype.NAME:
        return str(content)
    if node == Nodetype.BASE:
        return "text" if content[0] in ("string", "wstring") else "number"
    return f"list of {_kind_of(content[0])}"


def _parse(schema: Schema) -> Types:
    text = schema.data.decode(errors="replace")
    if schema.encoding in ("ros2msg", "ros1msg"):
        return get_types_from_msg(text, schema.name)
    if schema.encoding not in ("ros2idl", "omgidl"):
        raise ValueError(f"definitions of the format {schema.encoding!r} cannot be read")
    parts = [text]
    if text.startswith(f"{_SEPARATOR}IDL: "):
        parts = [part.partition("\n")[2] for part in text.split(_SEPARATOR)[1:]]
    return _parse_idl(parts, schema.name)


def _parse_idl(parts: list[str], name: str) -> Types:
    """Parse IDL in a child process."""
    try:
        done = subprocess.run(
            python_command(_CHILD),
            input=json.dumps(parts),
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
            check=False,
            env=environment(),
        )
    except subprocess.TimeoutExpired as err:
        raise ValueError(
            f"the IDL definition of {name} cannot be parsed within {MAX_SECONDS} s"
        ) from err
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it needs too much memory"]
        raise ValueError(f"the IDL definition of {name} cannot be parsed: {lines[-1][:200]}")
    types: Types = _tuples(json.loads(done.stdout))
    return types


def parse_child() -> None:
    """Parse the IDL texts on the standard input; write their types as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    types: Types = {}
    for text in json.load(sys.stdin):
        types |= get_types_from_idl(text)
    json.dump(types, sys.stdout)


def _tuples(value: Any) -> Any:
    """Return the lists of JSON as the tuples that rosbags expects."""
    if isinstance(value, dict):
        return {
            name: ([tuple(c) for c in constants], [(f, _tuples(kind)) for f, kind in fields])
            for name, (constants, fields) in value.items()
        }
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@cache
def _usual(ros1: bool) -> Types:
    return dict(get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE).fielddefs)


def _with_fields(name: str, types: Types) -> Types:
    """Return a type and the types of its fields; raise ValueError if they are too large."""
    found: Types = {}
    sizes: dict[str, int] = {}

    def size_of(name: str, depth: int) -> int:
        """Return the number of values that the generated code handles one by one."""
        if name in sizes:
            return sizes[name]
        if depth > MAX_NESTING:
            raise ValueError(f"{name} is nested deeper than {MAX_NESTING} types")
        if name not in types:
            raise ValueError(f"the bag has no definition of {name}")
        expect_name(name)
        total = 0
        for field, kind in types[name][1]:
            expect_name(field)
            total += size_of_field(kind, depth)
            if total > MAX_FIELDS:
                raise ValueError(f"{name} has more than {MAX_FIELDS} fields")
        found[name], sizes[name] = types[name], total
        return total

    def size_of_field(kind: Any, depth: int) -> int:
        node, content = kind
        if node == Nodetype.NAME:
            return size_of(content, depth + 1)
        if node == Nodetype.BASE:
            return 1
        element, length = content
        one = size_of_field(element, depth)
        numbers = element[0] == Nodetype.BASE and element[1][0] not in ("string", "wstring")
        return one if node == Nodetype.SEQUENCE or numbers else one * max(1, length)

    def expect_name(name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:60]!r} is not a name")

    size_of(name, 0)
    return found
